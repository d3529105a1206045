import type { NodeId } from '@spansync/common/core/causal/types'
import type { SpansyncError } from '@spansync/common/runtime/errors'
import { expect, it } from 'vitest'
import type { ControlLink } from './control-link.ts'
import { PeerLink } from './peer-link.ts'

/** A connection that stays open when the link has left it, as a peer that keeps streams under way there makes it. */
function lasting(dialed: boolean): ControlLink {
  const nothing = (): void => undefined
  const stub: Partial<ControlLink> = {
    ...{ peer: 'b'.repeat(64) as NodeId, name: 'b', dialed, badMessages: 0, openStreams: 1 },
    ...{ sayMoved: nothing, sayTake: nothing, hurry: nothing, later: nothing, retire: nothing, close: nothing },
  }
  return stub as ControlLink
}

function linkOn(dialed: boolean) {
  const reasons: SpansyncError[] = []
  const hooks = { onMessage: () => undefined, onLeft: () => undefined }
  const link = new PeerLink(lasting(dialed), { ...hooks, onDown: (_link, reason) => reasons.push(reason) })
  const move = (): void => {
    const before = link.carrier
    link.moveTo(lasting(dialed), { cuts: false })
    link.peerMoved(before)
  }
  return { link, move, reasons }
}

it('is dropped by the side that was dialled when the peer leaves ever more connections open', () => {
  const { move, reasons } = linkOn(false)
  for (let moves = 0; moves < 4; moves++) move()
  expect(reasons).toEqual([])
  move()
  expect(reasons).toMatchObject([{ code: 'dropped' }])
})

it('is not moved on by the side that dialled before the peer could mind', () => {
  const { link, move } = linkOn(true)
  for (let moves = 0; moves < 3; moves++) {
    expect(link.mayMove).toBe(true)
    move()
  }
  expect(link.mayMove).toBe(false)
})
