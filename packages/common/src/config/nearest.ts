/** The candidate that a person most likely meant, or undefined when none is near: at most one slip per three characters (but two for
 *  any word of four or more), counting a swap of neighbours as one. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const slips = Math.max(word.length < 4 ? 1 : 2, Math.floor(word.length / 3))
  let best: string | undefined
  let bestDistance = slips + 1
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance && distance < candidate.length) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** Optimal string alignment distance (Damerau 1964, restricted to swaps of neighbours). */
export function editDistance(a: string, b: string): number {
  let older: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = at(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let distance = Math.min(replace, at(previous, j) + 1, at(current, j - 1) + 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) distance = Math.min(distance, at(older, j - 2) + 1)
      current.push(distance)
    }
    older = previous
    previous = current
  }
  return at(previous, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
