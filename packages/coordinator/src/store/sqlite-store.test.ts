import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@spansync/common/runtime/clock'
import { afterAll, beforeAll, describe } from 'vitest'
import { openSqliteStore } from './sqlite-store.ts'
import { runStoreContract } from './testing/store-contract.ts'

let directory: string
let made = 0

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'spansync-store-'))
})

afterAll(() => rmSync(directory, { recursive: true }))

describe('SqliteStore', () => {
  runStoreContract(() => {
    const file = join(directory, `store${made++}.sqlite`)
    return async () => openSqliteStore(file, { clock: systemClock })
  })
})
