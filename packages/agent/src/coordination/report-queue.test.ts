import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { silentLogger } from '@spansync/common/runtime/logger'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openReportQueue, reportOf } from './report-queue.ts'

let directory: string
let file: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spansync-reports-'))
  file = join(directory, 'reports.sqlite')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const report = (bytes: number) =>
  reportOf('a'.repeat(64) as NodeId, {
    folder: 'f' as FolderId,
    peer: 'b'.repeat(64) as NodeId,
    files: 1,
    bytes,
    startedAt: 1000.4,
    durationMs: 5.5,
    outcome: 'done',
    reason: '',
  })

it('outlives restarts, in order, until it is told that somebody has them', () => {
  const reports = [1, 2, 3].map(report)
  {
    using queue = openReportQueue(file, silentLogger)
    for (const one of [...reports, reports[0] as (typeof reports)[0]]) queue.add(one)
  }
  using queue = openReportQueue(file, silentLogger)
  expect(queue.size).toBe(3)
  expect(queue.first(2)).toEqual(reports.slice(0, 2))
  queue.remove(reports[0]?.id ?? '')
  expect(queue.first(9)).toEqual(reports.slice(1))
})

it('that is damaged is set aside and begun anew', () => {
  writeFileSync(file, Buffer.alloc(8192, 'no database '))
  using queue = openReportQueue(file, silentLogger)
  queue.add(report(1))
  expect(queue.size).toBe(1)
  expect(readdirSync(directory).some((name) => name.startsWith('reports.sqlite.damaged-'))).toBe(true)
})

it('gives up what it cannot read any more', () => {
  {
    using queue = openReportQueue(file, silentLogger)
    queue.add(report(1))
  }
  const database = new Database(file)
  database.prepare("UPDATE queue SET body = '{}'").run()
  database.close()
  using queue = openReportQueue(file, silentLogger)
  expect(queue.first(5)).toEqual([])
  expect([queue.size, queue.dropped]).toEqual([0, 1])
})
