import type { FolderId, NodeId } from '../causal/types.ts'
import type { StateFacts } from './facts.ts'
import type { Settings } from './state.ts'

/** What happened. `at`: ms. */
export type CoordinatorEvent = { readonly at: number } & (
  | { readonly kind: 'state_received'; readonly state: StateFacts }
  | {
      readonly kind: 'order_answered'
      readonly node: NodeId
      readonly folder: FolderId
      readonly peer: NodeId
      readonly id: string
      /** Why it was not taken; undefined: it was. */
      readonly refusal: string | undefined
    }
  | { readonly kind: 'settings_changed'; readonly settings: Settings }
  | { readonly kind: 'node_removed'; readonly node: NodeId }
  | { readonly kind: 'ticked' }
)

export type EventOf<K extends CoordinatorEvent['kind']> = Extract<CoordinatorEvent, { kind: K }>

export type CoordinatorEffect =
  /** Answers the state that the event was about. */
  | { readonly kind: 'answer_state'; readonly node: NodeId; readonly full: boolean }
  | {
      readonly kind: 'send_order'
      readonly to: NodeId
      readonly peer: NodeId
      readonly folder: FolderId
      readonly id: string
      readonly expiresInMs: number
    }
  /** Everybody is told the settings that concern them now. */
  | { readonly kind: 'announce' }
  /** Along which of its links the node passes the folder on. */
  | {
      readonly kind: 'tell_neighbours'
      readonly to: NodeId
      readonly folder: FolderId
      readonly neighbours: readonly NodeId[]
    }
  | { readonly kind: 'plan_changed'; readonly folder: FolderId }
  | { readonly kind: 'link_changed'; readonly ends: readonly [NodeId, NodeId]; readonly up: boolean }
  | { readonly kind: 'order_failed'; readonly folder: FolderId; readonly id: string; readonly reason: string }
  | { readonly kind: 'wake'; readonly at: number }
