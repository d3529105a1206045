import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes a file that a power cut right afterwards does not take away, readable only by its owner. Its directory is made when missing. */
export async function writeDurably(file: string, text: string): Promise<void> {
  const directory = dirname(file)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await using handle = await open(file, 'w', 0o600)
  await handle.writeFile(text)
  await handle.sync()
  // Windows cannot open directories, and need not.
  if (process.platform === 'win32') return
  // The name is the directory's.
  await using above = await open(directory, 'r')
  await above.sync()
}
