import { hash, randomBytes } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Entry, FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import type { Message, StreamHeader } from '@spansync/common/protocol/messages'
import { systemClock } from '@spansync/common/runtime/clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { fetchItem, file } from '@spansync/common/testing/entries'
import { patience } from '@spansync/common/testing/patience'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { joinEnds, type LinkEnd } from '../testing/join-ends.ts'
import { Ahead, leastBytes } from './ahead.ts'

const folder = 'f' as FolderId

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'spansync-ahead-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

/** One node of a line. */
class Node implements LinkEnd, AsyncDisposable {
  readonly id: NodeId
  readonly root: string
  readonly ahead: Ahead
  readonly links = new Map<NodeId, Link>()
  wants = true
  offers = 0

  constructor(name: string) {
    this.id = name as NodeId
    this.root = join(base, name)
    mkdirSync(this.root)
    this.ahead = new Ahead({
      ...{ folder, root: this.root, clock: systemClock, log: silentLogger },
      links: () => this.links.values(),
      lacks: () => true,
      wants: () => {
        this.offers++
        return this.wants
      },
    })
  }

  receive(link: Link, message: Message): void {
    if (message.type === 'ahead') this.ahead.onOffered(link, message.entry)
    if (message.type === 'ahead_wanted') this.ahead.onWanted(link, message.hash)
    if (message.type === 'ahead_gone') this.ahead.onGone(message.hash)
  }

  onStream(_link: Link, { id }: StreamHeader, stream: Duplex): void {
    this.ahead.onStream(id, stream)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ahead[Symbol.asyncDispose]()
  }
}

const content = randomBytes(leastBytes + 70_000)

function entryOf(bytes: Buffer): Entry {
  return file('big', hash('sha256', bytes), { 'a.1': 1 }, { size: bytes.length })
}

/** As Unison writes it at `node`. */
const temporary = (node: Node): string => join(node.root, `.unison.big.${'0'.repeat(32)}.unison.tmp`)

describe.each([
  ['the receiver dialled', true],
  ['the sender dialled', false],
])('a large file, %s', (_, receiverDialled) => {
  it('reaches the next node while it is still arriving here, and the one after that', async () => {
    await using b = new Node('b')
    await using c = new Node('c')
    await using d = new Node('d')
    joinEnds(receiverDialled ? c : b, receiverDialled ? b : c)
    joinEnds(receiverDialled ? d : c, receiverDialled ? c : d)
    const entry = entryOf(content)
    writeFileSync(temporary(b), content.subarray(0, 1_000_000))
    const end = b.ahead.bringing('a' as NodeId, [fetchItem(entry)])
    const staged = join(d.root, '.spansync/ahead', entry.hash)
    await vi.waitUntil(() => existsSync(staged) && readFileSync(staged).length === 1_000_000, patience)
    appendFileSync(temporary(b), content.subarray(1_000_000))
    renameSync(temporary(b), join(b.root, 'big'))
    end(new Set([entry.hash]))
    for (const node of [c, d]) {
      const ready = await node.ahead.ready(entry.hash)
      expect(ready && readFileSync(ready).equals(content)).toBe(true)
    }
    await d.ahead.drop(entry.hash)
    expect(existsSync(staged)).toBe(false)
    expect(await d.ahead.ready(entry.hash)).toBeUndefined()
  })

  it('that turns out to be another one leaves nothing behind', async () => {
    await using b = new Node('b')
    await using c = new Node('c')
    joinEnds(receiverDialled ? c : b, receiverDialled ? b : c)
    const entry = entryOf(content)
    writeFileSync(temporary(b), Buffer.alloc(content.length, 7))
    b.ahead.bringing('a' as NodeId, [fetchItem(entry)])
    await vi.waitUntil(() => c.offers > 0 && !c.ahead.has(entry.hash), patience)
    expect(await c.ahead.ready(entry.hash)).toBeUndefined()
    expect(existsSync(join(c.root, '.spansync/ahead', entry.hash))).toBe(false)
  })

  it('that does not arrive after all is given up', async () => {
    await using b = new Node('b')
    await using c = new Node('c')
    joinEnds(receiverDialled ? c : b, receiverDialled ? b : c)
    const entry = entryOf(content)
    writeFileSync(temporary(b), content.subarray(0, 100_000))
    const end = b.ahead.bringing('a' as NodeId, [fetchItem(entry)])
    await vi.waitUntil(() => existsSync(join(c.root, '.spansync/ahead', entry.hash)), patience)
    end(new Set())
    expect(await c.ahead.ready(entry.hash)).toBeUndefined()
  })
})

it('nobody is told of small files, nor the peer that sends', async () => {
  await using b = new Node('b')
  await using c = new Node('c')
  joinEnds(c, b)
  b.ahead.bringing(c.id, [fetchItem(entryOf(content))])
  b.ahead.bringing('a' as NodeId, [fetchItem(entryOf(Buffer.from('small')))])
  await new Promise((resolve) => setImmediate(resolve))
  expect(c.ahead.has(entryOf(content).hash)).toBe(false)
})

it('what is not wanted is not asked for', async () => {
  await using b = new Node('b')
  await using c = new Node('c')
  joinEnds(c, b)
  c.wants = false
  b.ahead.bringing('a' as NodeId, [fetchItem(entryOf(content))])
  await new Promise((resolve) => setImmediate(resolve))
  expect(c.ahead.has(entryOf(content).hash)).toBe(false)
})

it('what an earlier life left is removed', async () => {
  await using b = new Node('b')
  mkdirSync(join(b.root, '.spansync/ahead'), { recursive: true })
  writeFileSync(join(b.root, '.spansync/ahead/x'), 'x')
  await b.ahead.start()
  expect(existsSync(join(b.root, '.spansync/ahead'))).toBe(false)
})
