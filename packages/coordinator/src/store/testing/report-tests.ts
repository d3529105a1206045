import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Report } from '../records.ts'
import { bounds } from '../store.ts'
import { folder, lead, nodeA, nodeB, nodeC, report } from './samples.ts'
import type { OpenAgain } from './store-contract.ts'

const dayMs = 86_400_000
const textOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

export function runReportTests(make: () => OpenAgain): void {
  describe('reports', () => {
    it('are summed per day, link and folder, in both directions', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      const startedAt = Date.now() - 3 * dayMs
      const tally = await store.reports.add(
        [
          report('1', { startedAt }),
          report('2', { startedAt, node: nodeB, peer: nodeA, direction: 'received', bytes: 5, files: 1 }),
          report('3', { startedAt, node: nodeB, peer: nodeA, direction: 'sent', bytes: 2 ** 52, files: 9 }),
          report('4', { startedAt, direction: 'received', bytes: 70, files: 0, outcome: 'failed' }),
          report('5', { startedAt, bytes: 0, files: 0, outcome: 'refused', durationMs: 0 }),
          report('6', { startedAt, folder: folder('a: b') }),
          report('7', { startedAt: startedAt + dayMs, node: nodeC }),
        ],
        epoch,
      )
      expect(tally).toEqual({ added: 7, repeated: 0, misdated: 0 })
      const one = { sessions: 1, refused: 0, failed: 0, durationMs: 20 }
      const [sent, none] = [
        { bytes: 1000, files: 2 },
        { bytes: 0, files: 0 },
      ]
      const link = { a: nodeA, b: nodeB, day: textOf(startedAt) }
      const later = {
        day: textOf(startedAt + dayMs),
        a: nodeB,
        b: nodeC,
        folder: folder('photos'),
        aToB: none,
        bToA: sent,
        ...one,
      }
      expect(await store.reports.statistics({ since: startedAt })).toEqual({
        items: [
          { ...link, folder: folder('a: b'), aToB: sent, bToA: none, ...one },
          {
            ...link,
            folder: folder('photos'),
            aToB: { bytes: 1005, files: 3 },
            bToA: { bytes: 2 ** 52 + 70, files: 9 },
            sessions: 5,
            refused: 1,
            failed: 1,
            durationMs: 80,
          },
          later,
        ],
        dropped: 0,
      })
      expect((await store.reports.statistics({ since: startedAt + dayMs })).items).toEqual([later])
      expect((await store.reports.statistics({ since: Date.now() })).items).toEqual([])
    })

    it('count once, however often they arrive, and over which connection', async () => {
      const open = make()
      const [first, second] = [await open(), await open()]
      const epoch = await lead(first.lease)
      expect(await first.reports.add([report('1'), report('1'), report('2')], epoch)).toEqual({
        added: 2,
        repeated: 1,
        misdated: 0,
      })
      await first[Symbol.asyncDispose]()
      expect(await second.reports.add([report('2'), report('3')], epoch)).toMatchObject({ added: 1, repeated: 1 })
      expect((await second.reports.statistics({ since: 0 })).items).toMatchObject([{ sessions: 3 }])
    })

    it('count once for ever: one too old to be remembered is not counted', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      const aged = (id: string, days: number): Report => report(id, { startedAt: Date.now() - days * dayMs })
      const old = [aged('oldest', bounds.reportDays), aged('too old', bounds.reportDays + 1), aged('ahead', -2)]
      expect(await store.reports.add(old, epoch)).toEqual({ added: 1, repeated: 0, misdated: 2 })
      expect(await store.reports.add(old, epoch)).toEqual({ added: 0, repeated: 1, misdated: 2 })
      expect((await store.reports.statistics({ since: 0 })).items).toHaveLength(1)
    })

    it('with nonsensical numbers stop a sum at its end, and nobody else', async () => {
      const store = await make()()
      const epoch = await lead(store.lease)
      const most = Number.MAX_SAFE_INTEGER
      for (const id of ['1', '2', '3']) {
        await store.reports.add([report(id, { bytes: most, files: most, durationMs: 1e300 })], epoch)
      }
      expect((await store.reports.statistics({ since: 0 })).items).toMatchObject([
        { aToB: { bytes: most, files: most }, durationMs: most, sessions: 3 },
      ])
    })

    it('add up the same in any batches and any order, repeated or not', async () => {
      const given = fc.record({
        id: fc.integer({ min: 0, max: 30 }).map(String),
        direction: fc.constantFrom<Report['direction'][]>('sent', 'received'),
        outcome: fc.constantFrom<Report['outcome'][]>('done', 'failed'),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(given, { maxLength: 8 }), { maxLength: 5 }), async (batches) => {
          const store = await make()()
          const epoch = await lead(store.lease)
          const seen = new Map<string, Report>()
          for (const batch of batches) {
            const reports = batch.map((more) => report(more.id, { ...more, bytes: Number(more.id), files: 1 }))
            const fresh = reports.filter(({ id }, at) => !seen.has(id) && reports.findIndex((r) => r.id === id) === at)
            for (const one of fresh) seen.set(one.id, one)
            expect((await store.reports.add(reports, epoch)).added).toBe(fresh.length)
          }
          const sum = (direction: Report['direction']): number =>
            [...seen.values()].filter((r) => r.direction === direction).reduce((total, r) => total + r.bytes, 0)
          const [row] = (await store.reports.statistics({ since: 0 })).items
          expect(row?.aToB.bytes ?? 0).toBe(sum('sent'))
          expect(row?.bToA.bytes ?? 0).toBe(sum('received'))
          expect(row?.sessions ?? 0).toBe(seen.size)
          await store[Symbol.asyncDispose]()
        }),
        { numRuns: 8 },
      )
    })
  })
}
