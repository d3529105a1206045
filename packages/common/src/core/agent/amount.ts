import type { Entry } from '../causal/types.ts'

/** Files and links, deletions of them too; a directory costs nothing. */
export interface Amount {
  readonly files: number
  readonly bytes: number
}

export const noAmount: Amount = { files: 0, bytes: 0 }

export function amountOf(entries: Iterable<Entry>): Amount {
  let { files, bytes } = noAmount
  for (const { kind, size } of entries) {
    if (kind === 'dir') continue
    files++
    bytes += size
  }
  return { files, bytes }
}

export function add(one: Amount, other: Amount): Amount {
  return { files: one.files + other.files, bytes: one.bytes + other.bytes }
}

export function subtract(from: Amount, what: Amount): Amount {
  return { files: from.files - what.files, bytes: from.bytes - what.bytes }
}
