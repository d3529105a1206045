import { dirname } from 'node:path'
import { freshContent } from './content.ts'
import type { Desk } from './desk.ts'
import { grow } from './growth.ts'
import type { Act, ActName } from './steps.ts'

/** What a person did: nothing, when what it takes is not there. */
export type Done = 'done' | 'not possible'

/** Does it at once; a growing file goes on growing by itself. Below `home`, the directory of this history. */
export function perform(desk: Desk, step: Act, home: string): Done {
  const act: Act = { ...step, path: `${home}/${step.path}`, other: `${home}/${step.other}` }
  if (desk.isAway || desk.isBusy(act.path) || desk.isBusy(act.other)) return 'not possible'
  if (desk.isFull && !removals.includes(act.act)) return 'not possible'
  // A program that still writes to `f` stands in the way of `f/x`.
  const parents = [...ancestorsOf(act.path), ...ancestorsOf(act.other)]
  if (parents.some((parent) => desk.busy.has(parent))) return 'not possible'
  try {
    return acts[act.act](desk, act) === false ? 'not possible' : 'done'
  } catch (error) {
    // An agent has just put something else there, or taken it away. What was done until then is in the ledger.
    if (overtaken.includes((error as NodeJS.ErrnoException).code ?? '')) return 'not possible'
    throw error
  }
}

const overtaken: readonly string[] = ['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'ELOOP']

const removals: readonly ActName[] = ['delete', 'delete-directory', 'chmod']

const acts: Readonly<Record<ActName, (desk: Desk, act: Act) => unknown>> = {
  create: (desk, act) => {
    if (desk.isFile(act.path)) return desk.edit(act.path, () => freshContent(act))
    clear(desk, act.path)
    return desk.put(act.path, freshContent(act))
  },
  edit: (desk, act) => desk.isFile(act.path) && desk.edit(act.path, () => freshContent(act)),
  save: (desk, act) => {
    if (desk.isDirectory(act.path)) return false
    desk.makeParents(act.path)
    const draft = `${dirname(act.path)}/.saving-${act.id}`
    desk.put(draft, freshContent(act))
    return desk.move(draft, act.path)
  },
  append: (desk, act) =>
    desk.isFile(act.path) && desk.edit(act.path, (old) => Buffer.concat([old, Buffer.from(`${act.id} more\n`)])),
  rename: (desk, { path, other }) => {
    const stats = desk.stat(path)
    if (stats === undefined || stats.isDirectory() || desk.isDirectory(other)) return false
    if (path === other || other.startsWith(`${path}/`)) return false
    desk.makeParents(other)
    return desk.move(path, other)
  },
  'move-directory': (desk, { path, other }) => {
    if (!desk.isDirectory(path) || desk.stat(other) !== undefined || `${other}/`.startsWith(`${path}/`)) return false
    desk.makeParents(other)
    return desk.moveDirectory(path, other)
  },
  delete: (desk, { path }) => desk.stat(path) !== undefined && desk.take(path),
  'delete-directory': (desk, { path }) => desk.isDirectory(path) && desk.take(path),
  'swap-kind': (desk, act) => {
    const isFile = desk.stat(act.path)?.isFile() ?? false
    clear(desk, act.path)
    if (desk.stat(act.path) !== undefined) return false
    const path = isFile ? `${act.path}/inside` : act.path
    desk.makeParents(path)
    return desk.put(path, freshContent(act))
  },
  symlink: (desk, act) => {
    clear(desk, act.path)
    if (desk.stat(act.path) !== undefined) return false
    return desk.link(act.path, `no such ${act.id}`)
  },
  chmod: (desk, { path, pick }) => desk.isFile(path) && desk.setMode(path, pick % 2 === 0 ? 0o755 : 0o644),
  twice: (desk, act) => {
    const content = freshContent(act)
    for (const path of [act.path, act.other]) {
      clear(desk, path)
      if (desk.stat(path) === undefined) desk.put(path, content)
    }
  },
  'same-size': (desk, act) => {
    if (!desk.isFile(act.path)) return false
    const sameSize = (old: Buffer): Buffer =>
      Buffer.from(freshContent({ ...act, bytes: old.length })).subarray(0, old.length)
    const size = desk.stat(act.path)?.size ?? 0
    // Too short to be unlike any other.
    if (size < 40) return false
    if (act.pick % 2 === 0) return desk.edit(act.path, sameSize, { restoreTime: true })
    // Twice within one tick of the file system's clock.
    desk.edit(act.path, () => freshContent({ ...act, id: `${act.id} first`, bytes: 200 }))
    return desk.edit(act.path, () => freshContent({ ...act, id: `${act.id} again`, bytes: 200 }))
  },
  grow: (desk, act) => {
    clear(desk, act.path)
    return desk.stat(act.path) === undefined && grow(desk, act)
  },
}

/** Room for something new: parents there, nothing at the path, unless something appears meanwhile. */
function clear(desk: Desk, path: string): void {
  desk.makeParents(path)
  if (desk.stat(path) !== undefined) desk.take(path)
}

const ancestorsOf = (path: string): string[] => {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}
