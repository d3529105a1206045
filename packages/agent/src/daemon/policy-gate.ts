import { settingsOver } from '@spansync/common/config/addresses'
import type { LineOf } from '@spansync/common/config/parse'
import { linkFilters, policyLayers, policyOf } from '@spansync/common/config/policy-layers'
import type { Config } from '@spansync/common/config/schema'
import type { Door, HoldsBack } from '@spansync/common/core/agent/state'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { type Evaluation, evaluate, isAllowed, rateOf, rateUntil } from '@spansync/common/core/policy/evaluate'
import { compileFilter, type FileRules, type FilterLayer, wants } from '@spansync/common/core/policy/filter'
import type { NetworkFacts } from '@spansync/common/core/policy/networks'
import { Pace, type Standing } from '@spansync/common/core/policy/pace'
import type { PolicyFacts } from '@spansync/common/core/policy/rules'
import { type Flow, mergeLayers, type Place, type Policy } from '@spansync/common/core/policy/settings'
import type { Clock, Link } from '@spansync/common/ports'
import type { Peer, Rates } from '../transport/types.ts'
import { inBackground } from './background.ts'

export interface PolicyGateOptions {
  readonly clock: Clock
  readonly config: () => Config
  readonly nameOf: (peer: NodeId) => string | undefined
  /** Of the data cap that counts for the peer at that address, in this calendar month. */
  readonly usedBytes: (peer: NodeId, address?: string) => number
  /** Undefined while the folder is not open, or the peer not connected. */
  readonly standing: (folder: FolderId, peer: NodeId) => Omit<Standing, 'now'> | undefined
  readonly surroundings: Surroundings
  /** Something may be allowed that was not, or the other way round. */
  readonly changed: () => void
  readonly failed: (error: unknown) => void
}

export interface Surroundings {
  /** The name of a Wi-Fi is only looked for when it is wanted. */
  readonly networkOf: (localAddress: string | undefined, wanted: { readonly ssid: boolean }) => NetworkFacts | undefined
  readonly isOnBattery: () => boolean
}

/** Of a link that may be down. */
export type End = Pick<Link, 'peer' | 'localAddress' | 'address'>

