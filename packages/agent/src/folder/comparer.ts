import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { plain } from '@spansync/common/core/causal/change'
import { sameEntry } from '@spansync/common/core/causal/content'
import { ContentTree, differing, leafDigits, leafOf } from '@spansync/common/core/causal/content-tree'
import type { Entry, FolderId, NodeId, RelativePath } from '@spansync/common/core/causal/types'
import { compare } from '@spansync/common/core/causal/version-vector'
import type { Clock, FolderIndex, Link } from '@spansync/common/ports'
import { limits, type MessageOf } from '@spansync/common/protocol/messages'

export interface ComparerOptions {
  readonly folder: FolderId
  readonly index: FolderIndex
  readonly clock: Clock
  /** By the peer's own word it holds the same versions, and nothing is under way. */
  readonly isEqualTo: (peer: NodeId) => boolean
  /** The peer has other contents at equal versions. */
  readonly disputed: (peer: NodeId, entries: readonly Entry[]) => void
}

export interface Comparison {
  readonly state: 'equal' | 'differs' | 'busy'
  readonly paths: readonly RelativePath[]
}

const answerMs = 60_000
const pageRows = 1000

/** Compares what two replicas say that they hold, by hash tree: equal versions with different contents can only be damage, and neither
 *  knowledge nor digest shows it. */
export class Comparer {
  readonly #options: ComparerOptions
  readonly #waiting = new Map<string, (answer: MessageOf<'compared'>) => void>()
  #tree: { readonly seq: number; readonly made: Promise<ContentTree> } | undefined

  constructor(options: ComparerOptions) {
    this.#options = options
  }

  async compare(link: Link, options: { heal: boolean; signal: AbortSignal }): Promise<Comparison> {
    const paths: RelativePath[] = []
    for (const open = ['']; open.length > 0; ) {
      const prefix = open.pop() as string
      const isLeaf = prefix.length === leafDigits
      const own = isLeaf ? await this.#entriesIn(prefix) : []
      const answer = await this.#ask(link, { prefix, entries: options.heal ? own : [] }, options.signal)
      if (!answer?.settled || !this.#options.isEqualTo(link.peer)) return { state: 'busy', paths }
      if (isLeaf) paths.push(...this.#dispute(link.peer, own, answer.entries, options.heal))
      else open.push(...differing(prefix, (await this.#treeNow()).sums(prefix), answer.sums))
    }
    return { state: paths.length === 0 ? 'equal' : 'differs', paths: paths.sort() }
  }

  async onCompare(link: Link, { folder, id, prefix, entries }: MessageOf<'compare'>): Promise<void> {
    const settled = this.#options.isEqualTo(link.peer)
    const isLeaf = prefix.length === leafDigits
    const own = settled && isLeaf ? await this.#entriesIn(prefix) : []
    const sums = settled && !isLeaf ? (await this.#treeNow()).sums(prefix) : []
    link.send({ type: 'compared', folder, id, settled, sums, entries: own })
    if (isLeaf) this.#dispute(link.peer, own, entries, true)
  }

  onCompared(answer: MessageOf<'compared'>): void {
    this.#waiting.get(answer.id)?.(answer)
  }

  /** Undefined when no answer came. */
  async #ask(
    link: Link,
    asked: { prefix: string; entries: Entry[] },
    signal: AbortSignal,
  ): Promise<MessageOf<'compared'> | undefined> {
    const id = randomBytes(6).toString('hex')
    const { promise, resolve } = Promise.withResolvers<MessageOf<'compared'> | undefined>()
    const enough = new AbortController()
    const late = this.#options.clock.sleep(answerMs, AbortSignal.any([signal, enough.signal]))
    late.then(
      () => resolve(undefined),
      () => resolve(undefined),
    )
    this.#waiting.set(id, resolve)
    try {
      link.send({ type: 'compare', folder: this.#options.folder, id, ...asked })
      return await promise
    } finally {
      this.#waiting.delete(id)
      enough.abort()
    }
  }

  /** Paths with equal versions and different contents. */
  #dispute(peer: NodeId, own: readonly Entry[], theirs: readonly Entry[], heal: boolean): RelativePath[] {
    const byPath = new Map(own.map((entry) => [entry.path, entry]))
    const different = theirs.filter((entry) => {
      const mine = byPath.get(entry.path)
      return mine !== undefined && compare(mine.vector, entry.vector) === 'equal' && !sameEntry(mine, entry)
    })
    if (heal && different.length > 0) this.#options.disputed(peer, different)
    return different.map(({ path }) => path)
  }

  async #treeNow(): Promise<ContentTree> {
    const { seq } = this.#options.index.meta()
    if (this.#tree?.seq !== seq) this.#tree = { seq, made: this.#makeTree() }
    return await this.#tree.made
  }

  async #makeTree(): Promise<ContentTree> {
    const tree = new ContentTree()
    for await (const entry of this.#entries()) tree.add(entry)
    return tree
  }

  async #entriesIn(leaf: string): Promise<Entry[]> {
    const found: Entry[] = []
    for await (const entry of this.#entries())
      if (!entry.deleted && leafOf(entry.path) === leaf) found.push(plain(entry))
    return found.slice(0, limits.entriesPerMessage)
  }

  /** Page by page, for reading all holds up the loop. */
  async *#entries(): AsyncGenerator<Entry> {
    for (let since = 0, complete = false; !complete; await setImmediate()) {
      const page = this.#options.index.since(since, undefined, pageRows)
      since = page.toSeq
      complete = page.complete
      yield* page.rows
    }
  }
}
