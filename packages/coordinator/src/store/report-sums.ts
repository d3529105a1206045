import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { inOrder, type Report, type TrafficRow } from './records.ts'

const dayMs = 86_400_000

/** In the order in which both stores keep them. */
export const sumNames = [
  'aToBBytes',
  'aToBFiles',
  'bToABytes',
  'bToAFiles',
  'sessions',
  'refused',
  'failed',
  'durationMs',
] as const

/** Sums stop there: a node that reports nonsense must not make a number that cannot be stored. */
export const mostSum = Number.MAX_SAFE_INTEGER

/** Which sum a report belongs to. `day` counts from 1970 (UTC). */
export interface SumKey {
  readonly day: number
  readonly a: NodeId
  readonly b: NodeId
  readonly folder: FolderId
}

export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs)
}

export function keyOf(report: Report): SumKey {
  const { a, b } = inOrder({ a: report.node, b: report.peer })
  return { day: dayOf(report.startedAt), a, b, folder: report.folder }
}

/** What a report adds, as in `sumNames`. */
export function amountsOf(report: Report): number[] {
  const from = report.direction === 'sent' ? report.node : report.peer
  const forth = from === keyOf(report).a
  return [
    forth ? report.bytes : 0,
    forth ? report.files : 0,
    forth ? 0 : report.bytes,
    forth ? 0 : report.files,
    1,
    report.outcome === 'refused' ? 1 : 0,
    report.outcome === 'failed' ? 1 : 0,
    Math.min(Math.round(report.durationMs), mostSum),
  ]
}

export function toTrafficRow(key: SumKey, sums: readonly number[]): TrafficRow {
  const [aToBBytes = 0, aToBFiles = 0, bToABytes = 0, bToAFiles = 0, sessions = 0, refused = 0, failed = 0] = sums
  return {
    day: new Date(key.day * dayMs).toISOString().slice(0, 10),
    a: key.a,
    b: key.b,
    folder: key.folder,
    aToB: { bytes: aToBBytes, files: aToBFiles },
    bToA: { bytes: bToABytes, files: bToAFiles },
    sessions,
    refused,
    failed,
    durationMs: sums[sumNames.length - 1] ?? 0,
  }
}
