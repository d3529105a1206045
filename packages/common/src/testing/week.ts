import { settingsOver } from '../config/addresses.ts'
import { policyOf } from '../config/policy-layers.ts'
import type { PeerConfig } from '../config/schema.ts'
import { isSettled } from '../core/agent/exchange.ts'
import type { Door } from '../core/agent/state.ts'
import type { FolderId, NodeId } from '../core/causal/types.ts'
import { evaluate } from '../core/policy/evaluate.ts'
import { Pace } from '../core/policy/pace.ts'
import type { PolicyFacts } from '../core/policy/rules.ts'
import type { Flow, Policy } from '../core/policy/settings.ts'
import { wallMs, zoneOf } from '../core/policy/zone.ts'
import type { Random } from '../sim/random.ts'
import type { SimAgent } from '../sim/sim-agent.ts'
import { noFaults, type Sending } from '../sim/types.ts'
import { SimWorld } from '../sim/world.ts'
import { makeIndex } from './histories.ts'
import {
  addressOf,
  configOf,
  type Folder,
  folders,
  holders,
  isOnBattery,
  isUp,
  links,
  type Machine,
  zone,
} from './use-case.ts'

/** Something has passed a link: content, or the names of some entries. Time in epoch ms. */
export interface Passed {
  readonly at: number
  readonly folder: Folder
  readonly from: Machine
  readonly to: Machine
  /** Of the content; '' for names. */
  readonly hash: string
}

const minuteMs = 60_000
/** As in the agent: what changes without a word is seen so late at most. */
const lookEveryMs = 2000

/** The folders of the use case, each a world of agents with the real `step`, on common links whose doors the real policy opens and shuts.
 *  What is cut off when a door shuts is here what has not arrived by then. */
export class Week {
  readonly worlds: ReadonlyMap<Folder, FolderWorld>
  readonly passed: Passed[] = []
  readonly #beganAt: number
  readonly #used = new Map<string, number>()
  readonly #sizeOf: (hash: string) => number

  /** Virtual time 0 is `beganAt`; `sizeOf` gives the bytes of a content. */
  constructor({ beganAt, random, sizeOf }: { beganAt: number; random: Random; sizeOf: (hash: string) => number }) {
    this.#beganAt = beganAt
    this.#sizeOf = sizeOf
    this.worlds = new Map(folders.map((folder) => [folder, new FolderWorld(this, folder, random)]))
  }

  agent(folder: Folder, machine: Machine): SimAgent {
    return this.worlds.get(folder)?.agents.find(({ name }) => name === machine) as SimAgent
  }

  /** Minute by minute; `act` is what people do at the beginning of each. */
  run(fromMs: number, untilMs: number, act: (ms: number) => void): void {
    for (let minute = fromMs; minute < untilMs; minute += minuteMs) {
      for (const world of this.worlds.values()) world.connect(minute)
      act(minute)
      this.#runMinute(minute)
    }
  }

  #runMinute(minute: number): void {
    for (let at = minute; at < minute + minuteMs; at += lookEveryMs) {
      const due = this.#beganAt + Math.min(...[...this.worlds.values()].map(({ queue }) => queue.nextAt()))
      // Nothing happens before: a look would see what the last one saw, but at whole minutes.
      if (at > minute && due >= at + lookEveryMs) continue
      for (const world of this.worlds.values()) world.look(at)
      for (const world of this.worlds.values()) world.runUntil(at + lookEveryMs)
    }
    for (const world of this.worlds.values()) world.runUntil(minute + minuteMs)
  }

  /** In the calendar month. */
  usedBytes(a: Machine, b: Machine, ms: number): number {
    return this.#used.get(keyOf(a, b, ms)) ?? 0
  }

  pass(passed: Omit<Passed, 'at'>, virtualMs: number): void {
    const at = this.#beganAt + virtualMs
    this.passed.push({ ...passed, at })
    const key = keyOf(passed.from, passed.to, at)
    this.#used.set(key, (this.#used.get(key) ?? 0) + this.#sizeOf(passed.hash))
  }

  get beganAt(): number {
    return this.#beganAt
  }
}

function keyOf(a: Machine, b: Machine, ms: number): string {
  return `${[a, b].sort().join('-')} ${new Date(wallMs(zoneOf(zone), ms)).toISOString().slice(0, 7)}`
}

