import { type Duplex, duplexPair } from 'node:stream'
import { CodecDuplex, type CodecOptions } from './codec-duplex.ts'

/** The two ends of one stream through the same codec as between two machines, within this process. */
export function createStreamPair(options: CodecOptions = { mode: 'adaptive' }): [Duplex, Duplex] {
  const [left, right] = duplexPair({ highWaterMark: 64 * 1024 })
  return [new CodecDuplex(left, options), new CodecDuplex(right, options)]
}
