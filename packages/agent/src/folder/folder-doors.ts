import type { Door, HoldsBack } from '@spansync/common/core/agent/state'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import type { Logger } from '@spansync/common/runtime/logger'

export interface FolderDoorsOptions {
  readonly log: Logger
  /** Which way policy lets content pass at the moment. */
  readonly door: (link: Link) => Door
  /** Which versions policy holds back. */
  readonly holdsBack: (link: Link) => HoldsBack | undefined
  /** Another folder goes first over the link: nothing new is begun, and what is under way comes to its end. */
  readonly mustWait: (link: Link) => boolean
  /** The door is another from now on. */
  readonly turned: (peer: NodeId, door: Door) => void
  /** Other versions are held back from now on. */
  readonly filtered: (peer: NodeId, holdsBack: HoldsBack | undefined) => void
  /** Policy lets nothing pass any more, or not what is under way. */
  readonly cut: (link: Link, reason: string) => void
  readonly changed: () => void
}

interface Doors {
  /** What policy allows by itself. */
  readonly allowed: Door
  /** Shut also while another folder goes first. */
  readonly door: Door
  readonly holdsBack: HoldsBack | undefined
}

/** The doors of one folder, one for each connected peer. */
export class FolderDoors {
  readonly #options: FolderDoorsOptions
  /** As they are in force. */
  readonly #doors = new Map<NodeId, Doors & { readonly link: Link }>()
  /** As policy said last. */
  readonly #allowed = new Map<NodeId, Door>()

  constructor(options: FolderDoorsOptions) {
    this.#options = options
  }

  add(link: Link): void {
    const allowed = this.#options.door(link)
    const door = this.#doorAt(link, allowed)
    this.#allowed.set(link.peer, allowed)
    this.#doors.set(link.peer, { link, allowed, door, holdsBack: this.#options.holdsBack(link) })
  }

  remove(peer: NodeId): void {
    this.#doors.delete(peer)
    this.#allowed.delete(peer)
  }

  /** Which way content may pass with a connected peer, as it is in force: shut also while another folder goes first. */
  doorTo(peer: NodeId): Door {
    return this.#doors.get(peer)?.door ?? 'open'
  }

  /** Which versions may not pass, as it is in force. */
  holdsBackTo(peer: NodeId): HoldsBack | undefined {
    return this.#doors.get(peer)?.holdsBack
  }

  /** The same as `doorTo` without regard to other folders. */
  inForce(peer: NodeId): Door {
    return this.#doors.get(peer)?.allowed ?? 'open'
  }

  /** What policy said last, which may not be in force yet. */
  allowedWith(peer: NodeId): Door {
    return this.#allowed.get(peer) ?? 'open'
  }

  /** Whether it waits because another folder goes first. */
  waitsAt(peer: NodeId): boolean {
    const { allowed, door } = this.#doors.get(peer) ?? {}
    return allowed !== door
  }

  /** Policy may say something else than before, which is not in force before `review`: all folders are asked first. */
  ask(): void {
    for (const [peer, { link }] of this.#doors) this.#allowed.set(peer, this.#options.door(link))
  }

  /** What is under way through a door that policy shuts is cut off, and begun again later. */
  review(): void {
    const { turned, filtered, cut, changed } = this.#options
    for (const [peer, before] of this.#doors) {
      const { link } = before
      const allowed = this.allowedWith(peer)
      const door = this.#doorAt(link, allowed)
      const holdsBack = this.#options.holdsBack(link)
      const isFiltered = holdsBack !== before.holdsBack
      const isTurned = allowed !== before.allowed || door !== before.door
      if (!isTurned && !isFiltered) continue
      this.#doors.set(peer, { link, allowed, door, holdsBack })
      if (isTurned) this.#log(link, { allowed, door }, before)
      if (isFiltered) this.#options.log.info({ event: 'policy.filter', peer: link.name }, filterText)
      if (isFiltered) filtered(peer, holdsBack)
      if (door !== before.door) turned(peer, door)
      if (allowed === 'shut' && before.allowed !== 'shut') cut(link, doorText.shut)
      else if (isFiltered && holdsBack) cut(link, filterText)
      changed()
    }
  }

  #doorAt(link: Link, allowed: Door): Door {
    return this.#options.mustWait(link) ? 'shut' : allowed
  }

  #log({ name: peer }: Link, { allowed, door }: Pick<Doors, 'allowed' | 'door'>, before: Doors): void {
    const { log } = this.#options
    if (allowed !== before.allowed)
      log.info({ event: 'policy.door', peer, door: allowed, before: before.allowed }, doorText[allowed])
    else if (door === allowed) log.debug({ event: 'policy.goes_on', peer }, 'no other folder goes first any more')
    else log.debug({ event: 'policy.waits', peer }, 'another folder has a higher priority and goes first')
  }
}

const filterText = 'policy holds other files back from the link than before'

/** What policy lets pass through a door, for a person. */
export const doorText: Readonly<Record<Door, string>> = {
  open: 'policy lets the folder pass both ways',
  gives: 'policy lets the folder only go to the peer',
  takes: 'policy lets the folder only come from the peer',
  shut: 'policy lets nothing of the folder pass',
}
