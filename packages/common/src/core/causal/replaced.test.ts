import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom, type Random } from '../../sim/random.ts'
import { anyPair } from '../../testing/arbitraries.ts'
import { file, tombstone, written } from '../../testing/entries.ts'
import { adopted, changed } from './change.ts'
import { need, winner } from './need.ts'
import { beatenIn, isReplaced, joinDots } from './replaced.ts'
import { type Dot, type Entry, mostDots, type ReplicaId } from './types.ts'

const dot = (replica: string, counter: number): Dot => [replica as ReplicaId, counter]
const often = { numRuns: 1000 }

describe('isReplaced', () => {
  const one = file('f', 'one', { 'a.1': 1 })

  it.each<[string, Entry, boolean]>([
    ['by what was written over it', file('f', 'two', { 'a.1': 1, 'b.1': 1 }, { dots: [dot('b.1', 1)] }), true],
    ['by its deletion', tombstone('f', { 'a.1': 1, 'b.1': 1 }, { dots: [dot('b.1', 1)] }), true],
    ['not by what has never seen it', file('f', 'two', { 'b.1': 1 }), false],
    [
      'not by what won a conflict with it',
      file('f', 'two', { 'a.1': 1, 'b.1': 1, 'c.1': 1 }, { dots: [dot('b.1', 1)], beaten: [dot('a.1', 1)] }),
      false,
    ],
    ['not by itself', one, false],
  ])('%s', (_, by, expected) => {
    expect(isReplaced(one, by)).toBe(expected)
  })
})

describe('beatenIn', () => {
  it('leaves open what both leave open, or one does and the other has not seen', () => {
    fc.assert(
      fc.property(anyPair, ([left, right]) => {
        const named = (dots: readonly Dot[] = []): string[] => dots.map((one) => one.join(':'))
        const open = (entry: Entry): string[] => [...named(entry.dots), ...named(entry.beaten)]
        const isOpenIn = (one: string, { vector }: Entry, among: string[]): boolean => {
          const [replica, counter] = one.split(':') as [string, string]
          return among.includes(one) || (vector[replica] ?? 0) < Number(counter)
        }
        const expected = [...new Set([...open(left), ...open(right)])]
          .filter((one) => isOpenIn(one, left, open(left)) && isOpenIn(one, right, open(right)))
          .filter((one) => !named(right.dots).includes(one))
        expect(named(beatenIn(right, left))).toEqual(expected.sort())
      }),
      often,
    )
  })

  it('is bounded, whatever peers send', () => {
    const many = (replica: string): Dot[] => Array.from({ length: mostDots }, (_, at) => dot(replica, at + 1))
    const one = file('f', 'one', { 'a.1': 9999 }, { dots: [dot('a.1', 9999)], beaten: many('a.1') })
    const other = file('f', 'other', { 'b.1': 9999 }, { dots: [dot('b.1', 9999)], beaten: many('b.1') })
    expect(beatenIn(one, other)).toHaveLength(mostDots)
    expect(joinDots(many('a.1'), many('b.1'))).toHaveLength(mostDots)
  })

  it('is what the version has that wins', () => {
    fc.assert(
      fc.property(anyPair, ([left, right]) => {
        fc.pre(need(left, right).kind === 'resolve')
        const beaten = beatenIn(right, left)
        expect(adopted(left, right, undefined, () => dot('x', 9))?.beaten ?? []).toEqual(beaten)
        for (const one of beaten)
          expect([...left.dots, ...(left.beaten ?? []), ...(right.beaten ?? [])]).toContainEqual(one)
        expect(right.dots.some((made) => beaten.some(([replica, at]) => replica === made[0] && at === made[1]))).toBe(
          false,
        )
      }),
      often,
    )
  })
})

/** Three versions can beat each other in a circle: one is deleted, an edit that had not seen it beats the deletion, and loses against it
 *  by its time. */
