import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { execa } from 'execa'
import type { Wrap } from './child.ts'
import { locate } from './version.ts'

export interface JailPlaces {
  /** Directories that it may read and change; everything in them, and nothing else. Absolute. */
  readonly writable: readonly string[]
  readonly readable?: readonly string[]
}

/** Puts a jail around a program: an own view of the file system, no network, no other process. */
export type Jail = (places: JailPlaces) => Wrap

/** What every program needs, where it is there. No configuration of the system, and nobody's home. */
const system = ['/usr', '/lib', '/lib64', '/bin', '/sbin', '/etc/ld.so.cache', '/nix/store'] as const

/** A jail of bubblewrap's; undefined where that is missing, or may not make namespaces. `programs`: what is to run in it. */
export async function findJail(
  programs: readonly string[],
  searchPath = process.env.PATH ?? '',
): Promise<Jail | undefined> {
  if (process.platform !== 'linux') return undefined
  const bubblewrap = await locate('bwrap', searchPath).catch(() => undefined)
  if (bubblewrap === undefined) return undefined
  const jail = jailOf(bubblewrap, programs)
  const [program = '', ...rest] = jail({ writable: [] })(['/usr/bin/true'], [])
  const tried = await execa(program, rest, { reject: false, timeout: 10_000, stdio: 'ignore' })
  return tried.exitCode === 0 ? jail : undefined
}

function jailOf(bubblewrap: string, programs: readonly string[]): Jail {
  const present = [...system, ...programs.map((program) => dirname(program))].filter((path) => existsSync(path))
  const base = [
    bubblewrap,
    // Not the users: an agent of root's serves files of all of them. Others get a namespace of users of their own, as it takes one.
    ...[
      '--unshare-ipc',
      '--unshare-pid',
      '--unshare-net',
      '--unshare-uts',
      '--unshare-cgroup-try',
      '--die-with-parent',
    ],
    ...bind('--ro-bind', present),
    ...['--dev', '/dev', '--tmpfs', '/tmp'],
  ]
  return ({ writable, readable = [] }) =>
    (argv, also) => [...base, ...bind('--ro-bind', readable), ...bind('--bind', [...writable, ...also]), '--', ...argv]
}

function bind(how: '--bind' | '--ro-bind', paths: readonly string[]): string[] {
  return [...new Set(paths)].flatMap((path) => [how, path, path])
}
