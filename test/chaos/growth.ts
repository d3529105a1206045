import * as fs from 'node:fs'
import { pause } from '../lab/until.ts'
import { freshContent, hashOf } from './content.ts'
import type { Desk } from './desk.ts'
import type { Act } from './steps.ts'

const pieces = 12
const pieceBytes = 400_000
/** As fast as a camera writes; slower than a link carries. */
const everyMs = 40

const growing = new Set<Promise<void>>()

/** A program writes a big file piece by piece. Only when it closes the file that is a version; nobody touches the file before. */
export function grow(desk: Desk, act: Act): void {
  const file = fs.openSync(desk.at(act.path), 'wx+')
  desk.busy.add(act.path)
  const work = writeAll(desk, act, file).finally(() => {
    desk.busy.delete(act.path)
    growing.delete(work)
  })
  growing.add(work)
}

/** Waits until no file grows any more. */
export async function untilGrown(): Promise<void> {
  await Promise.all(growing)
}

async function writeAll(desk: Desk, act: Act, file: number): Promise<void> {
  for (let piece = 0; piece < pieces && !desk.isFull && !desk.isAway; piece += 1) {
    if (!append(file, freshContent({ id: `${act.id}.${piece}`, bytes: pieceBytes }))) break
    await pause(everyMs)
  }
  desk.stamp(file)
  desk.settle(act.path, file, hashOf(whole(file)))
}

/** From the open file: at its path there may be something else by now. */
function whole(file: number): Buffer {
  const content = Buffer.alloc(fs.fstatSync(file).size)
  fs.readSync(file, content, 0, content.length, 0)
  return content
}

/** False when the disk is full. */
function append(file: number, content: Buffer): boolean {
  try {
    fs.writeSync(file, content)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}
