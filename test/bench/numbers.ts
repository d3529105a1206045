import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((x, y) => x - y)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : [sorted[middle - 1], sorted[middle]]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

/** The smallest value that `percent` of all do not exceed. */
export function percentile(values: readonly number[], percent: number): number | undefined {
  const sorted = values.toSorted((x, y) => x - y)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)]
}

const lineBytes = 64
export const fileBytes = 2048

/** Lines that do not compress: what they cost on the wire is their size. */
export function randomLines(bytes: number): Buffer {
  const content = randomBytes(bytes)
  for (let index = 0; index < bytes; index += 1) if (content[index] === 0x0a) content[index] = 0x0b
  for (let index = lineBytes - 1; index < bytes; index += lineBytes) content[index] = 0x0a
  return content
}

/** The same with one line replaced by another of other length. */
export function editedLine(content: Buffer, line: number): Buffer {
  const start = line * lineBytes
  const fresh = randomLines(lineBytes).subarray(0, 40 + (line % 20))
  return Buffer.concat([content.subarray(0, start), fresh, Buffer.from('\n'), content.subarray(start + lineBytes)])
}

export const filesPerDirectory = 100

export const directoryNames = (files: number): string[] =>
  Array.from({ length: files / filesPerDirectory }, (_, index) => `dir-${String(index).padStart(4, '0')}`)

/** Files of 2 KB, 100 in each directory; `content` holds all of them, made beforehand so that only the writing takes time. */
export function populate(root: string, files: number, content: Buffer): void {
  let offset = 0
  for (const directory of directoryNames(files)) {
    mkdirSync(join(root, directory))
    for (let index = 0; index < filesPerDirectory; index += 1) {
      writeFileSync(join(root, directory, `${index}.txt`), content.subarray(offset, offset + fileBytes))
      offset += fileBytes
    }
  }
}
