import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { orGone } from '../disk/gone.ts'

/** Everything below, never through a symbolic link. What cannot be read is left to the next scan, which reports it. */
export async function listBelow(root: string, directory: RelativePath): Promise<RelativePath[]> {
  const entries = await readdir(join(root, directory), { withFileTypes: true }).catch(orGone([]))
  const found: RelativePath[] = []
  for (const entry of entries) {
    const path = `${directory}/${entry.name}`
    found.push(path)
    if (entry.isDirectory()) found.push(...(await listBelow(root, path)))
  }
  return found
}
