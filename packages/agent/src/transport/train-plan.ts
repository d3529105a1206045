// How a link is measured before anything has flowed: short trains of bytes at full speed, whose spread at the far end shows the
// narrowest place on the way (packet-train dispersion: Jain and Routhier 1986; Dovrolis, Ramanathan and Moore 2004).

/** What the far end saw of one train. */
export interface TrainSeen {
  readonly bytes: number
  /** From the announcement's arrival to that of the last byte. */
  readonly durationMs: number
}

/** Each train fits into what TCP sends at once by then (10 segments at first, and as many more as were acknowledged), so that no wait
 *  for an acknowledgement is in its spread. The small ones are for modems: a train takes them half a second, no more. */
export const trainSizes = [4096, 12_288, 32_768] as const
const mostOfOneSize = 3

/** A spread that no usual delay of a busy process explains. */
const slowMs = 40
/** What is faster than this is not told apart: a few milliseconds on a busy machine say nothing. It is also what an unmeasured link is
 *  taken for, so a train can only say that a link is slower than that. */
export const fastestTrain = 12_500_000
const agreeing = 1.5

/** The size of the next train, or undefined: the last ones agree. At most 144 KB in all, 80 KB on a fast link. */
export function nextTrain(seen: readonly TrainSeen[]): number | undefined {
  const last = seen.at(-1)
  if (last === undefined) return trainSizes[0]
  const same = seen.filter(({ bytes }) => bytes === last.bytes)
  const larger = trainSizes.find((size) => size > last.bytes)
  // One stall of a process looks like a slow link, and a bucket of tokens that is still full like a fast one: neither does so twice.
  if (larger !== undefined && last.durationMs < slowMs) return larger
  if (same.length < 2 || (!agree(same) && same.length < mostOfOneSize)) return last.bytes
  return undefined
}

/** Bytes per second. Undefined before anything was seen. */
export function trainRate(seen: readonly TrainSeen[]): number | undefined {
  const last = seen.at(-1)
  if (last === undefined) return undefined
  const same = seen.filter(({ bytes }) => bytes === last.bytes)
  if (agree(same) || same.length < mostOfOneSize) return rateOf(last)
  return same.map(rateOf).sort((left, right) => left - right)[1]
}

/** The last train and an earlier one of its size. */
function agree(same: readonly TrainSeen[]): boolean {
  const last = same.at(-1)
  if (last === undefined) return false
  return same.slice(0, -1).some((earlier) => {
    const ratio = rateOf(earlier) / rateOf(last)
    return ratio < agreeing && ratio > 1 / agreeing
  })
}

function rateOf({ bytes, durationMs }: TrainSeen): number {
  return Math.min(fastestTrain, (bytes * 1000) / Math.max(durationMs, 1e-3))
}
