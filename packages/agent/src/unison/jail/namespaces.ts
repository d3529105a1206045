import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { locate } from '../version.ts'
import { type Builder, type JailGround, rootMayStill } from './jail.ts'

/** The script's own, in the order in which it is told where they are. */
const scriptTools = ['mkdir', 'mount', 'umount', 'pivot_root', 'setpriv'] as const
/** Of util-linux and the shell: on every Linux, but for the smallest. */
const tools = ['sh', 'unshare', ...scriptTools] as const
type Tool = (typeof tools)[number]
type Tools = Readonly<Record<Tool, string>>

/** What bubblewrap does, with the system's own tools; it takes ten times as long to start. */
export const namespaces: Builder = async (ground) => {
  const found = await findTools(ground.searchPath)
  if (found === undefined) return undefined
  const toolsAt = Object.values(found).map((tool) => dirname(tool))
  const base = [
    ...confinement(found, ground),
    found.sh,
    '-c',
    script,
    'jail',
    ...scriptTools.map((tool) => found[tool]),
  ]
  return ({ writable, readable = [] }) =>
    (argv, also) => {
      const shown = [...once(ground.present, toolsAt, readable), '--', ...once(writable, also), '--']
      return [...base, ...rights(ground), '--', ...shown, ...argv]
    }
}

async function findTools(searchPath: string): Promise<Tools | undefined> {
  // Some of them lie where the PATH of most users does not lead.
  const find = async (tool: Tool) => [tool, await inPlace(await locate(tool, `${searchPath}:/usr/sbin:/sbin`))] as const
  const found = await Promise.all(tools.map(find)).catch(() => undefined)
  return found && (Object.fromEntries(found) as Tools)
}

/** By a path that leads there in the jail, too. The name stays: some programs are many, and go by it. */
async function inPlace(program: string): Promise<string> {
  return join(await realpath(dirname(program)), basename(program))
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
// what else was said of them stays, for nobody but root may take it away. Where this user cannot go Unison cannot either. Nothing here reads
// stdin or touches descriptor 3: they are Unison's.
const script = `
set -eu
mkdir=$1 mount=$2 umount=$3 pivot_root=$4 setpriv=$5
shift 5
rights=
while [ "$1" != -- ]; do rights="$rights $1"; shift; done
shift
new=/sys/jail
here=$PWD
shows_tmp=

show() {
  if [ -d "$1" ]; then
    "$mkdir" -p "$new$1"
  elif [ -e "$1" ]; then
    "$mkdir" -p "$new\${1%/*}"
    [ -e "$new$1" ] || : > "$new$1"
  else
    echo "$1 is not there" >&2
    exit 1
  fi
  "$mount" -n --rbind "$1" "$new$1"
  [ "$1" != /tmp ] || shows_tmp=yes
}

# Blanks and the like are written as a backslash and three octal digits.
decode() {
  decoded= left=$1
  while :; do
    case "$left" in
      *\\\\*) decoded="$decoded\${left%%\\\\*}\\\\0" left=\${left#*\\\\} ;;
      *) break ;;
    esac
  done
  decoded=$(printf '%b.' "$decoded$left")
  decoded=\${decoded%.}
}

# Of all that is shown by now: no devices, no rights of others; ro: and no changes.
seal() {
  while read -r _ _ _ _ point options _; do
    case "$point" in *\\\\*) decode "$point"; point=$decoded ;; esac
    case "$point" in
      "$new"/dev/*) continue ;;
      "$new/tmp") [ -n "$shows_tmp" ] || continue ;;
      "$new"/*) ;;
      *) continue ;;
    esac
    case "$1 $options" in "ro ro,nosuid,nodev"* | "rw "*,nosuid,nodev*) continue ;; esac
    [ -e "$point" ] || continue
    if [ "$1" = ro ]; then options=ro\${options#r[ow]}; fi
    "$mount" -n -o "remount,bind,$options,nosuid,nodev" "$point"
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
seal ro
while [ "$1" != -- ]; do show "$1"; shift; done
shift
seal rw
"$mount" -n -o remount,bind,ro,nosuid,nodev "$new"
cd "$new"
"$pivot_root" . old
"$umount" -n -c -l /old
cd "$here" 2>/dev/null || cd /
"$setpriv" $rights -- "$@"
exit $?
`
