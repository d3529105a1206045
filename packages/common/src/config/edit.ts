import { type Document, isMap, isNode, isScalar } from 'yaml'
import type { Clock } from '../ports.ts'
import { systemClock } from '../runtime/clock.ts'
import { readConfig, replaceConfig } from './file.ts'
import { configFileOf } from './home.ts'
import { parseConfig } from './parse.ts'
import type { Config } from './schema.ts'

/** Changes of config.yaml that keep the comments and the order of what is there. */
export interface ConfigEditor {
  readonly config: Config
  /** What is written there, before it is checked; undefined for nothing. */
  read(path: readonly string[]): unknown
  /** Sets or replaces; keys whose value is undefined are left out. */
  set(path: readonly string[], value: unknown): void
  /** False when there was nothing. */
  remove(path: readonly string[]): boolean
}

/** Reads config.yaml, lets `edit` change it, checks the result and puts it in place. Nothing is written when the file has problems, before
 *  or after (ConfigError), when `edit` throws, or when nothing changed. `edit` runs while the file is locked: keep it short. */
export async function editConfig<T>(
  home: string,
  edit: (editor: ConfigEditor) => T,
  clock: Clock = systemClock,
): Promise<T> {
  readConfig(home)
  let result: T | undefined
  await replaceConfig(
    home,
    () => {
      const { config, document } = readConfig(home)
      const before = render(document)
      result = edit(editorOf(document, config))
      const after = render(document)
      // The formatter may like other blanks better: that alone is no reason to touch the file.
      if (after === before) return undefined
      parseConfig({ file: configFileOf(home), text: after, home })
      return after
    },
    clock,
  )
  return result as T
}

function editorOf(document: Document, config: Config): ConfigEditor {
  return {
    config,
    read: (path) => {
      const node = document.getIn(path, true)
      return isNode(node) ? node.toJS(document) : undefined
    },
    set: (path, value) => setIn(document, path, value),
    remove: (path) => removeIn(document, path),
  }
}

function setIn(document: Document, path: readonly string[], value: unknown): void {
  for (let depth = 1; depth < path.length; depth++) openMap(document, path.slice(0, depth))
  const existing = document.getIn(path, true)
  // Keeps the comment behind a plain value.
  if (isScalar(existing) && (typeof value !== 'object' || value === null)) existing.value = value
  else document.setIn(path, document.createNode(value, { keepUndefined: false }))
}

/** `peers:` and `peers: {}` become maps that can take a key on a line of its own. */
function openMap(document: Document, path: readonly string[]): void {
  const node = document.getIn(path, true)
  if (!isMap(node)) {
    const map = document.createNode({})
    map.flow = false
    if (isScalar(node)) map.comment = node.comment ?? null
    document.setIn(path, map)
  } else if (node.items.length === 0) {
    node.flow = false
  }
}

function removeIn(document: Document, path: readonly string[]): boolean {
  const parent = document.getIn(path.slice(0, -1), true)
  const key = path.at(-1)
  if (!isMap(parent) || key === undefined) return false
  const pair = parent.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === key)
  if (pair === undefined) return false
  parent.items.splice(parent.items.indexOf(pair), 1)
  return true
}

/** Never folds long lines: a path or a pattern stays on the line where it was written. */
function render(document: Document): string {
  return document.toString({ lineWidth: 0 })
}
