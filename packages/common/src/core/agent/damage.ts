import { plain } from '../causal/change.ts'
import { matches } from '../causal/content.ts'
import type { DiskState, NodeId, Row } from '../causal/types.ts'
import { covers, emptyVector } from '../causal/version-vector.ts'
import { observeOne } from './disk-events.ts'
import { askWhatIsHeldBack, current, type Draft, putRow, setWish } from './draft.ts'
import type { DamagedItem, EventOf } from './events.ts'
import { newWish } from './wishes.ts'

/** Content that nobody wrote: the disk lost it, or it changed there without a trace. The index says what it was, and a peer that knows
 *  that version has it. So this replica says that it no longer has it, which is the truth, and fetches it; what the disk shows is kept as
 *  a copy. A crash in between costs nothing: at equal knowledge the digests differ, and the peer is asked again. */
export function onDamageFound(draft: Draft, { items }: EventOf<'damage_found'>): void {
  for (const item of items) healOne(draft, item)
}

function healOne(draft: Draft, item: DamagedItem): void {
  const { path, local, disk, isHeldElsewhere, otherwise } = item
  const row = current(draft, path, local)
  if (!row || row.deleted || !disk || draft.claims.has(path) || matches(row, disk)) return
  const holder = holderOf(draft, row)
  if (holder === undefined && !isHeldElsewhere) {
    if (otherwise === 'edit') observeOne(draft, item)
    return
  }
  const lost = lostRow(row, disk)
  putRow(draft, lost)
  if (holder === undefined) return
  const wish = { ...newWish(plain(row), { ...lost, seq: 0 }), keep: disk.size > 0, attempts: stubborn }
  const isHeldBackThere = draft.peers.get(holder)?.announced?.holdsBack === true
  if (isHeldBackThere) askWhatIsHeldBack(draft, holder)
  setWish(draft, holder, { ...wish, need: 'resolve', isHeldBackThere })
}

/** Unison, too, believes that nothing has changed here: from the second try on it looks at the content. */
const stubborn = 2

/** The one from whom it is likeliest to come. */
function holderOf({ peers }: Draft, row: Row): NodeId | undefined {
  const holders = [...peers].filter(([, { announced }]) => announced && covers(announced.knowledge, row.vector))
  const obstacles = ([, { announced, holdsBack }]: (typeof holders)[number]): number =>
    (holdsBack?.(row) ? 2 : 0) + (announced?.holdsBack ? 1 : 0)
  const [first] = holders.sort((one, other) => obstacles(one) - obstacles(other))
  return first?.[0]
}

/** No version at all, below every other. */
function lostRow(row: Row, { kind, size, mtimeUs, mode, hash, stat }: DiskState): Row {
  return { ...row, kind, size, mtimeUs, mode, hash, stat, vector: emptyVector }
}
