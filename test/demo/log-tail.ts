import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { printable } from '@spansync/common/cli/format'
import { z } from 'zod'

const recordSchema = z.object({
  time: z.string(),
  level: z.string(),
  event: z.string().optional(),
  msg: z.string().optional(),
  problem: z.string().optional(),
  err: z.object({ message: z.string() }).optional(),
})

const mostBytes = 32_768

/** The last lines that an agent wrote after `from` (bytes), for people. */
export function logTail(file: string, from: number, lines = 6): string[] {
  const text = readEnd(file, from)
  const all = text.split('\n').filter((line) => line.trim() !== '')
  return all.slice(-lines).map(readable)
}

function readEnd(file: string, from: number): string {
  try {
    const handle = openSync(file, 'r')
    try {
      const { size } = fstatSync(handle)
      const start = Math.max(from, size - mostBytes)
      const buffer = Buffer.alloc(Math.max(0, size - start))
      return buffer.toString('utf8', 0, readSync(handle, buffer, 0, buffer.length, start))
    } finally {
      closeSync(handle)
    }
  } catch {
    return ''
  }
}

/** A JSON line becomes time, level and sentence; anything else (what went to standard error) stays as it is. */
function readable(line: string): string {
  try {
    const { time, level, event, msg, problem, err } = recordSchema.parse(JSON.parse(line))
    const what = [problem ?? err?.message, msg || event].filter(Boolean).join(': ')
    return `${time.slice(11, 19)} ${level.padEnd(5)} ${printable(what)}`
  } catch {
    return printable(line)
  }
}
