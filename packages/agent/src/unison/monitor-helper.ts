import { randomUUID } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What Unison starts as its file monitor. Descriptor 3 is a pipe to the agent that Unison inherited and passes on. Two `cat`s: one
 *  ends when Unison does, the other when the agent does; then Unison ends too ("watcher died"). */
const script = `#!/bin/sh
# Unison asks its file monitor what changed. Spansync knows: questions and answers go through descriptor 3.
cat <&3 &
exec cat >&3
`

/** Makes sure that a directory holds our stand-in under the name that Unison looks for first; gives that directory, which must come
 *  first on PATH. The name with the version wins over a plain `unison-fsmonitor` that a package put beside the binary. */
export async function installMonitorHelper(unisonDir: string, series: string): Promise<string> {
  const directory = join(unisonDir, 'monitor')
  const path = join(directory, `unison-fsmonitor-${series}`)
  const present = await readFile(path, 'utf8').catch(() => undefined)
  if (present === script) return directory
  await mkdir(directory, { recursive: true, mode: 0o700 })
  // Renamed into place: a Unison that starts at this moment must not find half of it. Two sessions of the pair may begin at a time.
  const unfinished = `${path}.${randomUUID()}`
  await writeFile(unfinished, script, { mode: 0o700 })
  await chmod(unfinished, 0o700)
  await rename(unfinished, path)
  return directory
}
