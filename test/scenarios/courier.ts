import type { Fleet } from '../lab/fleet.ts'
import { pause, until } from '../lab/until.ts'
import { type News, NewsWatch } from './news.ts'
import { Place } from './place.ts'

export type Side = 'a' | 'b'

export interface Journey {
  readonly round: number
  /** On the way. */
  readonly awayMs: number
  /** After all has been done. */
  readonly stayMs: number
}

interface Visit {
  readonly side: Side
  readonly from: number
  until: number
}

export const members: Readonly<Record<Side, readonly [string, string]>> = { a: ['a1', 'a2'], b: ['b1', 'b2'] }
const other: Readonly<Record<Side, Side>> = { a: 'b', b: 'a' }

/** Brings m to one of two networks or away from it; done when its links there are up, or down. */
export type Move = (side: Side, present: boolean) => Promise<void>

/** The machine m, which is now in network a and now in network b, while people work in both. */
export class Courier implements Disposable {
  readonly #fleet: Fleet
  readonly #move: Move
  readonly #watch: NewsWatch
  readonly #visits: Visit[] = []

  constructor(fleet: Fleet, move: Move) {
    this.#fleet = fleet
    this.#move = move
    this.#watch = new NewsWatch(new Map(fleet.agents.map(({ name }) => [name, this.#place(name)])))
  }

  /** From wherever it is. People at the other side work meanwhile, and here when m has brought what it had; it leaves when it has
   *  all of that. */
  async visit(side: Side, { round, awayMs, stayMs }: Journey): Promise<void> {
    const last = this.#visits.at(-1)
    if (last) last.until = performance.now()
    await this.#move(other[side], false)
    await pause(awayMs)
    await this.#move(side, true)
    this.#visits.push({ side, from: performance.now(), until: Number.POSITIVE_INFINITY })
    this.#workAlone(other[side], round)
    await this.#untilKnown(side)
    // What is on a disk may not be in the index yet, and who renames or deletes it then may see it come once more.
    await Promise.all([...members[side], 'm'].map((node) => this.#fleet.agent(node).sync(5)))
    this.#workTogether(side, round)
    await this.#untilKnown(side)
    await pause(stayMs)
  }

  /** Nothing is done any more, and all that is known comes to this side too. */
  async end(side: Side): Promise<void> {
    const last = this.#visits.at(-1)
    if (last) last.until = performance.now()
    await this.#move(other[side], false)
    await this.#move(side, true)
    this.#visits.push({ side, from: performance.now(), until: Number.POSITIVE_INFINITY })
    await this.#untilKnown(side)
  }

  /** Each leg that took longer: from an edit, or m's arrival, to the other replica of that network and m's own; and from m's arrival with
   *  it to the replicas of the other network. */
  slowerThan(ms: number): string[] {
    return this.#legs().flatMap(({ what, node, tookMs }) =>
      tookMs <= ms ? [] : [`${what}: ${Math.round(tookMs)} ms to ${node}`],
    )
  }

  get legs(): number {
    return this.#legs().length
  }

  #legs(): { readonly what: string; readonly node: string; readonly tookMs: number }[] {
    return this.#watch.all.flatMap((news) =>
      this.#legsOf(news).map(({ node, since }) => ({
        what: news.what,
        node,
        tookMs: (news.seenAt.get(node) ?? Number.POSITIVE_INFINITY) - since,
      })),
    )
  }

  #legsOf({ side, at, seenAt }: News): { readonly node: string; readonly since: number }[] {
    const home = side as Side
    const fetched = this.#visits.find((visit) => visit.side === home && visit.until > at)
    const carried = seenAt.get('m') ?? Number.POSITIVE_INFINITY
    const brought = this.#visits.find((visit) => visit.side !== home && visit.from > carried)
    return [
      ...members[home].map((node) => ({ node, since: at })),
      ...(fetched ? [{ node: 'm', since: Math.max(fetched.from, at) }] : []),
      ...(brought ? members[other[home]].map((node) => ({ node, since: brought.from })) : []),
    ]
  }

  /** All that m can have brought is in every replica of this side, and m has all that is there. */
  async #untilKnown(side: Side): Promise<void> {
    const here = [...members[side], 'm']
    const missing = (): string[] =>
      this.#watch.all
        .filter((news) => news.side === side || news.seenAt.has('m'))
        .flatMap(({ what, seenAt }) => here.filter((node) => !seenAt.has(node)).map((node) => `${what} at ${node}`))
    await until(() => missing().length === 0, { deadlineMs: 20_000, what: () => `known: ${missing().join('; ')}` })
  }

  #workAlone(side: Side, round: number): void {
    const [first, second] = this.#places(side)
    this.#write(side, first, `${side}/${round} alone`)
    this.#write(side, second, `${side}/diary`, `day ${round}\n`.repeat(round + 1))
  }

  /** The other side's file gets another name here; three visits later its maker deletes it, wherever it is by then. */
  #workTogether(side: Side, round: number): void {
    const [first, second] = this.#places(side)
    this.#write(side, first, `${side}/${round} together`)
    this.#write(side, second, 'minutes', `${side}, visit ${round}`)
    const renamed = `from ${other[side]}/${round - 1}`
    if (round >= 1) this.#rename(side, second, `${other[side]}/${round - 1} together`, renamed)
    if (round >= 2) this.#remove(side, first, `from ${side}/${round - 2}`)
  }

  #write(side: Side, place: Place, path: string, content = path): void {
    place.write(path, content)
    this.#watch.tell(`${path} written at ${side}`, side, (at) => at.exists(path) && at.read(path) === content)
  }

  #rename(side: Side, place: Place, from: string, to: string): void {
    place.rename(from, to)
    this.#watch.tell(`${from} renamed at ${side}`, side, (at) => at.exists(to) && !at.exists(from))
  }

  #remove(side: Side, place: Place, path: string): void {
    place.remove(path)
    this.#watch.tell(`${path} deleted at ${side}`, side, (at) => !at.exists(path))
  }

  #places(side: Side): [Place, Place] {
    const [first, second] = members[side]
    return [this.#place(first), this.#place(second)]
  }

  #place(node: string): Place {
    return new Place(this.#fleet.agent(node).folderPath)
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]()
  }
}
