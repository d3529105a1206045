import { locate } from '../version.ts'
import { type Builder, type JailGround, rootMayStill } from './jail.ts'

export const bubblewrap: Builder = async (ground) => {
  const program = await locate('bwrap', ground.searchPath).catch(() => undefined)
  if (program === undefined) return undefined
  const base = [program, ...confinement(ground)]
  return ({ writable, readable = [] }) =>
    (argv, also) => {
      const shown = [...bind('--ro-bind', readable), ...bind('--bind', [...writable, ...also])]
      return [...base, ...shown, '--remount-ro', '/', '--', ...argv]
    }
}

function confinement({ present, isRoot }: JailGround): string[] {
  return [
    // Not the users: an agent of root's serves files of all of them. Others get a namespace of users of their own, as it takes one.
    ...['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'],
    '--die-with-parent',
    ...(isRoot ? ['--cap-drop', 'ALL', ...rootMayStill.flatMap((right) => ['--cap-add', `cap_${right}`])] : []),
    ...bind('--ro-bind', present),
    ...['--dev', '/dev', '--tmpfs', '/tmp'],
  ]
}

function bind(how: '--bind' | '--ro-bind', paths: readonly string[]): string[] {
  return [...new Set(paths)].flatMap((path) => [how, path, path])
}
