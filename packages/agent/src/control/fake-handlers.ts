import type { Status } from '@spansync/common/protocol/status'
import { SpansyncError } from '@spansync/common/runtime/errors'
import type { ControlHandlers, SyncRequest } from './api.ts'

/** A daemon's answers without a daemon, for tests: what was asked is noted in `calls`, and `change()` announces a new status. */
export interface FakeHandlers extends ControlHandlers {
  readonly calls: string[]
  change(status?: Partial<Status>): void
}

export const sampleStatus: Status = {
  node: 'laptop',
  id: 'ab'.repeat(32),
  version: '0.1.0',
  pid: 42,
  uptimeMs: 11_520_000,
  listen: '0.0.0.0:22070',
  mode: { configured: 'auto', effective: 'decentralised' },
  coordinator: { connected: false },
  jailed: true,
  folders: [
    {
      id: 'docs',
      path: '/home/ann/docs',
      state: 'idle',
      files: 10_000,
      bytes: 19_500_000,
      knowledge: { 'laptop.0a1b2c3d': 7 },
      conflicts: 1,
      errors: [{ code: 'disk_full', message: 'the disk is full', remedy: 'free some space', path: 'big.iso' }],
      errorsTotal: 3,
      peers: [
        { node: 'server', connected: true, behind: { files: 0, bytes: 0 }, lacking: { files: 0, bytes: 0 } },
        { node: 'phone', connected: false, behind: { files: 4, bytes: 12_000 }, lacking: { files: 1, bytes: 10 } },
      ],
    },
  ],
  links: [
    {
      node: 'server',
      up: true,
      rttMs: 1.234,
      throughputBps: 34_000_000,
      sentBytes: 1_200_000,
      receivedBytes: 999,
      address: 'server.lan:22070',
    },
    {
      node: 'phone',
      up: false,
      rttMs: null,
      throughputBps: null,
      sentBytes: 0,
      receivedBytes: 0,
      error: {
        code: 'refused',
        message: 'nobody answers at 192.0.2.7:22070',
        remedy: 'start spansync there',
        retryable: true,
      },
    },
  ],
}

export const sampleCode = 'ABCDEF-GHJKMN'

export function fakeHandlers(): FakeHandlers {
  const calls: string[] = []
  const listeners = new Set<() => void>()
  let status = sampleStatus
  return {
    calls,
    change: (part = {}) => {
      status = { ...status, ...part }
      for (const listener of listeners) listener()
    },
    status: () => Promise.resolve(status),
    onStatusChange: (callback) => {
      listeners.add(callback)
      return () => listeners.delete(callback)
    },
    sync: (request, signal) => {
      calls.push(`sync ${JSON.stringify(request)}`)
      return answerSync(request, signal, calls)
    },
    conflicts: (folder) => {
      calls.push(`conflicts ${folder ?? '*'}`)
      const copy = {
        folder: 'docs',
        path: 'a (conflict 2026-11-22 phone).txt',
        original: 'a.txt',
        bytes: 5,
        mtimeMs: 0,
      }
      return Promise.resolve([copy])
    },
    doctor: () => Promise.resolve({ checks: [{ id: 'index', result: 'ok', title: 'index' }] }),
    why: (request) => {
      calls.push(`why ${JSON.stringify(request)}`)
      const where = { level: 'folder', key: 'folders.docs.policy.windows', line: 12 }
      const shut = { code: 'policy', message: 'outside the times', remedy: 'wait', where, untilMs: 0 }
      return Promise.resolve({
        ...request,
        peers: [{ peer: 'server', state: 'waiting', explanations: [shut], syncsAtMs: 0 }],
      })
    },
    audit: (request) => {
      calls.push(`audit ${JSON.stringify(request)}`)
      const damaged = [{ path: 'a.txt', state: request.fix ? ('healing' as const) : ('found' as const) }]
      const peers = [{ node: 'server', state: 'equal' as const, paths: [] }]
      return Promise.resolve({ folders: [{ id: 'docs', files: 3, bytes: 5000, damaged, peers }], elapsedMs: 12 })
    },
    approve: (folder) => {
      calls.push(`approve ${folder}`)
      return Promise.resolve({ here: 6, peers: 0 })
    },
    revert: (folder) => {
      calls.push(`revert ${folder}`)
      return Promise.resolve({ kept: 1, back: 2, missing: 3, reason: 'nobody has them' })
    },
    invite: ({ addresses }) => {
      calls.push(`invite ${addresses.join(' ')}`)
      return Promise.resolve({ code: sampleCode, addresses: ['192.0.2.1:22070'], until: Date.now() + 600_000 })
    },
    joined: () => {
      calls.push('joined')
      return Promise.resolve()
    },
    remove: (node) => {
      calls.push(`remove ${node}`)
      return Promise.resolve()
    },
    rotate: () => Promise.resolve({ id: 'b'.repeat(64), before: 'a'.repeat(64) }),
    offers: () => Promise.resolve([{ node: 'server', folder: 'music', isHeld: false }]),
    reload: () => {
      calls.push('reload')
      return Promise.resolve()
    },
  }
}

async function answerSync({ folder = 'docs' }: SyncRequest, signal: AbortSignal, calls: string[]) {
  if (folder === 'unknown') {
    throw new SpansyncError({ code: 'unknown_folder', message: 'no such folder', remedy: 'add it', exitCode: 2 })
  }
  if (folder === 'endless') {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    calls.push('sync aborted')
  }
  const equal = folder !== 'lagging'
  const server = equal
    ? { node: 'server', state: 'equal' as const }
    : {
        node: 'server',
        state: 'behind' as const,
        reason: 'the disk is full',
        remedy: 'free some space',
        lacking: { files: 2, bytes: 9 },
      }
  const phone = { node: 'phone', state: 'unreachable' as const, reason: 'nobody answers' }
  return { elapsedMs: 12, folders: [{ id: folder, equal, timedOut: !equal, replicas: [server, phone] }] }
}
