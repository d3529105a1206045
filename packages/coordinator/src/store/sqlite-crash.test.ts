import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@spansync/common/runtime/clock'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import Database from 'better-sqlite3'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteStore } from './sqlite-store.ts'
import type { Store } from './store.ts'
import { lead, node, nodeA, nodeId, report } from './testing/samples.ts'

let directory: string
let file: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spansync-store-'))
  file = join(directory, 'coordinator.sqlite')
  return () => rmSync(directory, { recursive: true })
})

function open(clock = systemClock, name = file): Store {
  const store = openSqliteStore(name, { clock })
  onTestFinished(() => store[Symbol.asyncDispose]())
  return store
}

async function fill(): Promise<void> {
  await using store = openSqliteStore(file, { clock: systemClock })
  for (const digit of ['a', 'b']) await store.nodes.put(node(nodeId(digit)), 'person')
  const reports = Array.from({ length: 10 }, (_, at) => report(`report ${at}`))
  await store.reports.add(reports, await lead(store.lease))
}

async function overwrite(from: number, length: number): Promise<void> {
  await using handle = await openFile(file, 'r+')
  await handle.write(Buffer.alloc(length, 0xa5), 0, length, from)
}

describe('damage', () => {
  const damaged = expect.objectContaining({ code: 'store_damaged', remedy: expect.stringContaining('backup') })

  it('is seen when the file is no database', () => {
    writeFileSync(file, 'this is not a database, and long enough to be looked at '.repeat(100))
    expect(() => open()).toThrow(damaged)
    expect(statSync(file).size).toBe(5600)
  })

  it('is seen when the file was cut off, and no empty store takes its place', async () => {
    await fill()
    truncateSync(file, 0)
    expect(() => open()).toThrow(damaged)
    expect(statSync(file).size).toBe(0)
  })

  it('is seen when the file is gone but its log is there', () => {
    writeFileSync(`${file}-wal`, 'left over')
    expect(() => open()).toThrow(damaged)
    expect(existsSync(file)).toBe(false)
  })

  it('is seen in the registrations before anything is done with them', async () => {
    await fill()
    const database = new Database(file)
    const root = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'node'").pluck().get() as number
    database.close()
    await overwrite((root - 1) * 4096, 4096)
    expect(() => open()).toThrow(damaged)
  })

  it('is seen when a table is missing', async () => {
    await fill()
    const database = new Database(file)
    database.exec('DROP TABLE plan')
    database.close()
    expect(() => open()).toThrow(damaged)
  })

  it('elsewhere is met in use', async () => {
    await fill()
    const database = new Database(file)
    const root = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'traffic'").pluck().get() as number
    database.close()
    await overwrite((root - 1) * 4096, 4096)
    await expect(open().reports.statistics({ since: 0 })).rejects.toEqual(damaged)
  })

  it('in a registration is not taken for its absence', async () => {
    await fill()
    const database = new Database(file)
    database.prepare("UPDATE node SET nkey = 'x' WHERE id = ?").run(nodeA)
    database.close()
    await expect(open().nodes.list()).rejects.toEqual(damaged)
  })
})

describe('openSqliteStore', () => {
  it('refuses the database of another program, and leaves it as it is', () => {
    const database = new Database(file)
    database.exec('CREATE TABLE somebody (x)')
    database.pragma('user_version = 1')
    database.close()
    expect(() => open()).toThrow(expect.objectContaining({ code: 'store_foreign' }))
    expect(readdirSync(directory)).toEqual(['coordinator.sqlite'])
  })

  it('refuses the file of a newer program', async () => {
    await fill()
    const database = new Database(file)
    database.pragma('user_version = 99')
    database.close()
    expect(() => open()).toThrow(expect.objectContaining({ code: 'store_too_new' }))
  })

  it('makes directories, a file for its user only, and leaves nothing else there', async () => {
    const name = join(directory, 'a/b/store.sqlite')
    await open(systemClock, name)[Symbol.asyncDispose]()
    expect(statSync(name).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(directory, 'a/b'))).toEqual(['store.sqlite'])
  })

  it('says that a place cannot be written', () => {
    writeFileSync(join(directory, 'a'), '')
    expect(() => open(systemClock, join(directory, 'a/store.sqlite'))).toThrow(
      expect.objectContaining({ code: 'store_file', remedy: expect.stringContaining('directory') }),
    )
  })

  it('keeps what was acknowledged when the process is killed', async () => {
    const store = open()
    await store.nodes.put(node(nodeA), 'person')
    const epoch = await lead(store.lease)
    const copy = join(directory, 'copy.sqlite')
    for (const suffix of ['', '-wal']) cpSync(file + suffix, copy + suffix)
    const again = open(systemClock, copy)
    expect(await again.nodes.list()).toEqual([node(nodeA)])
    expect(await lead(again.lease)).toBeGreaterThan(epoch)
  })

  it('waits for another that writes, and says so when it takes too long', async () => {
    const store = open()
    const other = new Database(file)
    other.exec('BEGIN IMMEDIATE')
    await expect(store.nodes.put(node(nodeA), 'person')).rejects.toMatchObject({ code: 'store_busy', retryable: true })
    expect(await store.nodes.list()).toEqual([])
    other.exec('COMMIT')
    other.close()
    await store.nodes.put(node(nodeA), 'person')
  })
})

describe('the clock of the lease', () => {
  it('may be set back: the lease then lasts no longer than its time', async () => {
    const clock = new FakeClock()
    const store = open(clock)
    await lead(store.lease, 'first', 6000)
    const earlier = new FakeClock(clock.now() - 3_600_000)
    const other = open(earlier)
    expect(await other.lease.acquire('second', 6000)).toEqual({ status: 'held', by: 'first', leftMs: 6000 })
    await earlier.advance(6000)
    expect(await other.lease.acquire('second', 6000)).toMatchObject({ status: 'acquired' })
  })

  it('may be set back: epochs rise all the same', async () => {
    const epoch = await lead(open().lease)
    const next = await lead(open(new FakeClock(1000)).lease)
    expect(next).toBe(epoch + 1)
  })
})

describe('two processes on one file', () => {
  const program = fileURLToPath(new URL('testing/lease-racer.ts', import.meta.url))

  async function startRacer(name: string, rounds: number) {
    const args = ['--conditions=spansync-source', program, file, name, String(rounds)]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const said: string[] = []
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => said.push(line))
    const closed = once(lines, 'close')
    await once(lines, 'line')
    const race = async (): Promise<number[]> => {
      child.stdin.end('go')
      await closed
      return said.slice(1).map(Number)
    }
    return { race }
  }

  it('make it together, lead one at a time, and never get the same epoch', async () => {
    const racers = await Promise.all([startRacer('a', 25), startRacer('b', 25)])
    const [first = [], second = []] = await Promise.all(racers.map(({ race }) => race()))
    expect([first.length, second.length]).toEqual([25, 25])
    for (const epochs of [first, second]) expect(epochs.toSorted((x, y) => x - y)).toEqual(epochs)
    expect(new Set([...first, ...second]).size).toBe(50)
    // They did run at the same time.
    expect(first[0]).toBeLessThan(second.at(-1) ?? 0)
    expect(second[0]).toBeLessThan(first.at(-1) ?? 0)
    expect(await open().links.events({ since: 0 })).toMatchObject({ dropped: 0, items: { length: 50 } })
  })
})
