import type { Lab } from '../lab/lab.ts'

export interface NodeUsage {
  readonly cpuSeconds: number
  /** The main process alone, and with all that it started. */
  readonly rssBytes: number
  readonly treeRssBytes: number
}

/** A synchroniser that runs on every node of a lab and keeps their folders equal. */
export interface Running extends AsyncDisposable {
  usage(node: string): NodeUsage
}

export interface Contender {
  readonly id: 'spansync' | 'unison' | 'rsync'
  readonly title: string
  /** Why it cannot be measured here; undefined when it can. */
  missing(): string | undefined
  /** The folders are empty; when this returns, the synchroniser runs and has connected. */
  start(lab: Lab): Promise<Running>
}
