import type { Kind } from '../causal/types.ts'
import { expandType } from './file-types.ts'
import { compileIgnore, type IgnoreMatcher } from './ignore.ts'
import type { Place } from './settings.ts'

/** What one place in the configuration says of which entries a replica takes part in. Patterns as in `compileIgnore`, or `type:video`
 *  (see `fileTypes`). */
export interface FilterLayer {
  /** Files must match one of these; undefined or none: every file. */
  readonly include?: readonly string[] | undefined
  readonly exclude?: readonly string[] | undefined
  /** Bytes, both included. */
  readonly minSize?: number | undefined
  readonly maxSize?: number | undefined
  readonly placeOf: (key: FilterKey) => Place
}

export type FilterKey = 'include' | 'exclude' | 'minSize' | 'maxSize'

/** Why a replica has nothing to do with an entry. */
export interface Unwanted {
  readonly rule: 'include' | 'exclude' | 'min_size' | 'max_size' | 'reserved'
  readonly where: Place
  /** The first that excludes it. */
  readonly pattern?: string
}

export interface Filter {
  /** Undefined: wanted. */
  readonly unwanted: (entry: FilteredEntry) => Unwanted | undefined
  /** All of `exclude`, for the watcher, the index and Unison. */
  readonly exclude: readonly string[]
  /** What is said of files only, for whoever has them before him. */
  readonly files: FileRules
}

/** Each must let a file pass. Plain data, that goes to threads. */
export type FileRules = readonly Pick<FilterLayer, 'include' | 'minSize' | 'maxSize'>[]

export interface FilteredEntry {
  /** Relative to the root. */
  readonly path: string
  readonly kind: Kind
  /** Bytes; of no meaning for what is no file. */
  readonly size: number
}

/** Whether a replica with this filter takes, keeps in its index and tells of an entry. */
export function wants(filter: Filter, entry: FilteredEntry): boolean {
  return filter.unwanted(entry) === undefined
}

/** All layers count together, so that each one can only narrow what the others leave.
 *
 *  A filter decides what a replica takes part in, and nothing else: **changing it never deletes anything by itself.** What is on the
 *  disk and is no longer wanted stays there and is not looked at any more: no tombstone is written, and no peer hears of it. What is
 *  wanted again is looked at again. Hence the answer is only yes or no, and a caller may not turn a no into a deletion.
 *
 *  Directories are wanted unless they are excluded, for wanted files may come to lie in them. */
export function compileFilter(layers: readonly FilterLayer[]): Filter {
  const compiled = layers.map(compileLayer)
  return {
    unwanted: (entry) => {
      if (reserved.matches(entry.path)) return { rule: 'reserved', where: { level: 'default', key: '' } }
      for (const layer of compiled) {
        const unwanted = layer(entry)
        if (unwanted) return unwanted
      }
      return undefined
    },
    exclude: [
      ...new Set(layers.flatMap(({ exclude = [] }) => exclude.flatMap((pattern) => expandType(pattern) ?? []))),
    ],
    files: layers.flatMap(({ include = [], minSize, maxSize }) =>
      include.length === 0 && minSize === undefined && maxSize === undefined ? [] : [{ include, minSize, maxSize }],
    ),
  }
}

/** Whether a file of that many bytes is wanted. `shared`: what is in the index at its path; a file that is shared already may grow and
 *  shrink, for peers may be waiting for it, and one in place of a directory is no secret. */
export type IsWantedFile = (path: string, size: number, shared?: Kind) => boolean

export function compileFileRules(rules: FileRules): IsWantedFile {
  if (rules.length === 0) return () => true
  const all = withoutPlaces(rules)
  const byName = withoutPlaces(rules.map(({ include }) => ({ include })))
  return (path, size, shared) => shared === 'dir' || wants(shared ? byName : all, { path, kind: 'file', size })
}

function withoutPlaces(rules: FileRules): Filter {
  return compileFilter(rules.map((rule) => ({ ...rule, placeOf: () => ({ level: 'default', key: '' }) })))
}

const reserved = compileIgnore([]).matcher

function compileLayer({ include = [], exclude = [], minSize, maxSize, placeOf }: FilterLayer): Filter['unwanted'] {
  const excludes = matcherOf(exclude)
  const includes = include.length === 0 ? undefined : matcherOf(include)
  return ({ path, kind, size }) => {
    if (excludes.matches(path)) {
      return { rule: 'exclude', where: placeOf('exclude'), ...first(exclude, path) }
    }
    if (kind !== 'file') return undefined
    if (includes && !includes.matches(path)) return { rule: 'include', where: placeOf('include') }
    if (maxSize !== undefined && size > maxSize) return { rule: 'max_size', where: placeOf('maxSize') }
    return minSize !== undefined && size < minSize ? { rule: 'min_size', where: placeOf('minSize') } : undefined
  }
}

function first(patterns: readonly string[], path: string): { pattern?: string } {
  const pattern = patterns.find((candidate) => matcherOf([candidate]).matches(path))
  return pattern === undefined ? {} : { pattern }
}

function matcherOf(patterns: readonly string[]): IgnoreMatcher {
  return compileIgnore(patterns.flatMap((pattern) => expandType(pattern) ?? [])).matcher
}
