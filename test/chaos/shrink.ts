/** Leaves out as much as it can of what makes `fails` true: first each whole `kind`, then halves, quarters and so on of the rest (delta
 *  debugging, Zeller 1999). `fails` is asked at most `tries` times, since each costs a history. Answers `items` when none can go. */
export async function shrink<T>(
  items: readonly T[],
  options: {
    readonly kindOf: (item: T) => string
    readonly fails: (items: readonly T[]) => Promise<boolean>
    readonly tries: number
  },
): Promise<readonly T[]> {
  const { kindOf, fails } = options
  let left = items
  let tries = options.tries
  const without = async (candidate: readonly T[]): Promise<boolean> => {
    if (candidate.length === left.length || tries === 0) return false
    tries -= 1
    if (!(await fails(candidate))) return false
    left = candidate
    return true
  }
  for (const kind of new Set(items.map(kindOf))) await without(left.filter((item) => kindOf(item) !== kind))
  for (let parts = 2; tries > 0 && parts <= left.length; ) {
    const size = Math.ceil(left.length / parts)
    let dropped = false
    for (let from = 0; from < left.length && tries > 0; ) {
      const gone = await without([...left.slice(0, from), ...left.slice(from + size)])
      dropped ||= gone
      if (!gone) from += size
    }
    if (!dropped && size === 1) break
    if (!dropped) parts = Math.min(parts * 2, left.length)
  }
  return left
}
