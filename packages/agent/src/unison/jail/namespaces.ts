import { realpath } from 'node:fs/promises'
import { locate } from '../version.ts'
import { type Builder, type JailGround, rootMayStill } from './jail.ts'

/** Of util-linux and the shell: on every Linux, but for the smallest. */
const tools = ['sh', 'mkdir', 'mount', 'umount', 'pivot_root', 'unshare', 'setpriv'] as const
type Tool = (typeof tools)[number]
type Tools = Readonly<Record<Tool, string>>

/** What bubblewrap does, with the system's own tools; it takes ten times as long to start. */
export const namespaces: Builder = async (ground) => {
  const found = await findTools(ground.searchPath)
  if (found === undefined) return undefined
  const base = [...confinement(found, ground), found.sh, '-c', script, 'jail', ...tools.map((tool) => found[tool])]
  return ({ writable, readable = [] }) =>
    (argv, also) => {
      const shown = [...once(ground.present, readable), '--', ...once(writable, also), '--']
      return [...base, ...rights(ground), '--', ...shown, ...argv]
    }
}

async function findTools(searchPath: string): Promise<Tools | undefined> {
  const find = async (tool: Tool) => [tool, await realpath(await locate(tool, searchPath))] as const
  const found = await Promise.all(tools.map(find)).catch(() => undefined)
  return found && (Object.fromEntries(found) as Tools)
}

function confinement({ unshare, setpriv }: Tools, { isRoot }: JailGround): string[] {
  const users = isRoot ? [] : ['--user', '--map-root-user']
  return [
    // Ends with this process, and all that is in it with the first process there.
    ...[setpriv, '--pdeathsig', 'KILL'],
    ...[unshare, ...users, '--ipc', '--pid', '--net', '--uts', '--mount', '--fork', '--kill-child=KILL', '--'],
  ]
}

/** For setpriv. Who is not root outside has no rights to keep, whatever he is called inside. */
function rights({ isRoot }: JailGround): string[] {
  const kept = isRoot ? rootMayStill.map((right) => `+${right}`) : []
  return ['--no-new-privs', '--inh-caps', '-all', '--bounding-set', ['-all', ...kept].join(',')]
}

const once = (...paths: readonly (readonly string[])[]): string[] => [...new Set(paths.flat())]

// The new root is built where /sys was, which nobody shares. Mounts that lie within what is shown come along, and are as read-only as it is;
// what else was said of them stays, for nobody but root may take it away. Nothing here reads stdin or touches descriptor 3: they are
// Unison's.
const script = `
set -eu
sh=$1 mkdir=$2 mount=$3 umount=$4 pivot_root=$5 setpriv=$7
shift 7
rights=
while [ "$1" != -- ]; do rights="$rights $1"; shift; done
shift
new=/sys/jail
here=$PWD

show() {
  if [ -d "$1" ]; then "$mkdir" -p "$new$1"; else "$mkdir" -p "$new\${1%/*}"; : > "$new$1"; fi
  "$mount" -n --rbind "$1" "$new$1"
}

seal() {
  while read -r _ _ _ _ point options _; do
    case "$point" in *\\\\*) point=$(printf '%b.' "$point"); point=\${point%.} ;; esac
    case "$point" in "$new/tmp") continue ;; "$new"/*) ;; *) continue ;; esac
    case "$options" in rw*) "$mount" -n -o "remount,bind,ro\${options#rw}" "$point" ;; esac
  done < /proc/self/mountinfo
}

"$mount" -n -t tmpfs tmpfs /sys
"$mkdir" "$new"
"$mount" -n -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$new"
"$mkdir" -p "$new/tmp" "$new/old" "$new/proc/self"
"$mount" -n -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$new/tmp"
: > "$new/proc/self/mountinfo"
for device in null zero random urandom; do show "/dev/$device"; done
while [ "$1" != -- ]; do show "$1"; shift; done
shift
seal
while [ "$1" != -- ]; do show "$1"; shift; done
shift
"$mount" -n -o remount,bind,ro,nosuid,nodev "$new"
cd "$new"
"$pivot_root" . old
"$umount" -n -c -l /old
cd "$here" 2>/dev/null || cd /
"$setpriv" $rights -- "$@"
exit $?
`
