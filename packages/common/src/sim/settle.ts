import { isConflictCopy } from '../core/causal/conflict-name.ts'
import { type Audit, verify, verifyEach } from './audit.ts'
import { noFaults } from './types.ts'
import type { SimWorld } from './world.ts'

export interface Settled {
  /** What went wrong, in words; empty when nothing did. */
  readonly violations: readonly string[]
  readonly conflictCopies: number
  /** Virtual time from the last disturbance until nobody had anything to say any more. */
  readonly settledMs: number
  readonly messages: number
}

/** Far more than any history needs: about a thousand is usual. */
const mostSteps = 30_000

/** Everything is up, everybody scans, and the world runs until it is quiet; then all must hold, and must stay so. Where policy goes on holding
 *  versions back (`isPartial`), that is all but that they are equal. */
export function settle(world: SimWorld, audit: Audit, { isPartial = false } = {}): Settled {
  world.faults = noFaults
  for (const [at, agent] of world.agents.entries()) {
    // One of them may still wait for orders: its peers, which get none, must not wait with it.
    if (at > 0) agent.follow('peers')
    for (const peer of world.agents) {
      agent.setDoor(peer.id, 'open')
      if (!isPartial) agent.setHoldsBack(peer.id, undefined)
    }
  }
  for (const agent of world.removed) world.readmit(agent)
  for (const link of world.links) world.setLink(link, true)
  const { now } = world.queue
  const { messages } = world
  const quiet = round(world)
  const settledMs = Math.max(0, world.busyAt - now)
  const sent = world.messages - messages
  const found = isPartial ? verifyEach(world, audit) : verify(world, audit)
  const violations = quiet ? [...found, ...circulating(world)] : ['not quiet']
  const copies = world.agents[0]?.disk.paths().filter(isConflictCopy).length ?? 0
  return { violations, conflictCopies: copies, settledMs, messages: sent }
}

/** One scan everywhere, and all that follows from it. False when it does not end. Whoever is asked about deletions approves them in the
 *  end: until then others try again and again to put a file where a directory with such deletions in it is. */
function round(world: SimWorld): boolean {
  for (const agent of world.agents) agent.rescan()
  for (let steps = 0; steps < mostSteps; steps++) {
    const isOver = !world.queue.advance()
    const asked = isOver || steps % 20 === 0 ? world.agents.filter(({ isWaiting }) => isWaiting) : []
    for (const agent of asked) agent.approve()
    if (isOver && asked.length === 0) return true
  }
  return false
}

/** Another scan of everything finds nothing new and gives nobody anything to say. */
function circulating(world: SimWorld): string[] {
  const { messages, record } = world
  const { commits } = record
  const transfers = world.record.transferred.size
  if (!round(world)) return ['not quiet after a scan that changes nothing']
  const found: string[] = []
  if (record.commits !== commits) found.push(`a second scan made ${record.commits - commits} commits`)
  if (world.messages !== messages) found.push(`a second scan made ${world.messages - messages} messages`)
  if (world.record.transferred.size !== transfers) found.push('a second scan moved data')
  return found
}
