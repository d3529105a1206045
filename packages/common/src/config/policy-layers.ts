import type { FolderId } from '../core/causal/types.ts'
import type { FilterLayer } from '../core/policy/filter.ts'
import { type Level, mergeLayers, type Place, type Policy, type PolicyLayer } from '../core/policy/settings.ts'
import { settingsOver } from './addresses.ts'
import { joinPath } from './issues.ts'
import type { LineOf } from './parse.ts'
import { type PolicyConfig, writtenAs } from './policy-schema.ts'
import type { Config, FolderConfig, PeerConfig } from './schema.ts'

/** Which folder, and over the link to whom; without a peer, what counts for the replica as a whole, and without a folder, what counts
 *  for the link whatever passes over it. */
export interface Between {
  readonly folder?: FolderId | undefined
  readonly peer?: string | undefined
  /** `host:port` over which the link goes; absent: not known. */
  readonly address?: string | undefined
}

export interface Layers {
  readonly settings: readonly PolicyLayer[]
  readonly filters: readonly FilterLayer[]
}

const standardWarnPercent = 80

/** What this machine's configuration says, from the widest place to the narrowest: for all folders, the folder, this machine, the link.
 *  `lineOf` adds the lines. */
export function policyLayers(config: Config, between: Between, lineOf?: LineOf): Layers {
  const said = sayingsOf(config, between)
  return {
    settings: said.map((saying) => layerOf(saying, lineOf)),
    filters: filtersOf(said, lineOf),
  }
}

function filtersOf(said: readonly Saying[], lineOf: LineOf | undefined): FilterLayer[] {
  return said
    .filter(({ filter }) => Object.keys(filter).length > 0)
    .map((saying) => ({ ...saying.filter, placeOf: (key) => placeOf(saying, key, lineOf) }))
}

/** What is said of the link alone: the versions that do not pass over it. */
export function linkFilters(config: Config, between: Between, lineOf?: LineOf): readonly FilterLayer[] {
  return filtersOf(
    sayingsOf(config, between).filter(({ level }) => level === 'link'),
    lineOf,
  )
}

/** What counts between the two. Rates are different from everything else: those said of all folders limit the link as a whole, so the
 *  policy of a folder has only what is said of that very folder, which counts besides. */
export function policyOf(config: Config, between: Between, lineOf?: LineOf): Policy {
  const said = sayingsOf(config, between)
  const merge = (some: readonly Saying[]): Policy => mergeLayers(some.map((saying) => layerOf(saying, lineOf)))
  if (between.folder === undefined) return merge(said)
  return { ...merge(said), rates: merge(said.filter(({ path }) => path[0] === 'folders')).rates }
}

function sayingsOf(config: Config, { folder, peer, address }: Between): Saying[] {
  const ours = folder === undefined ? undefined : config.folders[folder]
  const link = peer === undefined ? undefined : config.peers[peer]
  const inFolder = ['folders', folder ?? '', 'policy']
  return [
    saying('network', ['policy'], config.policy),
    ...(ours ? folderKeys(folder as FolderId, ours) : []),
    saying('folder', inFolder, ours?.policy),
    saying('node', ['policy', 'nodes', config.name], config.policy?.nodes?.[config.name]),
    saying('node', [...inFolder, 'nodes', config.name], ours?.policy?.nodes?.[config.name]),
    ...(link ? linkKeys(['peers', peer as string], link, address) : []),
    ...(peer === undefined ? [] : [saying('link', [...inFolder, 'peers', peer], ours?.policy?.peers?.[peer])]),
  ].filter((saying) => saying !== undefined)
}

function layerOf(saying: Saying, lineOf: LineOf | undefined): PolicyLayer {
  const { settings } = saying
  return { settings, placeOf: (setting) => placeOf(saying, writtenAs[setting] ?? setting, lineOf) }
}

interface Saying extends PolicyConfig {
  readonly level: Level
  readonly path: readonly string[]
  /** The only key that it has, when it has another name. */
  readonly key?: string
}

function saying(level: Level, path: readonly string[], said: PolicyConfig | undefined): Saying | undefined {
  return said && { level, path, settings: said.settings, filter: said.filter }
}

/** What a folder could say before there were policies. */
function folderKeys(folder: FolderId, { ignore, settleMs }: FolderConfig): Saying[] {
  const place = { level: 'folder', path: ['folders', folder] } as const
  return [
    ...(ignore.length === 0 ? [] : [{ ...place, key: 'ignore', settings: {}, filter: { exclude: ignore } }]),
    ...(settleMs === undefined ? [] : [{ ...place, key: 'settleMs', settings: { settleMs }, filter: {} }]),
  ]
}

function linkKeys(path: readonly string[], peer: PeerConfig, address: string | undefined): (Saying | undefined)[] {
  const { policy, dataCapWarning: warnPercent = standardWarnPercent } = peer
  const cap = settingsOver(peer, address).dataCap
  const dataCap = cap && { bytes: cap.bytes, warnPercent }
  return [
    dataCap === undefined ? undefined : { level: 'link', path, key: 'dataCap', settings: { dataCap }, filter: {} },
    saying('link', [...path, 'policy'], policy),
  ]
}

function placeOf({ level, path, key }: Saying, written: string, lineOf: LineOf | undefined): Place {
  const full = [...path, key ?? written]
  return { level, key: joinPath(full), ...(lineOf ? { line: lineOf(full) } : {}) }
}
