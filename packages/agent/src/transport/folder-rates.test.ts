import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { FolderId } from '@spansync/common/core/causal/types'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { beforeEach, describe, expect, it } from 'vitest'
import { FolderLimits, within } from './folder-limits.ts'
import { type LoopbackNode, linked } from './testing/loopback.ts'
import { useLoopback } from './testing/use-loopback.ts'
import { TokenBucket } from './token-bucket.ts'
import type { Rates } from './types.ts'

const slow = 'slow' as FolderId
const quick = 'quick' as FolderId
const megabyte = 1_000_000
const never = new AbortController().signal

describe('the streams of a folder with a rate of its own', () => {
  const { start } = useLoopback(2)
  let a: LoopbackNode
  let b: LoopbackNode
  beforeEach(async () => {
    a = await start(0, { foldersFor: () => [slow, quick] })
    b = await start(1, { foldersFor: () => [slow, quick] })
    await linked(a, b)
  })

  const limit = (node: LoopbackNode, rates: Rates): void => {
    const peer = node === a ? b.asPeer({ dialable: true }) : a.asPeer()
    node.transport.setPeers([{ ...peer, folderRates: new Map([[slow, rates]]) }])
  }

  async function open(folder: FolderId): Promise<[Duplex, Duplex]> {
    const near = await a.link.openStream({ folder, purpose: 'one-shot', id: folder })
    const isOurs = ({ header }: LoopbackNode['streams'][number]): boolean => header.id === folder
    await b.until(({ streams }) => streams.some(isOurs))
    const far = b.streams.find(isOurs)?.stream
    if (far === undefined) throw new Error('no stream')
    return [near, far]
  }

  /** Seconds that it took. */
  async function pass([near, far]: readonly [Duplex, Duplex], bytes: number): Promise<number> {
    const data = randomBytes(bytes)
    const begun = performance.now()
    near.end(data)
    expect((await buffer(far)).equals(data)).toBe(true)
    return (performance.now() - begun) / 1000
  }

  it.each<[string, () => void]>([
    ['the sender', () => limit(a, { upBytesPerSecond: 2 * megabyte })],
    ['the receiver', () => limit(b, { downBytesPerSecond: 2 * megabyte })],
  ])('take as long as %s says, and those of another folder do not', async (_who, say) => {
    say()
    const [slowly, quickly] = [await open(slow), await open(quick)]
    const limited = pass(slowly, 6 * megabyte)
    const free = await pass(quickly, 4 * megabyte)
    const seconds = await limited
    // A burst of a quarter of a second is free.
    expect(seconds).toBeGreaterThan(2.55)
    expect(seconds).toBeLessThan(3.45)
    expect(free).toBeLessThan(1.5)
  })

  it('share the rate, and go by a new one while they run', async () => {
    limit(a, { upBytesPerSecond: 100_000 })
    const [near, far] = await open(slow)
    const begun = performance.now()
    const passing = pass([near, far], 4 * megabyte)
    await new Promise<void>((resolve) => {
      let seen = 0
      far.on('data', (data: Buffer) => {
        seen += data.length
        if (seen > 50_000) resolve()
      })
    })
    limit(a, {})
    await passing
    // At the first rate it would take 40 s.
    expect((performance.now() - begun) / 1000).toBeLessThan(5)
  })
})

it('a stream waits for its folder first, and takes nothing from the link meanwhile', async () => {
  const clock = new FakeClock()
  const folders = new FolderLimits(clock, new Map([[slow, { upBytesPerSecond: 100_000 }]]))
  const link = new TokenBucket(clock, 1_000_000)
  const both = within(folders.of(slow).up, link)
  expect(both.chunkBytes(1 << 20)).toBe(12_500)
  folders.of(slow).up.charge(125_000)
  let done = false
  const taking = both.take(200_000, never)?.then(() => {
    done = true
  })
  expect(link.take(250_000, never)).toBeUndefined()
  await clock.advance(900)
  expect(done).toBe(false)
  await clock.advance(300)
  expect(done).toBe(true)
  await taking
  expect(within(folders.of(quick).up, new TokenBucket(clock, undefined)).take(1e9, never)).toBeUndefined()
})
