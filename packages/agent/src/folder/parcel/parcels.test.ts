import { hash } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { Duplex } from 'node:stream'
import type { FetchItem } from '@spansync/common/core/agent/events'
import type { Entry, FolderId, NodeId, RelativePath, ReplicaId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import type { Message, StreamHeader } from '@spansync/common/protocol/messages'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { fetchItem, file, tombstone } from '@spansync/common/testing/entries'
import { MemoryIndex } from '@spansync/common/testing/memory-index'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createDiskWorker, type DiskWorker } from '../../disk/disk-worker.ts'
import { makeTestFolder, type TestFolder } from '../../disk/testing/test-folder.ts'
import { joinEnds, type LinkEnd } from '../testing/join-ends.ts'
import { mostBytesPerFile } from './format.ts'
import { fewestFiles, inParcel, Parcels } from './parcels.ts'

const id = 'f' as FolderId
const mtimeUs = 1_700_000_000_123_456

let disk: DiskWorker
beforeAll(() => {
  disk = createDiskWorker()
})
afterAll(() => disk[Symbol.asyncDispose]())

class Node implements LinkEnd, AsyncDisposable {
  readonly id: NodeId
  readonly links = new Map<NodeId, Link>()
  readonly folder: TestFolder = makeTestFolder()
  readonly index = new MemoryIndex('r' as ReplicaId)
  readonly clock = new FakeClock()
  readonly parcels: Parcels
  readonly served: Promise<void>[] = []
  readonly put: RelativePath[] = []
  readonly released: RelativePath[] = []
  readonly passed: NodeId[] = []
  /** From everybody. */
  readonly heldBack = new Set<RelativePath>()

  constructor(name: string) {
    this.id = name as NodeId
    const { root } = this.folder
    this.parcels = new Parcels({
      ...{ folder: id, root, index: this.index, disk, clock: this.clock, log: silentLogger },
      put: (put) => this.put.push(...put.keys()),
      released: (paths) => this.released.push(...paths),
      passed: (peer) => this.passed.push(peer),
      isHeldBack: (_, path) => this.heldBack.has(path),
    })
  }

  receive(link: Link, message: Message): void {
    if (message.type === 'parcel_wanted') this.served.push(this.parcels.onWanted(link, message.id))
  }

  onStream(link: Link, header: StreamHeader, stream: Duplex): void {
    this.served.push(this.parcels.onStream(link, header.id, stream))
  }

  /** On the disk and in the index. */
  hold(path: RelativePath, content: string | Buffer, more: Partial<Entry> = {}): Entry {
    this.folder.write(path, content)
    const entry = file(path, hash('sha256', content), { r: 1 }, { size: Buffer.byteLength(content), mtimeUs, ...more })
    this.index.commit({ rows: [{ ...entry, stat: undefined }] })
    return entry
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parcels[Symbol.asyncDispose]()
    await Promise.all(this.served)
    this.folder[Symbol.dispose]()
  }
}

function link(from: Node, to: Node): Link {
  return from.links.get(to.id) as Link
}

const many = (count: number): [RelativePath, string][] =>
  Array.from({ length: count }, (_, at) => [`file ${at}\n*`, `content ${at}`.repeat(at % 7)])

describe.each([
  ['the receiver dialled', true],
  ['the sender dialled', false],
])('a parcel, %s', (_, receiverDialled) => {
  async function pair(): Promise<{ sender: Node; receiver: Node; stack: AsyncDisposableStack }> {
    const stack = new AsyncDisposableStack()
    const sender = stack.use(new Node('sender'))
    const receiver = stack.use(new Node('receiver'))
    if (receiverDialled) joinEnds(receiver, sender)
    else joinEnds(sender, receiver)
    return { sender, receiver, stack }
  }

  it('brings all, with content, mode and time, and leaves nothing else behind', async () => {
    const { sender, receiver, stack } = await pair()
    await using _stack = stack
    const entries = many(700).map(([path, content]) => sender.hold(path, content, { mode: 0o640 }))
    const brought = await receiver.parcels.bring(link(receiver, sender), entries.map(fetchItem))
    expect(brought.size).toBe(700)
    expect([receiver.put.length, new Set(receiver.released).size]).toEqual([700, 700])
    expect(entries.some(({ path }) => receiver.parcels.isComing(path))).toBe(false)
    await Promise.all(sender.served)
    expect([receiver.passed, sender.passed]).toEqual([['sender'], ['receiver']])
    expect(receiver.folder.names()).toEqual(sender.folder.names())
    for (const [path, content] of many(700)) expect(readFileSync(receiver.folder.at(path), 'utf8')).toBe(content)
    const [path] = many(1)[0] as [RelativePath, string]
    const stats = statSync(receiver.folder.at(path))
    expect([stats.mode & 0o777, Math.round(stats.mtimeMs * 1000)]).toEqual([0o640, mtimeUs])
    expect(brought.get(path)).toMatchObject({ kind: 'file', mode: 0o640, stat: receiver.folder.signature(path) })
    expect(readdirSync(receiver.folder.at('.spansync/ahead'))).toEqual([])
  })

  it('leaves out what the sender has not got, or not any more, and what is wrong', async () => {
    const { sender, receiver, stack } = await pair()
    await using _stack = stack
    const here = sender.hold('here', 'here')
    const never = file('never', hash('sha256', 'never'), { r: 1 }, { size: 5 })
    const gone = sender.hold('gone', 'gone')
    const grown = sender.hold('grown', 'grown')
    const edited = sender.hold('edited', 'edited')
    const link_ = sender.hold('link', 'link')
    const other = { ...sender.hold('other', 'other'), hash: hash('sha256', 'another') }
    const deleted = sender.hold('deleted', 'deleted')
    sender.index.commit({ rows: [{ ...tombstone('deleted', { r: 2 }), stat: undefined }] })
    for (const path of ['gone', 'link']) rmSync(sender.folder.at(path))
    symlinkSync('here', sender.folder.at('link'))
    writeFileSync(sender.folder.at('grown'), 'grown since')
    writeFileSync(sender.folder.at('edited'), 'EDITED')
    const held = sender.hold('held back', 'held back')
    sender.heldBack.add('held back')
    const items = [never, gone, grown, edited, link_, other, deleted, held, here].map(fetchItem)
    const brought = await receiver.parcels.bring(link(receiver, sender), items)
    expect([...brought.keys()]).toEqual(['here'])
    expect(receiver.folder.names()).toEqual(['here'])
  })

  it('puts nothing in the place of something else', async () => {
    const { sender, receiver, stack } = await pair()
    await using _stack = stack
    const items = [sender.hold('a', 'a'), sender.hold('b', 'b')].map(fetchItem)
    receiver.folder.write('a', 'written meanwhile')
    const brought = await receiver.parcels.bring(link(receiver, sender), items)
    expect([...brought.keys()]).toEqual(['b'])
    expect(readFileSync(receiver.folder.at('a'), 'utf8')).toBe('written meanwhile')
  })
})

