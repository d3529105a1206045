import { onTestFinished } from 'vitest'
import type { Store } from '../store.ts'
import { runFenceTests } from './fence-tests.ts'
import { runLeaseTests } from './lease-tests.ts'
import { runLinkTests } from './link-tests.ts'
import { runRegistryTests } from './registry-tests.ts'
import { runReportTests } from './report-tests.ts'
import { runSnapshotTests } from './snapshot-tests.ts'

/** Opens the data of one test: the first time new and empty, later the same again, over a connection of its own. */
export type OpenAgain = () => Promise<Store>

/** What every Store must do. `make` is called once per test. The store's clock is the machine's. */
export function runStoreContract(make: () => OpenAgain): void {
  const makeOwned = (): OpenAgain => {
    const open = make()
    return async () => {
      const store = await open()
      onTestFinished(() => store[Symbol.asyncDispose]())
      return store
    }
  }
  runLeaseTests(makeOwned)
  runFenceTests(makeOwned)
  runRegistryTests(makeOwned)
  runSnapshotTests(makeOwned)
  runLinkTests(makeOwned)
  runReportTests(makeOwned)
}