/** What counts for a replica, whatever the peer. */
export interface ReplicaPolicy {
  readonly exclude: readonly string[]
  readonly files: FileRules
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
  /** By folder and name of the peer, with what is said there: it stays the same as long as that does. */
  readonly #filters = new Map<string, LinkFilter>()
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
    const { policy, facts } = this.#questionOf(folder, link)
    const takes = isAllowed(policy, { ...facts, flow: 'receive' })
    if (isAllowed(policy, { ...facts, flow: 'send' })) return takes ? 'open' : 'gives'
    return takes ? 'takes' : 'shut'
  }

  /** Which versions stay on their side of the link. The same function as long as the same is said. */
  holdsBack(folder: FolderId, { peer: id }: Pick<Link, 'peer'>): HoldsBack | undefined {
    const config = this.#options.config()
    const peer = this.#options.nameOf(id)
    const key = `${folder}/${peer ?? ''}`
    const known = this.#filters.get(key)
    if (known?.config === config) return known.holdsBack
    const layers = linkFilters(config, { folder, peer })
    const said = JSON.stringify(layers)
    const holdsBack = known?.said === said ? known.holdsBack : holdsBackBy(layers)
    this.#filters.set(key, { config, said, holdsBack })
    return holdsBack
  }

  /** With the lines of the rules, when it is told how to find them. */
  evaluate(folder: FolderId, link: End, lineOf?: LineOf): Readonly<Record<Flow, Evaluation>> {
    const { policy, facts } = this.#questionOf(folder, link, lineOf)
    return {
      send: evaluate(policy, { ...facts, flow: 'send' }),
      receive: evaluate(policy, { ...facts, flow: 'receive' }),
    }
  }

  #questionOf(
    folder: FolderId,
    link: End,
    lineOf?: LineOf,
  ): { readonly policy: Policy; readonly facts: Omit<PolicyFacts, 'flow'> } {
    const { clock, nameOf, usedBytes, surroundings, config } = this.#options
    const name = nameOf(link.peer)
    const peer = name === undefined ? undefined : config().peers[name]
    const between = { folder, peer: name, address: link.address }
    const policy = lineOf ? policyOf(config(), between, lineOf) : this.#policyOf(folder, name, link.address)
    // The system is asked only where somebody has said something about it.
    const facts = {
      now: clock.wallNow(),
      ...(policy.minIntervalMs.value > 0 ? this.#paceOf(folder, link.peer) : {}),
      zone: this.#zone,
      onBattery: !policy.onBattery.value && surroundings.isOnBattery(),
      link: {
        network: this.#networkOf(policy, link),
        metered: peer !== undefined && settingsOver(peer, link.address).metered,
        usedThisMonthBytes: usedBytes(link.peer, link.address),
      },
    }
    return { policy, facts }
  }

  /** By this machine's policy; the peer may say something else. */
  priorityOf(folder: FolderId, peer: NodeId): Policy['priority'] {
    return this.#policyOf(folder, this.#options.nameOf(peer)).priority
  }

  /** Where this machine says why one of two folders goes first; undefined: only the peer says it. */
  priorityPlace(folders: readonly FolderId[], peer: NodeId, lineOf?: LineOf): Place | undefined {
    const name = this.#options.nameOf(peer)
    return folders
      .map((folder) => policyOf(this.#options.config(), { folder, peer: name }, lineOf).priority.where)
      .find(({ level }) => level !== 'default')
  }

  /** Of all folders together over the link with a peer, and of those that have rates of their own. */
  ratesOf(peer: string): Pick<Peer, keyof Rates | 'folderRates'> {
    const folders = Object.keys(this.#options.config().folders) as FolderId[]
    const own = folders.flatMap((folder): [FolderId, Rates][] => {
      const rates = this.#ratesOf(folder, peer)
      return rates ? [[folder, rates]] : []
    })
    return { ...this.#ratesOf(undefined, peer), ...(own.length === 0 ? {} : { folderRates: new Map(own) }) }
  }

  #ratesOf(folder: FolderId | undefined, peer: string): Rates | undefined {
    const policy = this.#policyOf(folder, peer)
    if (policy.rates.value.length === 0) return undefined
    const facts = this.#noFacts()
    return {
      upBytesPerSecond: rateOf(policy, { ...facts, flow: 'send' }),
      downBytesPerSecond: rateOf(policy, { ...facts, flow: 'receive' }),
    }
  }

  #networkOf({ networks: { value } }: Policy, { localAddress }: End): NetworkFacts | undefined {
    if (value.length === 0) return undefined
    return this.#options.surroundings.networkOf(localAddress, { ssid: value.some(({ ssid }) => ssid !== undefined) })
  }

  #paceOf(folder: FolderId, peer: NodeId): ReturnType<Pace['look']> | undefined {
    const standing = this.#options.standing(folder, peer)
    return standing && this.#pace.look(`${folder}/${peer}`, { ...standing, now: this.#options.clock.wallNow() })
  }

  #policyOf(folder: FolderId | undefined, name: string | undefined, address?: string): Policy {
    const config = this.#options.config()
    if (config !== this.#config) this.#policies.clear()
    this.#config = config
    const peer = name === undefined ? undefined : config.peers[name]
    // Connections that a peer has made come from ever other ports; what differs by address is the cap alone.
    const key = `${folder ?? ''}/${name ?? ''}/${(peer && settingsOver(peer, address).dataCap?.of) ?? '-'}`
    const between = { folder, peer: name, address }
    const policy = this.#policies.get(key) ?? policyOf(config, between)
    this.#policies.set(key, policy)
    return policy
  }

  #nextChange(pairs: Iterable<readonly [FolderId, Link]>): number {
    const peers = new Set<string | undefined>()
    let first = Number.POSITIVE_INFINITY
    for (const [folder, link] of pairs) {
      peers.add(this.#options.nameOf(link.peer))
      for (const { nextChangeAt } of Object.values(this.evaluate(folder, link)))
        first = Math.min(first, nextChangeAt ?? first)
    }
    for (const peer of peers)
      first = Math.min(first, rateUntil(this.#policyOf(undefined, peer), this.#noFacts()) ?? first)
    return first
  }

  /** For what goes by the clock only. */
  #noFacts(): PolicyFacts {
    const link = { metered: false, usedThisMonthBytes: 0 }
    return { now: this.#options.clock.wallNow(), zone: this.#zone, flow: 'send', onBattery: false, link }
  }
}

interface LinkFilter {
  readonly config: Config
  /** What is said there. */
  readonly said: string
  readonly holdsBack: HoldsBack | undefined
}

function holdsBackBy(layers: readonly FilterLayer[]): HoldsBack | undefined {
  if (layers.length === 0) return undefined
  const filter = compileFilter(layers)
  return (entry) => !wants(filter, entry)
}

export function replicaPolicy(config: Config, folder: FolderId): ReplicaPolicy {
  const { settings, filters } = policyLayers(config, { folder })
  const { exclude, files } = compileFilter(filters)
  return { exclude, files, settleMs: mergeLayers(settings).settleMs.value }
}
