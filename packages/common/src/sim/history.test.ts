import { describe, expect, it } from 'vitest'
import { chosenSeeds, failuresIn, makeIndex, range, runKind } from '../testing/histories.ts'
import { tracing } from '../testing/trace.ts'

const minutes = 60_000
const chosen = chosenSeeds(process.env.SPANSYNC_SIM_SEED)
/** With a single chosen seed: the path whose every event is printed. */
const traced = process.env.SPANSYNC_SIM_PATH

/** Each found a bug once. */
const once = [
  ...[9, 17, 39, 106, 107, 111, 126, 137, 192, 298, 341, 424, 431, 535, 739, 784, 846, 1199],
  ...[13, 14, 29, 126, 182, 215, 366, 382, 449, 535, 560, 855],
  // A session's late end took away the claim of the next one: a version was overwritten that no copy was kept of.
  ...[13_079, 16_944],
  // A file that came in place of a directory, and a new directory in its place: never fetched again.
  40_611,
  // A folder that was opened again under a standing link raised its knowledge with nothing received.
  ...[9, 25, 50],
  // One that lost its index on the way was waited for in vain.
  74,
  // What a session had brought when the agent died counted as its own edit, and won against a deletion.
  ...[177, 608, 1902, 3248],
  // A conflict copy that somebody had deleted was made again from the same content: no bug, but the checks took it for one.
  6326,
  // Three versions that beat each other in a circle: what somebody had deleted came back.
  2673,
]

/** The same, where tombstones are dropped: one that was dropped before a member two hops away had been heard of; a list that seemed to
 *  be seen because an older page was. */
const onceCollecting = [
  ...[3, 47, 102, 164, 262, 328, 345],
  // A crash when the losing version of a conflict was kept already: what had come over it counted as the user's edit.
  16_944,
  // A tombstone that could not be dropped when it was looked for was not looked for again.
  20_672,
]

const onceCollectingGuarded = [
  // Something dead came from a third machine between the list and the raised knowledge.
  1846,
  // As 20,672 above.
  2706,
  // What was dead had won a conflict since, and its vector was not covered any more by what had been dropped.
  3328,
]

describe.runIf(chosen)('chosen histories', () => {
  it('hold', { timeout: 60 * minutes }, () => {
    const { kind, from, to } = chosen as NonNullable<typeof chosen>
    if (traced) runKind(kind, from, { step: tracing(traced, console.log) })
    expect(failuresIn(kind, range(from, to))).toEqual([])
  })
})

/** Where one leaves files out: a conflict whose other version it had left out; a directory that only those held open, here or there. */
const oncePicky = [7, 16, 22, 45, 150, 153, 163, 197, 316]

/** Room for what is held back was not tried for again before something else happened. */
const onceFilteredKept = [5182]

/** Everything equal in the end, no content lost, nothing risen from the dead, knowledge true at every moment that is looked at,
 *  nothing circulating afterwards. */
describe.skipIf(chosen)('random histories', () => {
  it.each(['plain', 'crashes', 'faults', 'whole', 'reopens', 'losses', 'orders', 'guarded'] as const)(
    'hold with the seeds that once found a bug: %s',
    { timeout: minutes },
    (kind) => {
      expect(failuresIn(kind, new Set(once))).toEqual([])
    },
  )

  it.each([
    ['collects', onceCollecting],
    ['collects-guarded', onceCollectingGuarded],
    ['picky', oncePicky],
    ['filters-kept', onceFilteredKept],
  ] as const)('hold with the seeds that once found a bug: %s', { timeout: minutes }, (kind, seeds) => {
    expect(failuresIn(kind, new Set(seeds))).toEqual([])
  })

  it('hold without faults: 1500 of them', { timeout: 4 * minutes }, () => {
    expect(failuresIn('plain', range(0, 1500))).toEqual([])
  })

  it('hold with crashes, failing paths and missed hints: 1500 of them', { timeout: 4 * minutes }, () => {
    expect(failuresIn('faults', range(0, 1500))).toEqual([])
  })

  it.each([
    ['new directories come whole', 'whole'],
    ['folders are opened again under standing links', 'reopens'],
    ['indexes are lost', 'losses'],
    ['agents follow orders that come and go', 'orders'],
    ['policy opens and shuts doors, some one way only', 'doors'],
    ['policy holds single versions back from a link', 'filters'],
    ['it does, and tombstones are dropped and indexes lost', 'filters-collects'],
    ['it goes on doing so', 'filters-kept'],
    ['one takes part in some files only', 'picky'],
    ['all take part in the same files only', 'all-picky'],
    ['tombstones are dropped, and machines removed and taken back', 'collects'],
    ['tombstones are dropped and indexes are lost', 'collects-losses'],
    ['many deletions wait until they are approved', 'guarded'],
    ['they wait, and tombstones are dropped', 'collects-guarded'],
  ] as const)('hold when %s: 250 of them', { timeout: 2 * minutes }, (_, kind) => {
    expect(failuresIn(kind, range(0, 250))).toEqual([])
  })

  it('are the same for the same seed', () => {
    expect(runKind('faults', 7)).toEqual(runKind('faults', 7))
    expect(runKind('faults', 7)).not.toEqual(runKind('faults', 8))
  })

  it('contain conflicts, so that the rules for them are tried', () => {
    const copies = [...range(0, 50)].map((seed) => runKind('plain', seed, { makeIndex }).conflictCopies)
    expect(copies.filter((count) => count > 0).length).toBeGreaterThan(20)
  })
})
