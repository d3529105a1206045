import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errnoOf } from '@spansync/common/runtime/errors'
import { setAside } from './open-index.ts'

/** Sees to it that an index is only ever used for the directory that it was made for: in any other, everything that it knows and does
 *  not find would count as deleted. `root` names the directory, wherever it lies (`rootInstance`). Answers where the index of another
 *  directory has been put, if there was one; an index from before there were names is believed to be the right one. */
export function bindIndex(file: string, root: string): string | undefined {
  const binding = `${file}.root`
  const known = read(binding)
  if (known === root) return undefined
  mkdirSync(dirname(file), { recursive: true })
  const aside = known !== undefined && existsSync(file) ? setAside(file, 'other-root') : undefined
  // What sessions were bringing to the other directory says nothing about this one.
  if (aside !== undefined) for (const name of pendingOf(file)) renameSync(join(dirname(file), name), `${aside}-${name}`)
  writeFileSync(`${binding}.new`, root, { mode: 0o600 })
  renameSync(`${binding}.new`, binding)
  return aside
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function pendingOf(file: string): string[] {
  return readdirSync(dirname(file)).filter((name) => name.startsWith(`${basename(file)}.pending-`))
}
