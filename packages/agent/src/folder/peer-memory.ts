import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Digest, NodeId, VersionVector } from '@spansync/common/core/causal/types'
import { covers } from '@spansync/common/core/causal/version-vector'
import type { Clock } from '@spansync/common/ports'
import { digest, nodeId, vector } from '@spansync/common/protocol/values'
import type { Logger } from '@spansync/common/runtime/logger'
import { z } from 'zod'

/** What a replica has said that it holds. */
export interface Said {
  readonly knowledge: VersionVector
  readonly digest: Digest
}

const fileSchema = z.record(nodeId as unknown as z.ZodString, z.object({ knowledge: vector, digest }))

// News is written down this often at most: a power cut makes a peer seem a little further behind than it is.
const saveEveryMs = 60_000

/** What each peer said last of a folder, for `status` while it is away. Kept in a small file; nothing is decided by it, so one that
 *  cannot be read or written is done without. */
export class PeerMemory {
  readonly #file: string
  readonly #clock: Clock
  readonly #log: Pick<Logger, 'debug'>
  readonly #said: Map<NodeId, Said>
  #savedAt = Number.NEGATIVE_INFINITY
  #isChanged = false

  constructor(file: string, clock: Clock, log: Pick<Logger, 'debug'>) {
    this.#file = file
    this.#clock = clock
    this.#log = log
    this.#said = this.#load()
  }

  /** `formerIds`: it may have said it before it got a new key. */
  get(peer: NodeId, formerIds: readonly NodeId[] = []): Said | undefined {
    for (const id of [peer, ...formerIds]) {
      const said = this.#said.get(id)
      if (said !== undefined) return said
    }
    return undefined
  }

  /** Some peer has said that it knows this version. */
  isHeld(version: VersionVector): boolean {
    return [...this.#said.values()].some(({ knowledge }) => covers(knowledge, version))
  }

  note(peer: NodeId, { knowledge, digest }: Said): void {
    const before = this.#said.get(peer)
    if (before?.digest === digest && covers(before.knowledge, knowledge)) return
    this.#said.set(peer, { knowledge, digest })
    this.#isChanged = true
    if (before === undefined || this.#clock.now() - this.#savedAt >= saveEveryMs) this.save()
  }

  save(): void {
    if (!this.#isChanged) return
    this.#isChanged = false
    this.#savedAt = this.#clock.now()
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
      writeFileSync(`${this.#file}.new`, JSON.stringify(Object.fromEntries(this.#said)), { mode: 0o600 })
      renameSync(`${this.#file}.new`, this.#file)
    } catch (error) {
      this.#log.debug({ event: 'peers.not_saved', err: error })
    }
  }

  #load(): Map<NodeId, Said> {
    try {
      const kept = fileSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')))
      return new Map(Object.entries(kept) as [NodeId, Said][])
    } catch (error) {
      this.#log.debug({ event: 'peers.not_loaded', err: error })
      return new Map()
    }
  }
}
