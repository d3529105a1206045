import { lstatSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Folding } from '@spansync/common/core/causal/folding'
import { markerDirectory } from './marker.ts'

/** Undefined: names that differ are different. */
export function foldingOf(root: string, declared: 'auto' | 'exact' | 'caseless'): Folding | undefined {
  if (declared === 'exact') return undefined
  if (declared === 'caseless') return { ignoresCase: true, ignoresForm: true }
  const ignoresCase = isThere(join(root, markerDirectory.toUpperCase()))
  const ignoresForm = findsOtherForm(join(root, markerDirectory))
  return ignoresCase || ignoresForm ? { ignoresCase, ignoresForm } : undefined
}

/** Looks for a file by the decomposed form of its name. A directory that cannot be written to holds nothing new anyway. */
function findsOtherForm(directory: string): boolean {
  const name = 'normal-form-\u00e9'
  try {
    if (!isThere(join(directory, name))) writeFileSync(join(directory, name), '', { mode: 0o600 })
    return isThere(join(directory, name.normalize('NFD')))
  } catch {
    return false
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
