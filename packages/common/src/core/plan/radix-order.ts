/** Below this an ordinary sort is quicker than clearing the counters. */
const fewItems = 2048
const digitValues = 1 << 16
const digitsPerKey = 4

const isLittleEndian = new Uint16Array(new Float64Array([1]).buffer)[3] !== 0

/** The numbers 0..count-1, sorted by the keys (the first counts most), ties by the number itself. Keys are finite and neither
 *  negative nor minus zero: the bits of such doubles sort as unsigned integers do. Linear: a comparison sort of 100,000 links by three keys takes about ten
 *  times as long. */
export function sortedByKeys(keys: readonly Float64Array[], count: number): Uint32Array {
  const order = new Uint32Array(count)
  for (let index = 0; index < count; index++) order[index] = index
  if (count < fewItems) return order.sort((left, right) => compareByKeys(keys, left, right))
  let from = order
  let to = new Uint32Array(count)
  for (const key of keys.toReversed()) {
    const digits = new Uint16Array(key.buffer, key.byteOffset, count * digitsPerKey)
    for (let digit = 0; digit < digitsPerKey; digit++) {
      if (!scatter(from, to, digits, isLittleEndian ? digit : digitsPerKey - 1 - digit)) continue
      const sorted = to
      to = from
      from = sorted
    }
  }
  return from
}

function compareByKeys(keys: readonly Float64Array[], left: number, right: number): number {
  for (const key of keys) {
    const difference = (key[left] as number) - (key[right] as number)
    if (difference !== 0) return difference
  }
  return left - right
}

/** One stable counting pass. False when all digits are equal and there was nothing to do. */
function scatter(from: Uint32Array, to: Uint32Array, digits: Uint16Array, offset: number): boolean {
  const starts = new Uint32Array(digitValues)
  for (let at = offset; at < digits.length; at += digitsPerKey) (starts[digits[at] as number] as number)++
  if (starts[digits[offset] as number] === from.length) return false
  let start = 0
  for (let value = 0; value < digitValues; value++) {
    const size = starts[value] as number
    starts[value] = start
    start += size
  }
  for (let at = 0; at < from.length; at++) {
    const item = from[at] as number
    const digit = digits[item * digitsPerKey + offset] as number
    to[starts[digit] as number] = item
    ;(starts[digit] as number)++
  }
  return true
}
