import type { RelativePath } from '@spansync/common/core/causal/types'

const mostBytes = 4096

/** A path that stays inside the root and is not our own: no empty part, no dot or dot-dot, no NUL, not too long for a peer. */
export function isUsablePath(path: RelativePath): boolean {
  if (path === '' || path.includes('\0') || path === '.spansync' || path.startsWith('.spansync/')) return false
  return !isTooLong(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

export function isTooLong(path: RelativePath): boolean {
  return path.length * 3 > mostBytes && Buffer.byteLength(path) > mostBytes
}

/** Order of the bytes in UTF-8, which is the order of the index: by code point, where `<` on strings compares UTF-16 units. */
export function comparePaths(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at)
    const b = right.charCodeAt(at)
    if (a === b) continue
    // Surrogates stand for code points above all others.
    const aHigh = a >= 0xd800 && a <= 0xdfff
    const bHigh = b >= 0xd800 && b <= 0xdfff
    if (aHigh === bHigh) return a - b
    return aHigh ? 1 : -1
  }
  return left.length - right.length
}
