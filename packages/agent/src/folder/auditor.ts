import type { DamagedItem } from '@spansync/common/core/agent/events'
import { matches } from '@spansync/common/core/causal/content'
import type { RelativePath, Row, VersionVector } from '@spansync/common/core/causal/types'
import type { FolderIndex } from '@spansync/common/ports'
import { isSilentlyChanged } from './damage.ts'
import type { Observer } from './observer.ts'

export interface AuditOutcome {
  readonly files: number
  readonly bytes: number
  readonly damaged: readonly DamagedPath[]
}

export interface DamagedPath {
  readonly path: RelativePath
  /** `healing`: it is fetched from a peer; `waiting`: as soon as a peer that has it is back; `unhealable`: nobody is known to have it. */
  readonly state: 'found' | 'healing' | 'waiting' | 'unhealable'
}

export interface AuditorOptions {
  readonly index: FolderIndex
  readonly observer: Observer
  /** Who knows this version: a peer that can be reached, one that is away, or nobody. */
  readonly held: (vector: VersionVector) => 'near' | 'away' | 'nowhere'
  /** In the usual way: to be looked at as at a hint. */
  readonly changed: (paths: readonly RelativePath[]) => void
  readonly found: (items: readonly DamagedItem[]) => void
}

const pageRows = 500
/** A second or two of reading at most: the folder opens no later than that. */
const recentRows = 2000
const recentBytes = 256 << 20

/** Reads every file anew and compares it with what the index says of it. What has changed in the usual way is told as from a watcher. */
export class Auditor {
  readonly #options: AuditorOptions

  constructor(options: AuditorOptions) {
    this.#options = options
  }

  async audit({ heal, signal }: { heal: boolean; signal: AbortSignal }): Promise<AuditOutcome> {
    const { index } = this.#options
    const damaged: DamagedPath[] = []
    let [files, bytes] = [0, 0]
    for (let since = 0, complete = false; !complete; ) {
      signal.throwIfAborted()
      const page = index.since(since, undefined, pageRows)
      since = page.toSeq
      complete = page.complete
      const rows = page.rows.filter(isReadable)
      files += rows.length
      bytes += rows.reduce((sum, { size }) => sum + size, 0)
      damaged.push(...(await this.#check(rows, { heal, tell: true })))
    }
    return { files, bytes, damaged }
  }

  /** What was written last before a crash may have kept its name, size and time, and have lost its bytes. Of what else has changed the
   *  scan will tell: some of it may have been brought by a session that the crash cut off. */
  async auditRecent(): Promise<readonly DamagedPath[]> {
    const { index } = this.#options
    const rows = index.since(Math.max(0, index.meta().seq - recentRows), undefined, recentRows).rows.filter(isReadable)
    let bytes = 0
    const recent = rows.reverse().filter(({ size }) => {
      bytes += size
      return bytes <= recentBytes
    })
    return await this.#check(recent, { heal: true, tell: false })
  }

  async #check(rows: readonly Row[], { heal, tell }: { heal: boolean; tell: boolean }): Promise<DamagedPath[]> {
    const { observer, changed, found, held } = this.#options
    if (rows.length === 0) return []
    const seen = await observer.look(
      rows.map(({ path }) => path),
      'read',
    )
    const others = seen.filter(({ local, disk }) => !matches(local, disk))
    const visible = others.filter((one) => !isSilentlyChanged(one)).map(({ path }) => path)
    if (tell && visible.length > 0) changed(visible)
    const damaged = seen.filter(isSilentlyChanged).map((one) => ({ one, by: held(one.local?.vector ?? {}) }))
    if (heal && damaged.length > 0) {
      found(damaged.map(({ one, by }) => ({ ...one, isHeldElsewhere: by !== 'nowhere', otherwise: 'leave' as const })))
    }
    return damaged.map(({ one: { path }, by }) => ({ path, state: heal ? states[by] : 'found' }))
  }
}

const states = { near: 'healing', away: 'waiting', nowhere: 'unhealable' } as const

function isReadable(row: Row): boolean {
  return !row.deleted && row.kind !== 'dir'
}
