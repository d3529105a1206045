/** The part of `spansync status --json` that design.md section 9 promises. */

export interface AgentStatus {
  readonly node: string
  readonly mode: { readonly configured: string; readonly effective: string }
  readonly coordinator: { readonly connected: boolean; readonly url?: string }
  readonly folders: readonly FolderStatus[]
  readonly links: readonly LinkStatus[]
  /** Of the node as a whole. */
  readonly errors?: readonly Problem[]
}

export interface Problem {
  readonly code: string
  readonly message: string
  readonly remedy: string
}

export interface FolderStatus {
  readonly id: string
  readonly path: string
  readonly state: 'idle' | 'scanning' | 'syncing' | 'waiting' | 'error'
  readonly files: number
  readonly bytes: number
  readonly conflicts: number
  readonly errors: readonly Problem[]
}

export interface LinkStatus {
  readonly node: string
  readonly up: boolean
  /** Bytes per second; null: not measured. */
  readonly throughputBps: number | null
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Why it is down. */
  readonly error?: Problem
}