describe('what somebody deleted', () => {
  const base = file('f', 'base', { 'n0.1': 1 })
  const edit = file('f', 'edit', { 'n2.1': 1 }, { mtimeUs: base.mtimeUs - 1 })
  const deletion = changed('f', base, undefined, dot('n1.1', 1))

  const settled = (local: Entry, remote: Entry, by: string): Entry => {
    const [here, there] = need(local, remote).kind === 'resolve' ? [local, remote] : [remote, local]
    return adopted(here, there, undefined, () => dot(by, 2)) as Entry
  }

  it('does not come back by way of an edit that is older', () => {
    const kept = settled(base, edit, 'n2.1')
    const survived = settled(deletion, edit, 'n1.1')
    expect(kept).toMatchObject({ hash: 'base', beaten: [['n2.1', 1]] })
    expect(survived).toMatchObject({ hash: 'edit', beaten: [['n1.1', 1]] })
    expect(winner(kept, survived)).toEqual({ side: 'remote', seen: true })
    const gone = settled(deletion, kept, 'n3.1')
    expect(gone).toMatchObject({ deleted: true, beaten: [['n2.1', 1]] })
    expect(settled(gone, survived, 'n4.1')).toMatchObject({ hash: 'edit' })
  })
})

/** People who write and delete one file on a few replicas, with clocks apart, and replicas that tell each other of it now and then; in the
 *  end all do. */
function play(seed: number): { readonly faults: string[]; readonly conflicts: number } {
  const random = createRandom(seed)
  const replicas = Array.from({ length: 2 + random.below(4) }, (_, at) => new Replica(`r${at}` as ReplicaId))
  const story = new Story()
  for (let left = 4 + random.below(16); left > 0; left--) {
    const replica = random.pick(replicas)
    const choice = random.next()
    if (choice < 0.35) story.write(replica, random)
    else if (choice < 0.45) story.remove(replica)
    else story.tell(random.pick(replicas), replica)
  }
  let rounds = 0
  while (rounds++ < 20) {
    const told = replicas.flatMap((from) => replicas.map((to) => story.tell(from, to)))
    if (!told.includes(true)) break
  }
  const contents = new Set(replicas.map(({ head }) => contentOf(head)))
  return {
    faults: [
      ...(rounds > 10 ? ['no end'] : []),
      ...(contents.size > 1 ? ['not equal'] : []),
      ...story.faults(contentOf(replicas[0]?.head)),
    ],
    conflicts: story.conflicts,
  }
}

const contentOf = (head: Entry | undefined): string => (head === undefined || head.deleted ? '' : head.hash)

class Replica {
  head: Entry | undefined
  readonly id: ReplicaId
  #counter = 0

  constructor(id: ReplicaId) {
    this.id = id
  }

  readonly takeDot = (): Dot => [this.id, ++this.#counter]
}

class Story {
  conflicts = 0
  #written = 0
  /** Both sides of a conflict had been replaced by then, each by something that the other side had beaten. */
  #isOpen = false
  readonly #replaced = new Set<string>()
  readonly #copies = new Set<string>()

  write(replica: Replica, random: Random): void {
    this.#replaced.add(contentOf(replica.head))
    const mtimeUs = this.#written + random.below(20)
    replica.head = changed('f', replica.head, written(`c${this.#written++}`, { mtimeUs }), replica.takeDot())
  }

  remove(replica: Replica): void {
    if (contentOf(replica.head) === '') return
    this.#replaced.add(contentOf(replica.head))
    replica.head = changed('f', replica.head, undefined, replica.takeDot())
  }

  tell(from: Replica, to: Replica): boolean {
    const [remote, local] = [from.head, to.head]
    const answer = remote && need(local, remote)
    if (!answer || answer.kind === 'nothing' || answer.kind === 'wait') return false
    if (answer.kind === 'resolve' && local) {
      this.conflicts++
      if (answer.keep) this.#copies.add(local.hash)
      if (isReplaced(local, remote) && isReplaced(remote, local)) this.#isOpen = true
    }
    to.head = adopted(local, remote, undefined, to.takeDot)
    return true
  }

  faults(end: string): string[] {
    const all = Array.from({ length: this.#written }, (_, at) => `c${at}`)
    const lost = all.filter((one) => one !== end && !this.#replaced.has(one) && !this.#copies.has(one))
    const isRisen = end !== '' && this.#replaced.has(end) && !this.#isOpen
    return [...lost.map((one) => `${one} is lost`), ...(isRisen ? [`${end} rose from the dead`] : [])]
  }
}

describe('random histories of one file, with clocks apart', () => {
  it('lose nothing, and nothing rises that somebody replaced who had it', { timeout: 120_000 }, () => {
    let conflicts = 0
    for (let seed = 0; seed < 30_000; seed++) {
      const played = play(seed)
      expect(played.faults, `seed ${seed}`).toEqual([])
      conflicts += played.conflicts
    }
    expect(conflicts).toBeGreaterThan(10_000)
  })
})
