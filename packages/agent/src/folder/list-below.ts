import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { orGone } from '../disk/gone.ts'

/** Everything below, never through a symbolic link. What cannot be read is left to the next scan, which reports it. */
export async function listBelow(root: string, directory: RelativePath): Promise<RelativePath[]> {
  const found: RelativePath[] = []
  const open = [directory]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const entries = await readdir(join(root, next), { withFileTypes: true }).catch(orGone([]))
    for (const entry of entries) {
      const path = `${next}/${entry.name}`
      found.push(path)
      if (entry.isDirectory()) open.push(path)
    }
  }
  return found
}
