import { CutOffSessions, type SessionPlan, sessionPlan } from '../core/agent/brought.ts'
import type { Brought, FetchItem } from '../core/agent/events.ts'
import type { NodeId, RelativePath } from '../core/causal/types.ts'

/** What sessions are about to put on the disk, written down before they begin: after a crash in their midst the first scan would
 *  else take what they brought for the node's own. It outlives a crash. */
export class SimJournal {
  readonly #running = new Map<string, SessionPlan>()
  readonly #cutOff = new CutOffSessions()

  begin(id: string, peer: NodeId, items: readonly FetchItem[]): void {
    const isNew = ({ entry, local }: FetchItem): boolean => entry.kind === 'dir' && (!local || local.deleted)
    const directories = items.filter(isNew).map(({ entry }) => entry.path)
    this.#running.set(id, sessionPlan(peer, items, directories))
  }

  end(id: string): void {
    this.#running.delete(id)
  }

  crash(): void {
    for (const plan of this.#running.values()) this.#cutOff.add(plan)
    this.#running.clear()
  }

  /** What may have been brought by then, given all that lies on the disk. To be looked at before any peer is heard. */
  recover(disk: readonly RelativePath[]): Map<RelativePath, Brought | undefined> {
    const along = disk.filter((path) => this.#cutOff.brought(path))
    const paths = new Set([...this.#cutOff.paths, ...along])
    const found = new Map([...paths].map((path) => [path, this.#cutOff.brought(path)]))
    this.#cutOff.clear()
    return found
  }
}
