import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { DotError, parseDot } from './dot.ts'

export interface LinkSpec {
  readonly a: string
  readonly b: string
  /** The end that dials; the other one listens. */
  readonly dialer: string
  /** Unlimited when absent. */
  readonly rateBitsPerSecond?: number
  /** Each way. */
  readonly delayMs?: number
}

export interface LabGraph {
  readonly name: string
  readonly nodes: readonly string[]
  readonly links: readonly LinkSpec[]
}

const rateUnits: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 }

/** "100mbit" → 100000000 bits per second. */
export function parseRate(text: string): number {
  const [, amount, unit] = /^([\d.]+)\s*(bit|kbit|mbit|gbit)$/i.exec(text) ?? []
  const factor = rateUnits[unit?.toLowerCase() ?? '']
  if (amount === undefined || factor === undefined) throw new DotError(`rate="${text}": write it like 100mbit or 2mbit`)
  return Number(amount) * factor
}

/** "1ms" → 1. */
export function parseDelay(text: string): number {
  const [, amount, unit] = /^([\d.]+)\s*(us|ms|s)$/.exec(text) ?? []
  if (amount === undefined) throw new DotError(`delay="${text}": write it like 1ms or 500us`)
  return Number(amount) * (unit === 's' ? 1000 : unit === 'us' ? 0.001 : 1)
}

/** Without `dial="node"` and without an arrow, the end whose name comes first in the alphabet dials. */
export function parseGraph(text: string): LabGraph {
  const dot = parseDot(text)
  const nodes = [...dot.nodes.keys()].sort()
  for (const node of nodes) {
    if (!/^[a-z0-9][a-z0-9-]*$/i.test(node)) throw new DotError(`node "${node}": use letters, digits and dashes`)
  }
  const seen = new Set<string>()
  const links = dot.edges.map(({ from, to, attributes }): LinkSpec => {
    const [a, b] = from < to ? [from, to] : [to, from]
    if (a === b || seen.has(`${a} ${b}`))
      throw new DotError(`edge ${from} to ${to}: a node cannot be joined twice or to itself`)
    seen.add(`${a} ${b}`)
    const dialer = attributes.dial ?? (dot.directed ? from : a)
    if (dialer !== a && dialer !== b) throw new DotError(`edge ${a} to ${b}: dial="${dialer}" is neither end`)
    return {
      a,
      b,
      dialer,
      ...(attributes.rate !== undefined && { rateBitsPerSecond: parseRate(attributes.rate) }),
      ...(attributes.delay !== undefined && { delayMs: parseDelay(attributes.delay) }),
    }
  })
  return { name: dot.name, nodes, links }
}

/** A graph by its name in ./graphs, or by path. */
export function loadGraph(nameOrFile: string): LabGraph {
  const file = nameOrFile.endsWith('.dot') ? nameOrFile : new URL(`./graphs/${nameOrFile}.dot`, import.meta.url)
  try {
    const graph = parseGraph(readFileSync(file, 'utf8'))
    return graph.name === '' ? { ...graph, name: basename(nameOrFile, '.dot') } : graph
  } catch (error) {
    throw error instanceof DotError ? new DotError(`${file.toString()}: ${error.message}`) : error
  }
}
