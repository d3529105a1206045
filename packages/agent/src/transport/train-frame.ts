import { decodePair, encodePair } from './varint.ts'

/** Announces a train of so many bytes of filler, or says how it arrived. */
export interface TrainNote {
  readonly bytes: number
  /** 0 in an announcement. */
  readonly durationMs: number
}

const mostMs = 600_000

export function encodeTrain({ bytes, durationMs }: TrainNote): Buffer {
  return encodePair(bytes, Math.round(Math.min(mostMs, Math.max(0, durationMs)) * 100))
}

export function decodeTrain(payload: Buffer): TrainNote | undefined {
  const pair = decodePair(payload)
  return pair && { bytes: pair[0], durationMs: pair[1] / 100 }
}
