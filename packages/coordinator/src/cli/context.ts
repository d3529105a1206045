import { type BaseContext, exitCodes, makeAction, type Runner } from '@spansync/common/cli/shell'
import { resolveCoordinatorHome } from '@spansync/common/config/home'
import { loadConfig, storeUrlOf } from '../config/load.ts'
import { openStore } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'

export type Context = BaseContext

/** Turns a function into an action of commander: `(context, arguments, options)`. */
export const action = makeAction(
  (env) => resolveCoordinatorHome({ env, platform: process.platform }),
  (base): Context => base,
)

/** For commands that change what every coordinator of the network follows. */
export async function withStore<T>({ home }: Context, work: (store: Store) => Promise<T>): Promise<T> {
  await using store = await openStore(storeUrlOf(home, loadConfig(home)))
  return await work(store)
}

export { exitCodes, type Runner }
