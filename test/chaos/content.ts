import { hash } from 'node:crypto'
import * as fs from 'node:fs'
import type { Act } from './steps.ts'

/** Begins with what makes it unlike any other; the rest cannot be compressed. */
export function freshContent({ id, bytes }: Pick<Act, 'id' | 'bytes'>): Buffer {
  const head = Buffer.from(`version ${id}\n`)
  const rest = hash('shake256', id, { outputEncoding: 'buffer', outputLength: Math.max(1, bytes - head.length) })
  return Buffer.concat([head, rest])
}

export const hashOf = (content: Buffer): string => hash('sha256', content)

export const linkContent = (target: string): string => `-> ${target}`

/** Of a file or a link; nothing else has any. */
export function contentAt(absolute: string): string | undefined {
  const stats = fs.lstatSync(absolute, { throwIfNoEntry: false })
  if (stats?.isSymbolicLink()) return linkContent(fs.readlinkSync(absolute))
  return stats?.isFile() ? hashOf(fs.readFileSync(absolute)) : undefined
}

/** A file's descriptor, which is closed, or a link's content. */
export function contentOfOpened(opened: number | string): string {
  if (typeof opened === 'string') return opened
  const content = hashOf(fs.readFileSync(opened))
  fs.closeSync(opened)
  return content
}
