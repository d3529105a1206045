import type { NetworkRule } from './networks.ts'
import { always, type Windows } from './windows.ts'

/** As seen from one node: `send-only` takes nothing from peers, `receive-only` gives nothing. */
export type Direction = 'send-receive' | 'send-only' | 'receive-only'

/** What passes on; `receive` is from a peer to this node. */
export type Flow = 'send' | 'receive'

/** Bytes per second; undefined: as much as goes. */
export interface RateRule {
  /** When this counts; undefined: always. */
  readonly during?: Windows | undefined
  readonly sendBps?: number | undefined
  readonly receiveBps?: number | undefined
}

export interface DataCap {
  /** In a calendar month, both ways together. */
  readonly bytes: number
  /** Percent of it at which a person is warned. */
  readonly warnPercent: number
}

/** When and how much one folder may pass between a node and one of its peers. */
export interface PolicySettings {
  readonly paused: boolean | { readonly untilMs: number }
  readonly direction: Direction
  /** How long a file must rest before it is sent; undefined: chosen by itself. */
  readonly settleMs: number | undefined
  /** From the end of one session to the next. */
  readonly minIntervalMs: number
  /** A change that has waited this long waits no more for `settleMs` and `minIntervalMs`. Everything else still counts. */
  readonly maxDelayMs: number
  readonly windows: Windows
  /** Whose clock and calendar windows and months go by; undefined: this machine's. */
  readonly timezone: string | undefined
  /** One of these; none: any network. */
  readonly networks: readonly NetworkRule[]
  readonly onMetered: boolean
  readonly onBattery: boolean
  /** The first whose time it is counts. */
  readonly rates: readonly RateRule[]
  readonly dataCap: DataCap | undefined
  /** Between folders: the higher goes first. */
  readonly priority: number
}

export const defaultSettings: PolicySettings = {
  paused: false,
  direction: 'send-receive',
  settleMs: undefined,
  minIntervalMs: 0,
  maxDelayMs: Number.POSITIVE_INFINITY,
  windows: always,
  timezone: undefined,
  networks: [],
  onMetered: true,
  onBattery: true,
  rates: [],
  dataCap: undefined,
  priority: 0,
}

/** From the widest to the narrowest: what a narrower one says counts. */
export type Level = 'default' | 'network' | 'folder' | 'node' | 'link'

/** Where somebody has said something. */
export interface Place {
  readonly level: Level
  /** Key path in the configuration, such as `folders.docs.policy.windows`; '' for a default. */
  readonly key: string
  readonly line?: number | undefined
}

/** Undefined: nothing is said about it. */
export type SomeSettings = { readonly [K in keyof PolicySettings]?: PolicySettings[K] | undefined }

/** What one place in the configuration says. */
export interface PolicyLayer {
  readonly settings: SomeSettings
  /** Of one setting in this layer. */
  readonly placeOf: (setting: keyof PolicySettings) => Place
}

export interface Decided<T> {
  readonly value: T
  readonly where: Place
}

/** Every setting in force, and who has decided it. */
export type Policy = { readonly [K in keyof PolicySettings]: Decided<PolicySettings[K]> }

const nowhere: Place = { level: 'default', key: '' }

/** Layers from the widest to the narrowest; each setting is decided by the last that has it. */
export function mergeLayers(layers: readonly PolicyLayer[]): Policy {
  const decided = new Map<string, Decided<unknown>>(
    Object.entries(defaultSettings).map(([key, value]) => [key, { value, where: nowhere }]),
  )
  for (const { settings, placeOf } of layers) {
    for (const [key, value] of Object.entries(settings)) {
      if (value !== undefined) decided.set(key, { value, where: placeOf(key as keyof PolicySettings) })
    }
  }
  return Object.fromEntries(decided) as unknown as Policy
}
