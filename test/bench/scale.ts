export interface Scale {
  readonly lineFiles: number
  readonly pairFiles: number
  readonly edits: number
  readonly idleSeconds: number
  readonly zeroBytes: number
  readonly randomBytes: number
  readonly ringBytes: number
}

/** What issue 2 asks for. */
export const full: Scale = {
  lineFiles: 10_000,
  pairFiles: 100_000,
  edits: 15,
  idleSeconds: 60,
  zeroBytes: 50_000_000,
  randomBytes: 30_000_000,
  ringBytes: 20_000_000,
}

/** Shows that everything works; its numbers are not to be held against the targets. */
export const quick: Scale = {
  lineFiles: 1000,
  pairFiles: 3000,
  edits: 5,
  idleSeconds: 15,
  zeroBytes: 10_000_000,
  randomBytes: 5_000_000,
  ringBytes: 5_000_000,
}
