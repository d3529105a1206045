import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { expect, it } from 'vitest'
import { type Dispatch, Outbox } from './outbox.ts'

function order(id: string, to = id): Dispatch {
  return { id, to: to as NodeId, peer: 'peer' as NodeId, folder: 'f' as FolderId, expiresInMs: 1 }
}

/** What was sent, and a way to answer the oldest of it. */
function outbox(limit: number) {
  const sent: string[] = []
  const answers: (() => void)[] = []
  const send = ({ id }: Dispatch): Promise<void> => {
    sent.push(id)
    return new Promise((resolve) => answers.push(resolve))
  }
  const answer = async (): Promise<void> => {
    answers.shift()?.()
    await new Promise(setImmediate)
  }
  return { box: new Outbox({ limit, send }), sent, answer }
}

it('sends at once what it may, and the rest in order as answers come', async () => {
  const { box, sent, answer } = outbox(2)
  for (const id of ['1', '2', '3', '4']) box.add(order(id))
  expect(sent).toEqual(['1', '2'])
  await answer()
  expect(sent).toEqual(['1', '2', '3'])
  await answer()
  expect(sent).toEqual(['1', '2', '3', '4'])
})

it('sends only the newest of those that wait for the same end of an edge', async () => {
  const { box, sent, answer } = outbox(1)
  box.add(order('1', 'a'))
  for (const id of ['2', '3', '4']) box.add(order(id, 'b'))
  await answer()
  await answer()
  expect(sent).toEqual(['1', '4'])
})

it('sends nothing any more when it is closed', async () => {
  const { box, sent, answer } = outbox(1)
  for (const id of ['1', '2']) box.add(order(id))
  box[Symbol.dispose]()
  await answer()
  expect(sent).toEqual(['1'])
})
