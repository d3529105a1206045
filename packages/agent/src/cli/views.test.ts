import { painter } from '@spansync/common/cli/table'
import { describe, expect, test } from 'vitest'
import { sampleStatus } from '../control/fake-handlers.ts'
import { renderChecks } from './doctor.ts'
import { checkFolderStates, checkLinks } from './doctor-status.ts'
import { checkClock, checkWatches } from './doctor-system.ts'
import { redraw } from './status.ts'
import { renderStatus } from './status-view.ts'
import { renderSyncResult } from './sync.ts'

const plain = painter(false)

describe('status', () => {
  test('shows everything in a few lines', () => {
    expect(renderStatus(sampleStatus, plain)).toBe(`\
laptop  decentralised (auto) · no coordinator · listens on 0.0.0.0:22070 · up 3 h 12 min
${'ab'.repeat(32)}  spansync 0.1.0

FOLDER  STATE   FILES     SIZE  CONFLICTS  PATH
docs    idle   10,000  19.5 MB          1  /home/ann/docs
  server  up to date
  phone   offline, behind by 4 files (12.0 kB), has 1 file (10 B) that are missing here
  ✗ big.iso: the disk is full
    remedy: free some space
  … and 2 more errors

LINK    STATE  ROUND TRIP  THROUGHPUT    SENT  RECEIVED  ADDRESS
server  up         1.2 ms   34.0 MB/s  1.2 MB     999 B  server.lan:22070
phone   down            –           –     0 B       0 B
  ✗ nobody answers at 192.0.2.7:22070
    remedy: start spansync there
`)
  })
  test('says of every address of a peer what is known, where there is a choice', () => {
    const [server] = sampleStatus.links
    if (server === undefined) throw new Error('no sample')
    const known = { metered: false, pricePerGb: 0, rttMs: null, throughputBps: null }
    const addresses = [
      { ...known, address: '192.168.1.7:22070', inUse: true, found: true, rttMs: 0.42, throughputBps: 1e8 },
      { ...known, address: 'nas.example.org:22070', inUse: false, found: false, metered: true, pricePerGb: 4 },
    ]
    const lines = renderStatus({ ...sampleStatus, links: [{ ...server, addresses }] }, plain).split('\n')
    expect(lines).toContain('  192.168.1.7:22070: in use, found on the local network, 0.4 ms, 100 MB/s')
    expect(lines).toContain('  nas.example.org:22070: metered, 4 per GB')
  })
  test('an empty node is told what to do next', () => {
    const text = renderStatus({ ...sampleStatus, folders: [], links: [], jailed: false }, plain)
    expect(text).toContain('spansync folder add')
    expect(text).toContain('spansync peer add')
    expect(text).toContain('not confined')
  })
  test('has colours only when asked', () => {
    expect(renderStatus(sampleStatus, plain)).not.toContain('\u001b')
    expect(renderStatus(sampleStatus, painter(true))).toContain('\u001b[32midle')
  })
  test('is redrawn in place, and cut when the screen is too small', () => {
    expect(redraw('a\nb\n', 10)).toBe('\u001b[?7l\u001b[Ha\u001b[K\nb\u001b[K\u001b[J\u001b[?7h')
    expect(redraw('a\nb\nc\nd\n', 4)).toBe('\u001b[?7l\u001b[Ha\u001b[K\nb\u001b[K\n…\u001b[K\u001b[J\u001b[?7h')
  })
})

test('sync says which replicas lag, and why', () => {
  const replicas = [
    { node: 'a', state: 'equal' as const },
    {
      node: 'b',
      state: 'behind' as const,
      lacking: { files: 2, bytes: 9 },
      reason: 'the disk is full',
      remedy: 'free some space',
    },
    { node: 'c', state: 'unreachable' as const, reason: 'nobody answers' },
  ]
  const folders = [
    { id: 'docs', equal: false, timedOut: true, replicas },
    { id: 'pics', equal: true, replicas: replicas.slice(0, 1) },
  ]
  expect(renderSyncResult({ folders, elapsedMs: 1500 }, plain)).toBe(`\
✗ docs: not equal (1.5 s)
  b is behind by 2 files (9 B): the disk is full
    remedy: free some space
  c unreachable: nobody answers
✓ pics: equal on 2 replicas (1.5 s)`)
})

describe('doctor', () => {
  test('gives the remedy for what is not right', () => {
    const checks = [
      { id: 'a', result: 'ok' as const, title: 'A', detail: 'fine' },
      { id: 'b', result: 'fail' as const, title: 'B', detail: 'broken', remedy: 'mend it' },
    ]
    expect(renderChecks(checks, plain)).toBe('✓ A: fine\n✗ B: broken\n  remedy: mend it\n\n1 of 2 checks failed')
    expect(renderChecks(checks.slice(0, 1), plain)).toContain('everything is in order')
  })
  test('a peer that is away is no failure, one that can never be reached is', () => {
    const [server, phone] = sampleStatus.links
    if (server === undefined || phone?.error === undefined) throw new Error('no sample')
    const wrong = { ...phone, error: { ...phone.error, code: 'wrong_fingerprint', retryable: false } }
    const slow = { ...server, clockSkewMs: -120_000 }
    expect(checkLinks([server, phone, wrong, slow]).map(({ id, result }) => `${id} ${result}`)).toEqual([
      'peer.server ok',
      'peer.phone warn',
      'peer.phone fail',
      'peer.server ok',
      'clock.server fail',
    ])
    expect(checkFolderStates(sampleStatus)).toMatchObject([{ result: 'fail', detail: 'big.iso: the disk is full' }])
  })
  test('too few watches and a wrong clock are found', () => {
    const root = new URL('.', import.meta.url).pathname
    expect(checkWatches([root], 1_000_000)).toMatchObject([{ result: 'ok' }])
    expect(checkWatches([root], 1000)).toMatchObject([{ result: 'warn', remedy: expect.stringContaining('524288') }])
    expect(checkWatches([root], 0.5)).toMatchObject([{ result: 'fail' }])
    expect(checkClock(0)).toMatchObject([{ result: 'fail' }])
    expect(checkClock(Date.UTC(2027, 1, 1))).toMatchObject([{ result: 'ok' }])
  })
})