/** The answers of one end. */
interface Gate {
  readonly policy: Policy
  readonly metered: boolean
  door: Door | undefined
  pace: Pick<PolicyFacts, 'lastSessionMs' | 'changes'>
}

export class FolderWorld extends SimWorld {
  readonly #week: Week
  readonly #folder: Folder
  readonly #pace = new Pace()
  /** By `machine>peer`. */
  readonly #gates = new Map<string, Gate>()

  constructor(week: Week, folder: Folder, random: Random) {
    super({ random, faults: noFaults, page: 50, makeIndex })
    this.#week = week
    this.#folder = folder
    for (const machine of holders[folder]) this.addAgent(machine)
    for (const [a, b] of this.#links()) this.#addPair(a, b)
    this.share()
    this.record.onMoved = ({ from, to, hash }) =>
      week.pass({ folder, from: from as string as Machine, to: to.name as Machine, hash }, this.queue.now)
  }

  #links(): (readonly [Machine, Machine])[] {
    return links.filter((ends) => ends.every((end) => holders[this.#folder].includes(end)))
  }

  #addPair(a: Machine, b: Machine): void {
    this.addLink(holders[this.#folder].indexOf(a), holders[this.#folder].indexOf(b))
    for (const [self, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      const config = configOf(self)
      this.#gates.set(`${self}>${peer}`, {
        policy: policyOf(config, { folder: this.#folder as string as FolderId, peer }),
        metered: settingsOver(config.peers[peer] as PeerConfig).metered,
        door: undefined,
        pace: {},
      })
    }
  }

  connect(ms: number): void {
    for (const [at, ends] of this.#links().entries()) {
      const link = this.links[at]
      if (link) this.setLink(link, isUp(ends, ms))
    }
  }

  /** Every end asks its policy anew. */
  look(ms: number): void {
    for (const [key, gate] of this.#gates) {
      const [self, peer] = key.split('>') as [Machine, Machine]
      const agent = this.#agent(self)
      const known = agent.state.peers.get(peer as string as NodeId)
      const meta = agent.index.meta()
      if (known) {
        const settled = isSettled(known, { scope: agent.state.scope, ...meta })
        gate.pace = this.#pace.look(key, { now: ms, digest: meta.digest, isSettled: settled })
      }
      const door = this.#doorOf(self, peer, ms)
      if (door === gate.door) continue
      gate.door = door
      agent.setDoor(peer as string as NodeId, door)
    }
  }

  #doorOf(self: Machine, peer: Machine, ms: number): Door {
    const [sends, receives] = [this.#allows(self, peer, 'send', ms), this.#allows(self, peer, 'receive', ms)]
    if (sends) return receives ? 'open' : 'gives'
    return receives ? 'takes' : 'shut'
  }

  #allows(self: Machine, peer: Machine, flow: Flow, ms: number): boolean {
    const { policy, metered, pace } = this.#gates.get(`${self}>${peer}`) as Gate
    return evaluate(policy, {
      ...{ now: ms, zone, flow, ...pace, onBattery: isOnBattery(self, ms) },
      link: {
        network: { address: addressOf(self, ms) },
        metered,
        usedThisMonthBytes: policy.dataCap.value ? this.#week.usedBytes(self, peer, ms) : 0,
      },
    }).allowed
  }

  runUntil(ms: number): void {
    const until = ms - this.#week.beganAt
    while (this.queue.nextAt() < until && this.queue.advance());
    this.queue.now = Math.max(this.queue.now, until)
  }

  /** What is under way when a door shuts is cut off. */
  override reach(to: SimAgent, peer: NodeId): SimAgent | undefined {
    const ms = this.#week.beganAt + this.queue.now
    const [self, other] = [to.name as Machine, peer as string as Machine]
    if (!this.#allows(self, other, 'receive', ms) || !this.#allows(other, self, 'send', ms)) return undefined
    return super.reach(to, peer)
  }

  override send(from: SimAgent, effect: Sending): void {
    if (effect.kind === 'send_entries' && effect.rows.length > 0) {
      const ends = { from: from.name as Machine, to: effect.peer as string as Machine }
      this.#week.pass({ folder: this.#folder, ...ends, hash: '' }, this.queue.now)
    }
    super.send(from, effect)
  }

  #agent(machine: Machine): SimAgent {
    return this.#week.agent(this.#folder, machine)
  }
}
