import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { execa } from 'execa'
import { bubblewrap } from './bubblewrap.ts'
import type { Builder, Jail } from './jail.ts'
import { namespaces } from './namespaces.ts'

/** What every program needs, where it is there. No configuration of the system, and nobody's home. */
const system = ['/usr', '/lib', '/lib64', '/bin', '/sbin', '/etc/ld.so.cache', '/nix/store'] as const

const builders: readonly Builder[] = [bubblewrap, namespaces]

/** A jail of bubblewrap's, else one that the system's own tools make; undefined where neither is there, or may make namespaces.
 *  `programs`: what is to run in it. */
export async function findJail(
  programs: readonly string[],
  searchPath = process.env.PATH ?? '',
): Promise<Jail | undefined> {
  if (process.platform !== 'linux') return undefined
  for (const build of builders) {
    const jail = await buildJail(build, programs, searchPath)
    if (jail !== undefined) return jail
  }
  return undefined
}

/** A jail of one kind; undefined where it cannot be made, or nothing runs in it. */
export async function buildJail(
  build: Builder,
  programs: readonly string[],
  searchPath = process.env.PATH ?? '',
): Promise<Jail | undefined> {
  const present = [...system, ...programs.map((program) => dirname(program))].filter((path) => existsSync(path))
  const jail = await build({ present, searchPath, isRoot: process.getuid?.() === 0 })
  if (jail === undefined) return undefined
  const [program = '', ...rest] = jail({ writable: [] })(['/usr/bin/true'], [])
  const tried = await execa(program, rest, { reject: false, timeout: 10_000, stdio: 'ignore' })
  return tried.exitCode === 0 ? jail : undefined
}
