import { begin, type Draft, editFolder } from './draft.ts'
import type { CoordinatorEffect, CoordinatorEvent, EventOf } from './events.ts'
import { onNodeRemoved, onState } from './intake.ts'
import { onOrderAnswered, reviewDue } from './orders.ts'
import { replan, staleAll } from './plans.ts'
import type { CoordinatorState } from './state.ts'

/** All decisions of the coordinator. Pure; effects are to be performed in their order. */
export function step(
  state: CoordinatorState,
  event: CoordinatorEvent,
): { state: CoordinatorState; effects: readonly CoordinatorEffect[] } {
  const draft = begin(state, event.at)
  handle(draft, event)
  replan(draft)
  return { state: draft.state, effects: draft.effects }
}

type Handlers = { readonly [K in CoordinatorEvent['kind']]: (draft: Draft, event: EventOf<K>) => void }

const handlers: Handlers = {
  state_received: onState,
  order_answered: onOrderAnswered,
  settings_changed: onSettings,
  node_removed: onNodeRemoved,
  ticked: reviewDue,
}

function handle(draft: Draft, event: CoordinatorEvent): void {
  const handler = handlers[event.kind] as (draft: Draft, event: CoordinatorEvent) => void
  handler(draft, event)
}

/** Agents follow or leave their orders when they hear the mode, and say so; orders already given run out. */
function onSettings(draft: Draft, { settings }: EventOf<'settings_changed'>): void {
  const before = draft.state.settings
  draft.state = { ...draft.state, settings }
  draft.effects.push({ kind: 'announce' })
  const samePlan = before.objective === settings.objective && sameNodes(before.leafOnly, settings.leafOnly)
  if (samePlan) return
  staleAll(draft)
  // What the person wants now is not to be weighed against what the person wanted before.
  for (const folder of draft.stale) editFolder(draft, folder, { plan: undefined })
}

function sameNodes(left: ReadonlySet<unknown>, right: ReadonlySet<unknown>): boolean {
  return left.size === right.size && [...left].every((node) => right.has(node))
}
