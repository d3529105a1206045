import { hash } from 'node:crypto'
import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { compareTrees, readTree, type Tree, type TreeItem } from '../../lab/tree.ts'
import { absolute } from '../live/seen.ts'

/** Whether the replica holds exactly this at the path (bytes, as latin1). */
export function holds(root: string, path: string, wanted: TreeItem | undefined): boolean {
  const full = absolute(root, path)
  const stats = lstatSync(full, { throwIfNoEntry: false })
  if (stats === undefined || wanted === undefined) return stats === wanted
  if (wanted.kind === 'dir') return stats.isDirectory()
  if (wanted.kind === 'symlink') return stats.isSymbolicLink() && readlinkSync(full, 'latin1') === wanted.target
  if (wanted.kind !== 'file' || !stats.isFile() || stats.size !== wanted.size) return false
  return ((stats.mode & 0o100) !== 0) === wanted.executable && hash('sha256', readFileSync(full)) === wanted.hash
}

/** The paths on which the two trees differ. */
export function changedPaths(before: Tree, after: Tree): string[] {
  const same = (a: TreeItem | undefined, b: TreeItem | undefined): boolean => JSON.stringify(a) === JSON.stringify(b)
  return [...new Set([...before.keys(), ...after.keys()])].filter((path) => !same(before.get(path), after.get(path)))
}

/** One line per difference between what is wanted and what the replicas hold, byte for byte; empty when there is none. */
export function differences(
  wanted: Tree,
  replicas: readonly { readonly name: string; readonly root: string }[],
): string[] {
  const trees = replicas.map(({ name, root }) => [name, readTree(root)] as const)
  return compareTrees(new Map([['wanted', wanted] as const, ...trees]), 10)
}
