import { PassThrough } from 'node:stream'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import { expect, it } from 'vitest'
import { CuttableStreams } from './cuttable-link.ts'

const linkTo = (peer: string): Link =>
  ({ peer: peer as NodeId, name: peer, dialed: true, openStream: async () => new PassThrough() }) as unknown as Link

it('cuts the streams with one peer, opened by either side, and no others', async () => {
  const streams = new CuttableStreams()
  const header = { folder: 'docs', purpose: 'ahead', id: '1' } as Parameters<Link['openStream']>[0]
  const ours = await streams.over(linkTo('a')).openStream(header)
  const theirs = streams.track('a' as NodeId, new PassThrough())
  const other = await streams.over(linkTo('b')).openStream(header)
  const reasons: string[] = []
  for (const stream of [ours, theirs, other]) stream.on('error', ({ message }) => reasons.push(message))
  streams.cut('a' as NodeId, 'the door is shut')
  expect([ours, theirs, other].map(({ destroyed }) => destroyed)).toEqual([true, true, false])
  await new Promise((resolve) => theirs.once('close', resolve))
  expect(reasons).toEqual(['the door is shut', 'the door is shut'])
  streams.cut('a' as NodeId, 'again')
  expect(other.destroyed).toBe(false)
})
