import { Socket } from 'node:net'
import type { FolderId } from '@spansync/common/core/causal/types'
import { expect, it } from 'vitest'
import { Traffic } from './traffic.ts'

it('is settled when the last socket is closed, be it by an error', async () => {
  const traffic = new Traffic()
  const sockets = [new Socket(), new Socket()]
  for (const socket of sockets) traffic.track(socket.on('error', () => undefined))
  const settled = traffic.settled(new AbortController().signal)
  sockets[0]?.destroy(new Error('reset by peer'))
  sockets[1]?.destroy()
  await settled
  expect(sockets.every((socket) => socket.closed)).toBe(true)
})

it('destroys what is still open when its time is over', async () => {
  const traffic = new Traffic()
  const socket = new Socket()
  traffic.track(socket)
  const over = new AbortController()
  const settled = traffic.settled(over.signal)
  over.abort()
  await settled
  expect(socket.destroyed).toBe(true)
})

it('counts by address and folder, also what has been closed', async () => {
  const traffic = new Traffic()
  const [one, two] = [new Socket(), new Socket()]
  traffic.track(one, { address: 'lan:1' })
  traffic.track(one, { folder: 'docs' as FolderId })
  traffic.track(two)
  expect(traffic.byAddress).toEqual(
    new Map([
      ['lan:1', 0],
      ['', 0],
    ]),
  )
  one.destroy()
  await new Promise((resolve) => one.once('close', resolve))
  expect(traffic.byAddress).toEqual(
    new Map([
      ['lan:1', 0],
      ['', 0],
    ]),
  )
  expect([...traffic.byFolder.keys()]).toEqual(['docs'])
})
