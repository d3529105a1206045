import { hash } from 'node:crypto'
import { type Dirent, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What two replicas must agree on for one path. Times and owners are not among it. */
export type TreeItem =
  | { readonly kind: 'dir' }
  | { readonly kind: 'file'; readonly size: number; readonly executable: boolean; readonly hash: string }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'other' }

/** By path. Paths and link targets are bytes, kept as latin1 so that no name is changed by reading it. */
export type Tree = ReadonlyMap<string, TreeItem>

/** Names that belong to the tools and not to the user. */
function isOurs(name: string, atRoot: boolean): boolean {
  return (atRoot && name === '.spansync') || /^\.unison\..*\.unison\.tmp$/s.test(name) || /^\.#?unison\.lock/.test(name)
}

export interface ReadOptions {
  /** Hash the contents (default), or leave the hash empty and only look at sizes: some hundred times cheaper. */
  readonly contents?: boolean
}

/** Files that vanish while the tree is read are left out. Throws when the root itself cannot be read. */
export function readTree(root: string, { contents = true }: ReadOptions = {}): Tree {
  const tree = new Map<string, TreeItem>()
  const pending: string[] = ['']
  const absolute = (path: string): Buffer => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')])
  for (const directory of pending) {
    for (const entry of list(absolute(directory), directory === '')) {
      const name = entry.name.toString('latin1')
      if (isOurs(name, directory === '')) continue
      const path = directory === '' ? name : `${directory}/${name}`
      const item = readItem(absolute(path), entry, contents)
      if (item === undefined) continue
      tree.set(path, item)
      if (item.kind === 'dir') pending.push(path)
    }
  }
  return tree
}

function list(directory: Buffer, isRoot: boolean): Dirent<Buffer>[] {
  try {
    return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })
  } catch (error) {
    if (!isRoot && isGone(error)) return []
    throw error
  }
}

function readItem(path: Buffer, entry: Dirent<Buffer>, contents: boolean): TreeItem | undefined {
  try {
    if (entry.isDirectory()) return { kind: 'dir' }
    if (entry.isSymbolicLink()) return { kind: 'symlink', target: readlinkSync(path, 'buffer').toString('latin1') }
    if (!entry.isFile()) return { kind: 'other' }
    const { size, mode } = lstatSync(path)
    const content = contents ? hash('sha256', readFileSync(path)) : ''
    return { kind: 'file', size, executable: (mode & 0o100) !== 0, hash: content }
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
}

/** A path for people: its UTF-8 text, with control characters and bytes that are no UTF-8 made visible. */
export function showPath(path: string): string {
  return JSON.stringify(Buffer.from(path, 'latin1').toString('utf8'))
}

function showItem(item: TreeItem | undefined): string {
  if (item === undefined) return 'absent'
  if (item.kind === 'symlink') return `symlink to ${showPath(item.target)}`
  if (item.kind !== 'file') return item.kind
  const content = item.hash === '' ? '' : `, ${item.hash.slice(0, 12)}`
  return `file of ${item.size} bytes${item.executable ? ', executable' : ''}${content}`
}

/** One line per path that differs, at most `limit`; empty when the trees are equal. */
export function compareTrees(trees: ReadonlyMap<string, Tree>, limit = 20): string[] {
  const [[first, reference] = ['', new Map<string, TreeItem>()] as const, ...others] = trees
  const lines: string[] = []
  let left = 0
  for (const [name, tree] of others) {
    for (const path of new Set([...reference.keys(), ...tree.keys()])) {
      const [here, there] = [showItem(reference.get(path)), showItem(tree.get(path))]
      if (here === there) continue
      if (lines.length < limit) lines.push(`${showPath(path)}: ${first} has ${here}; ${name} has ${there}`)
      else left += 1
    }
  }
  return left === 0 ? lines : [...lines, `and ${left} more`]
}
