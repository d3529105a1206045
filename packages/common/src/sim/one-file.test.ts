import { describe, expect, it } from 'vitest'
import { adopted, changed } from '../core/causal/change.ts'
import { need } from '../core/causal/need.ts'
import { isReplaced } from '../core/causal/replaced.ts'
import type { Dot, Entry, ReplicaId } from '../core/causal/types.ts'
import { written } from '../testing/entries.ts'
import { createRandom, type Random } from './random.ts'

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
