import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import type { Message } from '@spansync/common/protocol/messages'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { createLogger } from '@spansync/common/runtime/logger'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createIdentity } from '../transport/identity.ts'
import { AdmissionSeeker } from './admission-seeker.ts'
import { makeCredentials } from './own-credentials.ts'

let directory: string
let stack: AsyncDisposableStack
let clock: FakeClock
let seeker: AdmissionSeeker
let links: Link[]
/** When the peers were asked, in seconds. */
let asked: number[]
let warned: unknown[]

const linkTo = (name: string): Link =>
  ({
    ...{ peer: name.repeat(64) as NodeId, name },
    send: ({ type }: Message) => type === 'enrol' && asked.push(clock.now() / 1000),
  }) as unknown as Link

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spansync-seeker-'))
  stack = new AsyncDisposableStack()
  stack.defer(() => rm(directory, { recursive: true }))
  ;[clock, asked, warned, links] = [new FakeClock(0), [], [], [linkTo('b')]]
  const identity = await createIdentity(join(directory, 'identity'))
  const file = join(directory, 'coordinator.creds')
  const credentials = await makeCredentials(file, { node: identity.id, name: 'laptop', server: null })
  const write = (line: string): void => void warned.push(JSON.parse(line))
  seeker = stack.use(
    new AdmissionSeeker({
      ...{ url: 'tls://127.0.0.1:1', file, credentials, identity, clock },
      links: () => links,
      log: createLogger({ level: 'warn', destination: { write } }),
      admitted: () => undefined,
    }),
  )
  seeker.start()
  await clock.whenSleeping(1)
})
afterEach(() => stack.disposeAsync())

const pass = async (seconds: number): Promise<void> => {
  for (let left = seconds; left > 0; left -= 30) {
    await clock.advance(30_000)
    await clock.whenSleeping(1)
  }
}

it('asks every half minute while nobody has answered, and every ten minutes after a refusal', async () => {
  await pass(60)
  expect(asked).toEqual([0, 30, 60])
  seeker.heard({ outcome: 'refused', reason: 'removed here' })
  await pass(1290)
  expect(asked).toEqual([0, 30, 60, 90, 690, 1290])
  links = [linkTo('c')]
  seeker.linksChanged()
  expect(asked.at(-1)).toBe(1350)
})

it('warns of an answer that is new only', async () => {
  for (const reason of ['no', 'no', 'never', 'never']) seeker.heard({ outcome: 'refused', reason })
  expect(warned).toMatchObject([{ reason: 'no' }, { reason: 'never' }])
  await pass(60)
  expect(asked).toEqual([0, 30])
})
