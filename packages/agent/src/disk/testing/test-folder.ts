import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, type Stats, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { FolderId, StatSignature } from '@spansync/common/core/causal/types'
import { createMarker } from '../marker.ts'
import { signatureOf } from '../stat.ts'

export const folder = 'docs' as FolderId

/** A folder with its marker in a temporary directory, for tests. */
export interface TestFolder extends Disposable {
  readonly base: string
  readonly root: string
  at(path: string): string
  write(path: string, content?: string | Buffer): string
  link(path: string, target: string): void
  stats(path: string): Stats
  signature(path: string): StatSignature
  /** All names but the marker's: also shows that no temporary is left. */
  names(): string[]
}

export function makeTestFolder(): TestFolder {
  const base = mkdtempSync(join(tmpdir(), 'spansync-disk-'))
  const root = join(base, 'root')
  mkdirSync(root)
  createMarker(root, folder)
  const at = (path: string): string => join(root, path)
  return {
    base,
    root,
    at,
    write(path, content = path) {
      mkdirSync(dirname(at(path)), { recursive: true })
      writeFileSync(at(path), content)
      return at(path)
    },
    link(path, target) {
      mkdirSync(dirname(at(path)), { recursive: true })
      symlinkSync(target, at(path))
    },
    stats: (path) => lstatSync(at(path)),
    signature: (path) => signatureOf(lstatSync(at(path))),
    names: () =>
      readdirSync(root, { recursive: true })
        .map(String)
        .filter((name) => !name.startsWith('.spansync'))
        .sort(),
    [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }),
  }
}