describe('what a peer may do to it', () => {
  /** Answers whatever is asked with these bytes. */
  async function from(answer: (order: string) => Buffer): Promise<Map<RelativePath, unknown>> {
    await using receiver = new Node('receiver')
    const stranger = new Duplex({
      read() {},
      write(bytes: Buffer, _encoding, done) {
        this.push(answer(bytes.subarray(4).toString()))
        this.push(null)
        done()
      },
    })
    const liar = { peer: 'liar', name: 'liar', dialed: true, openStream: async () => stranger } as unknown as Link
    const items = [fetchItem(file('p', hash('sha256', 'right'), { r: 1 }, { size: 5 }))]
    const brought = await receiver.parcels.bring(liar, items)
    expect(receiver.folder.names()).toEqual([...brought.keys()])
    return brought
  }

  const framed = (size: number, content: string): Buffer => {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(size)
    return Buffer.concat([head, Buffer.from(content)])
  }

  it.each<[string, Buffer, number]>([
    ['the right bytes', framed(5, 'right'), 1],
    ['wrong bytes', framed(5, 'wrong'), 0],
    ['too many', framed(6, 'rights'), 0],
    ['a huge length', framed(0xffff_fff0, 'right'), 0],
    ['too few', framed(5, 'rig'), 0],
    ['nothing', Buffer.alloc(0), 0],
    ['absent', framed(0xffff_ffff, ''), 0],
  ])('%s: %j', async (_, answer, count) => {
    expect((await from(() => answer)).size).toBe(count)
  })

  it.each([
    ['no JSON', 'x'],
    ['a path that leads out of the folder', `[["../x","${'0'.repeat(64)}",1]]`],
    ['something else', '{"a":1}'],
  ])('an order that is %s is not answered', async (_, order) => {
    await using sender = new Node('sender')
    sender.hold('secret', 'secret')
    const written: Buffer[] = []
    const stranger = new Duplex({
      read() {},
      write(bytes: Buffer, _encoding, done) {
        written.push(bytes)
        done()
      },
    })
    stranger.push(framed(order.length, order))
    await sender.parcels.onStream({ peer: 'stranger' } as unknown as Link, 'any', stranger)
    expect([stranger.destroyed, written]).toEqual([true, []])
  })

  it('silence: it is given up', async () => {
    await using receiver = new Node('receiver')
    const silent = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() })
    const openStream = vi.fn(async () => silent)
    const mute = { peer: 'mute', name: 'mute', dialed: true, openStream } as unknown as Link
    const bringing = receiver.parcels.bring(mute, [fetchItem(file('p', hash('sha256', 'p'), { r: 1 }, { size: 1 }))])
    await vi.waitUntil(() => openStream.mock.calls.length > 0)
    await receiver.clock.advance(3_600_000)
    expect((await bringing).size).toBe(0)
    expect(silent.destroyed).toBe(true)
  })
})

describe('what comes in a parcel', () => {
  const small = (path: string, more: Partial<Entry> = {}): FetchItem =>
    fetchItem(file(path, hash('sha256', path), { a: 1 }, { size: 10, ...more }))
  const some = Array.from({ length: fewestFiles }, (_, at) => small(`p${at}`))

  it('is many small new files', () => {
    const local = { ...file('old', 'h', { a: 1 }), seq: 1, stat: undefined }
    const others = [
      small('large', { size: mostBytesPerFile + 1 }),
      small('link', { kind: 'symlink' }),
      { ...small('old'), local },
      { ...small('cleared'), clear: true },
    ]
    expect(inParcel([...others, ...some])).toEqual(some)
    expect(inParcel(some.slice(1))).toEqual([])
  })
})

it('modes that forbid reading do not stop a parcel from being put in place', async () => {
  await using sender = new Node('sender')
  await using receiver = new Node('receiver')
  joinEnds(receiver, sender)
  const entry = sender.hold('p', 'p', { mode: 0o200 })
  chmodSync(sender.folder.at('p'), 0o600)
  const brought = await receiver.parcels.bring(link(receiver, sender), [fetchItem(entry)])
  expect([brought.size, existsSync(receiver.folder.at('p'))]).toEqual([1, true])
  expect(statSync(receiver.folder.at('p')).mode & 0o777).toBe(0o200)
})
