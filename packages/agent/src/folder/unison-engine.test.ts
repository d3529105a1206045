import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { systemClock } from '@spansync/common/runtime/clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { expect, it } from 'vitest'
import { createEngine } from './unison-engine.ts'

it('counts the running sessions that it serves, too', async () => {
  const home = mkdtempSync(join(tmpdir(), 'spansync-engine-'))
  const root = join(home, 'root')
  mkdirSync(root)
  const engine = await createEngine({
    home,
    program: undefined,
    confine: true,
    keepAtMost: 1,
    clock: systemClock,
    log: silentLogger,
  })
  const pair = { folder: 'docs' as FolderId, root, self: 'a' as unknown as NodeId, peer: 'b' as unknown as NodeId }
  const stop = new AbortController()
  const [stream, far] = duplexPair()
  far.resume()
  const { served } = engine.serveKept({ ...pair, stream, signal: stop.signal })
  expect(engine.mayKeep()).toBe(false)
  const connect = (): Promise<never> => Promise.reject(new Error('not asked for'))
  const keep = engine.keep({ ...pair, ignore: [], connect, signal: stop.signal })
  await expect(keep).rejects.toThrow('enough')
  stop.abort(new Error('over'))
  await served
  expect(engine.mayKeep()).toBe(true)
  rmSync(home, { recursive: true })
})
