import type { LineOf } from '@spansync/common/config/parse'
import { policyLayers } from '@spansync/common/config/policy-layers'
import type { Config } from '@spansync/common/config/schema'
import type { Door } from '@spansync/common/core/agent/state'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { type Evaluation, evaluate, rateOf } from '@spansync/common/core/policy/evaluate'
import { compileFilter } from '@spansync/common/core/policy/filter'
import type { NetworkFacts } from '@spansync/common/core/policy/networks'
import { Pace, type Standing } from '@spansync/common/core/policy/pace'
import { type Flow, mergeLayers, type Policy } from '@spansync/common/core/policy/settings'
import type { Clock, Link } from '@spansync/common/ports'
import type { Peer } from '../transport/types.ts'
import { inBackground } from './background.ts'

export interface PolicyGateOptions {
  readonly clock: Clock
  readonly config: () => Config
  readonly nameOf: (peer: NodeId) => string | undefined
  /** Of a peer, in this calendar month. */
  readonly usedBytes: (peer: NodeId) => number
  /** Undefined while the folder is not open, or the peer not connected. */
  readonly standing: (folder: FolderId, peer: NodeId) => Omit<Standing, 'now'> | undefined
  readonly surroundings: Surroundings
  /** Something may be allowed that was not, or the other way round. */
  readonly changed: () => void
  readonly failed: (error: unknown) => void
}

export interface Surroundings {
  readonly networkOf: (localAddress: string | undefined) => NetworkFacts | undefined
  readonly isOnBattery: () => boolean
}

/** Of a link that may be down. */
export type End = Pick<Link, 'peer' | 'localAddress'>

/** What counts for a replica, whatever the peer. */
export interface ReplicaPolicy {
  readonly exclude: readonly string[]
  readonly settleMs: number | undefined
}

/** Bytes flow, batteries run out and networks change without a word; windows are looked at the moment they change. */
const lookEveryMs = 2000

/** Asks the policy which way each folder may pass over each link, now and whenever that may change. */
export class PolicyGate {
  readonly #options: PolicyGateOptions
  /** Node finds out at its start. */
  readonly #zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  readonly #pace = new Pace()
  #config: Config | undefined
  /** By folder and name of the peer, of `#config`. */
  readonly #policies = new Map<string, Policy>()

  constructor(options: PolicyGateOptions) {
    this.#options = options
  }

  start(pairs: () => Iterable<readonly [FolderId, Link]>): AsyncDisposable {
    return inBackground(async (signal) => {
      const { clock, changed } = this.#options
      for (;;) {
        const next = this.#trying(() => this.#nextChange(pairs())) ?? Number.POSITIVE_INFINITY
        await clock.sleep(Math.max(1, Math.min(lookEveryMs, next - clock.wallNow())), signal)
        this.#trying(changed)
      }
    })
  }

  /** A folder that is just being closed may fail to answer. The next look is soon. */
  #trying<T>(look: () => T): T | undefined {
    try {
      return look()
    } catch (error) {
      this.#options.failed(error)
      return undefined
    }
  }

  doorOf(folder: FolderId, link: Link): Door {
    const { send, receive } = this.evaluate(folder, link)
    if (send.allowed) return receive.allowed ? 'open' : 'gives'
    return receive.allowed ? 'takes' : 'shut'
  }

  /** With the lines of the rules, when it is told how to find them. */
  evaluate(folder: FolderId, link: End, lineOf?: LineOf): Readonly<Record<Flow, Evaluation>> {
    const { clock, nameOf, usedBytes, surroundings, config } = this.#options
    const name = nameOf(link.peer)
    const peer = name === undefined ? undefined : config().peers[name]
    const policy = lineOf
      ? mergeLayers(policyLayers(config(), { folder, peer: name }, lineOf).settings)
      : this.#policyOf(folder, name)
    // The system is asked only where somebody has said something about it.
    const facts = {
      now: clock.wallNow(),
      ...(policy.minIntervalMs.value > 0 ? this.#paceOf(folder, link.peer) : {}),
      zone: this.#zone,
      onBattery: !policy.onBattery.value && surroundings.isOnBattery(),
      link: {
        network: policy.networks.value.length > 0 ? surroundings.networkOf(link.localAddress) : undefined,
        metered: peer !== undefined && (peer.metered || peer.dataCapBytes !== undefined),
        usedThisMonthBytes: usedBytes(link.peer),
      },
    }
    return {
      send: evaluate(policy, { ...facts, flow: 'send' }),
      receive: evaluate(policy, { ...facts, flow: 'receive' }),
    }
  }

  /** Of all folders together over the link with a peer. */
  ratesOf(peer: string): Pick<Peer, 'upBytesPerSecond' | 'downBytesPerSecond'> {
    const policy = this.#policyOf(undefined, peer)
    if (policy.rates.value.length === 0) return {}
    const link = { metered: false, usedThisMonthBytes: 0 }
    const facts = { now: this.#options.clock.wallNow(), zone: this.#zone, onBattery: false, link }
    return {
      upBytesPerSecond: rateOf(policy, { ...facts, flow: 'send' }),
      downBytesPerSecond: rateOf(policy, { ...facts, flow: 'receive' }),
    }
  }

  #paceOf(folder: FolderId, peer: NodeId): ReturnType<Pace['look']> | undefined {
    const standing = this.#options.standing(folder, peer)
    return standing && this.#pace.look(`${folder}/${peer}`, { ...standing, now: this.#options.clock.wallNow() })
  }

  #policyOf(folder: FolderId | undefined, peer: string | undefined): Policy {
    const config = this.#options.config()
    if (config !== this.#config) this.#policies.clear()
    this.#config = config
    const key = `${folder ?? ''}/${peer ?? ''}`
    const policy = this.#policies.get(key) ?? mergeLayers(policyLayers(config, { folder, peer }).settings)
    this.#policies.set(key, policy)
    return policy
  }

  #nextChange(pairs: Iterable<readonly [FolderId, Link]>): number {
    const times = [...pairs].flatMap(([folder, link]) => Object.values(this.evaluate(folder, link)))
    return Math.min(...times.map(({ nextChangeAt }) => nextChangeAt ?? Number.POSITIVE_INFINITY))
  }
}

export function replicaPolicy(config: Config, folder: FolderId): ReplicaPolicy {
  const { settings, filters } = policyLayers(config, { folder })
  return { exclude: compileFilter(filters).exclude, settleMs: mergeLayers(settings).settleMs.value }
}
