/** Ends a switch over a union: a new member makes the compiler point here. */
export function never(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`)
}
