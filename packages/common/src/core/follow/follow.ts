/** Whom an agent follows, and why. Times in ms. */
export interface FollowState {
  readonly configured: Mode
  /** Messages can pass. */
  readonly connected: boolean
  /** The newest term heard of; orders of an older one are refused. */
  readonly epoch: number
  readonly networkMode: Effective
  /** When the coordinator was last heard; undefined: it is not there. */
  readonly heardAt: number | undefined
}

export type Mode = 'auto' | Effective
export type Effective = 'centralised' | 'decentralised'

export type FollowEvent = { readonly at: number } & (
  | { readonly kind: 'configured'; readonly mode: Mode }
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' }
  /** A beat, or an answer to a state. */
  | { readonly kind: 'heard'; readonly epoch: number; readonly mode: Effective }
  /** The message system says that no coordinator listens. */
  | { readonly kind: 'nobody_listens' }
  | { readonly kind: 'ticked' }
)

/** Three beats of five seconds: the coordinator is there but hangs. Whatever ends it at once is noticed at once. */
export const silenceMs = 15_000

export function initialFollow(configured: Mode): FollowState {
  return { configured, connected: false, epoch: 0, networkMode: 'centralised', heardAt: undefined }
}

export function follow(state: FollowState, event: FollowEvent): FollowState {
  switch (event.kind) {
    case 'configured':
      return { ...state, configured: event.mode }
    case 'connected':
      return { ...state, connected: true }
    case 'disconnected':
      return { ...state, connected: false, heardAt: undefined }
    case 'nobody_listens':
      return { ...state, heardAt: undefined }
    case 'heard':
      // A coordinator that was deposed, and does not know it yet.
      if (event.epoch < state.epoch) return state
      return { ...state, epoch: event.epoch, networkMode: event.mode, heardAt: event.at }
    case 'ticked':
      return isSilent(state, event.at) ? { ...state, heardAt: undefined } : state
  }
}

function isSilent({ heardAt }: FollowState, at: number): boolean {
  return heardAt !== undefined && at - heardAt >= silenceMs
}

export function isPresent({ connected, heardAt }: FollowState): boolean {
  return connected && heardAt !== undefined
}

/** What is set on this machine wins; `auto` follows the coordinator while it is there, and syncs directly otherwise. */
export function effectiveMode(state: FollowState): Effective {
  if (state.configured !== 'auto') return state.configured
  return isPresent(state) ? state.networkMode : 'decentralised'
}
