import { printable } from '@spansync/common/cli/format'
import { systemClock } from '@spansync/common/runtime/clock'
import { UsageError } from '@spansync/common/runtime/errors'
import type { FolderOffer } from '../control/api.ts'
import { announceChange, type Context } from './context.ts'
import { addFolder } from './folder-add.ts'

/** A link that has just been made known comes up in a second or two. */
const patienceMs = 10_000
const lookMs = 100

/** Takes a folder that a peer offers: as `folder add`, but a mistyped id is noticed. */
export async function acceptFolder(context: Context, { id, path }: { id: string; path: string }): Promise<void> {
  const offers = await offersOf(context, id)
  if (offers.length === 0) throw await notOffered(context, id)
  const { root } = await addFolder(context, { id, path, options: {} })
  await announceChange(context)
  const from = [...new Set(offers.map(({ node }) => node))].join(', ')
  context.print(`folder ${id} accepted from ${from}: ${printable(root)}\nsee how it comes: spansync status --watch`)
}

async function offersOf(context: Context, id: string): Promise<FolderOffer[]> {
  const until = systemClock.now() + patienceMs
  for (;;) {
    const found = (await context.control().offers()).filter(({ folder }) => folder === id)
    if (found.length > 0 || systemClock.now() >= until) return found
    await systemClock.sleep(lookMs)
  }
}

async function notOffered(context: Context, id: string): Promise<UsageError> {
  const offered = [...new Set((await context.control().offers()).flatMap((one) => (one.isHeld ? [] : [one.folder])))]
  const remedy =
    offered.length === 0
      ? 'see with `spansync status` whether the peers are connected; a new folder of your own: spansync folder add ID PATH'
      : `on offer: ${offered.map(printable).join(', ')}`
  return new UsageError(`no peer that is connected offers \`${printable(id)}\``, remedy, 'not_offered')
}
