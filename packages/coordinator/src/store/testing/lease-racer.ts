import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { systemClock } from '@spansync/common/runtime/clock'
import { openSqliteStore } from '../sqlite-store.ts'
import type { Epoch, Store } from '../store.ts'
import { up } from './samples.ts'

// One of two processes that lead in turns: it says each epoch on a line, and writes one event under it. It says `ready` and waits for a
// word on its input before it opens the store, so that both begin at once.

const [file = '', name = '', rounds = '0'] = process.argv.slice(2)

// A process that had the lock gets it again more easily than one that waits for it, and would be through before the other's first turn.
const mostAhead = 3

async function isAhead(store: Store, own: number): Promise<boolean> {
  const all = (await store.links.events({ since: 0 })).items.length
  return own - (all - own) >= mostAhead
}

async function win(store: Store): Promise<Epoch> {
  for (;;) {
    const answer = await store.lease.acquire(name, 60_000)
    if (answer.status === 'acquired') return answer.epoch
    await setImmediate()
  }
}

console.log('ready')
await once(process.stdin, 'data')
process.stdin.destroy()

await using store = openSqliteStore(file, { clock: systemClock })
for (let round = 0; round < Number(rounds); round++) {
  while (await isAhead(store, round)) await setImmediate()
  const epoch = await win(store)
  // The other's turn to try, which must change nothing.
  await setImmediate()
  await store.links.append([up(epoch)], epoch)
  if (!(await store.lease.renew(epoch))) throw new Error(`${name} lost epoch ${epoch} while it held the lease`)
  console.log(epoch)
  await store.lease.release(epoch)
}
