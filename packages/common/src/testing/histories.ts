import { type HistoryOptions, runHistory } from '../sim/history.ts'
import type { Settled } from '../sim/settle.ts'
import type { Parts } from '../sim/types.ts'
import { MemoryIndex } from './memory-index.ts'

type Kind = (typeof kinds)[number]
const kinds = [
  ...(['plain', 'crashes', 'faults', 'whole', 'reopens'] as const),
  ...([
    'losses',
    'orders',
    'doors',
    'filters',
    'filters-collects',
    'filters-kept',
    'guarded',
    'collects',
    'collects-losses',
    'collects-guarded',
    'picky',
    'all-picky',
  ] as const),
] as const

const guard = { share: 0.3, files: 2 }
const faults = { transfer: 0.2, apply: 0.1, missedHint: 0.1 }

const options: Record<Kind, Omit<HistoryOptions, 'seed' | 'operations' | Exclude<keyof Parts, 'guard'>>> = {
  plain: { crashes: false },
  crashes: { crashes: true },
  faults: { crashes: true, faults },
  whole: { crashes: true, faults: { ...faults, whole: 0.5 } },
  reopens: { crashes: true, reopens: true, faults },
  losses: { crashes: true, reopens: true, losses: true, faults },
  collects: { crashes: true, reopens: true, collects: true, faults },
  'collects-losses': { crashes: true, reopens: true, losses: true, collects: true, faults },
  picky: { crashes: true, reopens: true, picky: 'leaf', faults },
  'all-picky': { crashes: true, reopens: true, picky: 'all', faults },
  orders: { crashes: true, reopens: true, orders: true, faults },
  doors: { crashes: true, reopens: true, orders: true, doors: true, faults },
  filters: { crashes: true, reopens: true, orders: true, doors: true, filters: true, faults },
  'filters-collects': { crashes: true, reopens: true, losses: true, filters: true, collects: true, faults },
  'filters-kept': { crashes: true, filters: 'kept', faults },
  // Most deletions wait, of so few files.
  guarded: { crashes: true, reopens: true, faults, approvals: true, guard },
  'collects-guarded': { crashes: true, reopens: true, collects: true, faults, approvals: true, guard },
}

export const makeIndex: Parts['makeIndex'] = (replica) => new MemoryIndex(replica)

/** Everything settles within two quarantines, whatever came before; where deletions had to wait for a person, within the longest pause
 *  before a next try. */
const mostSettleMs = (kind: Kind): number => (kind.endsWith('guarded') ? 330_000 : 30_000)

export function runKind(kind: Kind, seed: number, parts: Partial<Parts> = {}): Settled {
  const settled = runHistory({ seed, makeIndex, ...options[kind], ...parts })
  if (settled.settledMs <= mostSettleMs(kind)) return settled
  return { ...settled, violations: [...settled.violations, `took ${settled.settledMs} ms to settle`] }
}

/** What went wrong with these seeds, each with the command that shows it again. */
export function failuresIn(kind: Kind, seeds: Iterable<number>): string[] {
  const found: string[] = []
  for (const seed of seeds) {
    const { violations } = runKind(kind, seed)
    if (violations.length > 0) found.push(`${violations.slice(0, 3).join('; ')}\n  again: ${replayOf(kind, seed)}`)
    if (found.length === 5) break
  }
  return found
}

function replayOf(kind: Kind, seed: number): string {
  const test = 'packages/common/src/sim/history.test.ts'
  return `SPANSYNC_SIM_SEED=${kind}:${seed} pnpm exec vitest run --project unit ${test}`
}

export function* range(from: number, to: number): Generator<number> {
  for (let seed = from; seed < to; seed++) yield seed
}

/** `SPANSYNC_SIM_SEED=kind:seed` or `kind:from-to`: only these, instead of the usual ones. */
export function chosenSeeds(value: string | undefined): { kind: Kind; from: number; to: number } | undefined {
  const found = new RegExp(`^(${kinds.join('|')}):(\\d+)(?:-(\\d+))?$`).exec(value ?? '')
  if (!found) return undefined
  const from = Number(found[2])
  return { kind: found[1] as Kind, from, to: Number(found[3] ?? from + 1) }
}
