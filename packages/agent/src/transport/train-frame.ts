import { putVarint, readVarint } from './varint.ts'

/** Announces a train of so many bytes of filler, or says how it arrived. */
export interface TrainNote {
  readonly bytes: number
  /** 0 in an announcement. */
  readonly durationMs: number
}

const mostMs = 600_000

export function encodeTrain({ bytes, durationMs }: TrainNote): Buffer {
  const out: number[] = []
  putVarint(out, bytes)
  putVarint(out, Math.round(Math.min(mostMs, Math.max(0, durationMs)) * 100))
  return Buffer.from(out)
}

export function decodeTrain(payload: Buffer): TrainNote | undefined {
  const bytes = readVarint(payload, 0)
  if (typeof bytes === 'string') return undefined
  const spread = readVarint(payload, bytes.next)
  if (typeof spread === 'string') return undefined
  return { bytes: bytes.value, durationMs: spread.value / 100 }
}
