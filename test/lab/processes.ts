import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { until } from './until.ts'

/** Clock ticks per second in /proc/PID/stat: fixed at 100 in Linux's interface to programs. */
const ticksPerSecond = 100
const pageBytes = 4096

export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  readonly name: string
  readonly state: string
  readonly startedTicks: number
  /** Its own, user and system. */
  readonly cpuSeconds: number
  /** Of its children that have ended and been waited for, with theirs. */
  readonly endedChildrenCpuSeconds: number
  readonly rssBytes: number
}

export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name stands in brackets and may itself hold spaces and brackets.
    const close = text.lastIndexOf(')')
    const fields = text.slice(close + 2).split(' ')
    const number = (index: number): number => Number(fields[index])
    return {
      pid,
      parent: number(1),
      name: text.slice(text.indexOf('(') + 1, close),
      state: fields[0] ?? '?',
      startedTicks: number(19),
      cpuSeconds: (number(11) + number(12)) / ticksPerSecond,
      endedChildrenCpuSeconds: (number(13) + number(14)) / ticksPerSecond,
      rssBytes: number(21) * pageBytes,
    }
  } catch {
    return undefined
  }
}

export function allProcesses(): ProcessInfo[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map((pid) => readProcess(Number(pid))).filter((info) => info !== undefined)
}

/** The process and everything below it, parents first. Empty when it has ended. */
export function processTree(root: number, all: readonly ProcessInfo[] = allProcesses()): ProcessInfo[] {
  const children = Map.groupBy(all, (info) => info.parent)
  const first = all.find((info) => info.pid === root)
  const tree = first === undefined || first.state === 'Z' ? [] : [first]
  for (const info of tree) tree.push(...(children.get(info.pid) ?? []))
  return tree
}

export function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  } catch {
    return []
  }
}

export function networkNamespace(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}

export function inNamespace(namespace: string): ProcessInfo[] {
  return allProcesses().filter((info) => info.state !== 'Z' && networkNamespace(info.pid) === namespace)
}

export function isAlive(pid: number): boolean {
  const info = readProcess(pid)
  return info !== undefined && info.state !== 'Z' && info.state !== 'X'
}

/** False when it had already ended. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** SIGKILL to every process that `find` names, again until it names none: a tree can grow while it is being cut. */
export async function killAll(find: () => readonly ProcessInfo[]): Promise<void> {
  await until(
    () => {
      const left = find()
      for (const { pid } of left) sendSignal(pid, 'SIGKILL')
      return left.length === 0
    },
    {
      deadlineMs: 10_000,
      intervalMs: 10,
      what: () => `these end: ${find().map((p) => `${p.pid} ${p.name} ${p.state}`)}`,
    },
  )
}

export interface Usage {
  readonly processes: number
  /** Everything that the tree has used, ended children included. */
  readonly cpuSeconds: number
  readonly rssBytes: number
  readonly agent: { readonly cpuSeconds: number; readonly rssBytes: number; readonly endedChildrenCpuSeconds: number }
}

/** CPU and memory of the tree below `root`; `agent` is the process in it that is asked for separately. */
export function measureTree(root: number, agent: number): Usage {
  const tree = processTree(root)
  const one = tree.find((info) => info.pid === agent)
  const sum = (of: (info: ProcessInfo) => number): number => tree.reduce((total, info) => total + of(info), 0)
  return {
    processes: tree.length,
    cpuSeconds: sum((info) => info.cpuSeconds + info.endedChildrenCpuSeconds),
    rssBytes: sum((info) => info.rssBytes),
    agent: {
      cpuSeconds: one?.cpuSeconds ?? 0,
      rssBytes: one?.rssBytes ?? 0,
      endedChildrenCpuSeconds: one?.endedChildrenCpuSeconds ?? 0,
    },
  }
}
