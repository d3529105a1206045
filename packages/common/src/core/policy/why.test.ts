import { describe, expect, test } from 'vitest'
import type { Evaluation } from './evaluate.ts'
import type { Reason } from './rules.ts'
import { type WhyFacts, why } from './why.ts'

const now = 1_800_000_000_000
const free: Evaluation = { allowed: true, reasons: [], warnings: [], priority: 0 }
const where = { level: 'folder', key: 'folders.docs.policy.windows', line: 12 } as const
const reason = (rule: Reason['rule'], untilMs?: number): Reason => ({
  rule,
  where,
  message: `because of ${rule}`,
  remedy: 'wait',
  untilMs,
})
const shut = (nextChangeAt: number | undefined, ...reasons: Reason[]): Evaluation => ({
  ...free,
  allowed: false,
  reasons,
  nextChangeAt,
})
const facts = (some: Partial<WhyFacts> = {}): WhyFacts => ({
  now,
  peer: 'nas',
  isScanning: false,
  link: 'up',
  policy: { send: free, receive: free },
  peerAllows: { send: true, receive: true },
  plan: 'direct',
  lacking: { here: 0, there: 3 },
  isInSession: false,
  failures: [],
  ...some,
})
const both = (evaluation: Evaluation): WhyFacts['policy'] => ({ send: evaluation, receive: evaluation })
const failure = { kind: 'conflict', message: 'a.txt: two versions', remedy: 'wait' } as const
const goesFirst = {
  folder: 'photos',
  where: { level: 'folder', key: 'folders.photos.policy.priority', line: 7 },
} as const
const problem = { message: 'the disk is away', remedy: 'attach it' }

describe('one thing in the way', () => {
  test.each<[string, Partial<WhyFacts>, string, number | undefined]>([
    ['folder_stopped', { problem }, 'blocked', undefined],
    ['unwanted', { unwanted: { rule: 'exclude', pattern: '*.iso', where } }, 'blocked', undefined],
    ['not_shared', { link: 'not_shared' }, 'blocked', undefined],
    ['link_down', { link: 'down', lastUpMs: now - 5000 }, 'blocked', undefined],
    ['policy', { policy: both(shut(now + 5, reason('window', now + 5))) }, 'waiting', now + 5],
    ['policy', { policy: both(shut(undefined, reason('metered'))) }, 'blocked', undefined],
    ['peer_policy', { peerAllows: { send: false, receive: true } }, 'blocked', undefined],
    ['about_to', { peerAllows: { send: true, receive: false } }, 'syncing', now],
    ['waits_for_folder', { goesFirst }, 'waiting', undefined],
    ['waits_for_folder', { goesFirst, peerAllows: { send: false, receive: false } }, 'waiting', undefined],
    ['equal', { goesFirst, lacking: { here: 0, there: 0 } }, 'equal', undefined],
    ['waits_for_order', { plan: 'waits' }, 'blocked', undefined],
    ['goes_elsewhere', { plan: 'elsewhere' }, 'blocked', undefined],
    ['conflict', { failures: [failure] }, 'blocked', undefined],
    ['failed', { failures: [{ ...failure, kind: 'failed', retryAtMs: now + 9 }] }, 'waiting', now + 9],
    ['about_to', {}, 'syncing', now],
    ['in_session', { isInSession: true }, 'syncing', now],
    ['about_to', { plan: 'order' }, 'syncing', now],
    ['about_to', { isScanning: true, lacking: { here: 0, there: 0 } }, 'syncing', now],
    ['equal', { lacking: { here: 0, there: 0 } }, 'equal', undefined],
    ['held_back', { heldBack: { files: 3, by: 'here' } }, 'blocked', undefined],
    ['peer_policy', { heldBack: { files: 3, by: 'peer' } }, 'blocked', undefined],
    ['held_back', { heldBack: { files: 3, by: 'either' } }, 'blocked', undefined],
    ['about_to', { heldBack: { files: 2, by: 'here' } }, 'syncing', now],
  ])('%s %j', (code, some, state, syncsAtMs) => {
    const answer = why(facts(some))
    expect({ code: answer.explanations[0]?.code, state: answer.state, syncsAtMs: answer.syncsAtMs }).toEqual({
      code,
      state,
      syncsAtMs,
    })
  })
})

test('all that stands in the way is told, what stops most first, and the last of it says when', () => {
  const policy = both(shut(now + 50, reason('paused', now + 10), reason('window', now + 50)))
  const retrying = { ...failure, kind: 'failed', retryAtMs: now + 90 } as const
  const answer = why(facts({ policy, failures: [retrying], isScanning: true }))
  expect(answer.explanations.map(({ code, untilMs }) => [code, untilMs])).toEqual([
    ['failed', now + 90],
    ['policy', now + 50],
    ['policy', now + 50],
    ['scanning', undefined],
  ])
  expect(answer).toMatchObject({ state: 'waiting', syncsAtMs: now + 90 })
})

test('a folder that waits for another one is told which, and is blocked by what else needs a person', () => {
  const message = 'waits for folder photos, which has a higher priority'
  expect(why(facts({ goesFirst })).explanations).toMatchObject([{ message, where: goesFirst.where }])
  const answer = why(facts({ goesFirst, policy: both(shut(undefined, reason('paused'))) }))
  expect(answer.state).toBe('blocked')
  expect(answer.explanations.map(({ code }) => code)).toEqual(['policy', 'waits_for_folder'])
})

test('a rule is shown with its place in the configuration', () => {
  const [first] = why(facts({ policy: both(shut(now + 5, reason('window', now + 5))) })).explanations
  expect(first).toMatchObject({ where: { key: 'folders.docs.policy.windows', line: 12 } })
})

test('what is held back from a link names the rule, and is told after what else there is to do', () => {
  const rule = { level: 'link', key: 'peers.nas.policy.exclude', line: 3 } as const
  const heldBack = { files: 1, by: 'here', unwanted: { rule: 'exclude', pattern: '*.mkv', where: rule } } as const
  const answer = why(facts({ heldBack }))
  expect(answer.explanations.map(({ code }) => code)).toEqual(['about_to', 'held_back'])
  expect(answer.explanations[1]).toMatchObject({ where: rule })
  expect(answer.explanations[1]?.message).toMatch(/a file .* with nas because of the pattern \*\.mkv/)
})

test('what may go one way is not held up by what may not go the other way, and that is told', () => {
  const policy = { send: free, receive: shut(undefined, reason('direction')) }
  expect(why(facts({ policy }))).toMatchObject({ state: 'syncing', explanations: [{ code: 'about_to' }] })
  const answer = why(facts({ policy, lacking: { here: 1, there: 1 } }))
  expect(answer.explanations.map(({ code }) => code)).toEqual(['about_to', 'policy'])
  expect(why(facts({ policy, lacking: { here: 1, there: 0 } }))).toMatchObject({ state: 'blocked' })
})

test('equal replicas are equal whatever the policy says, which is told after it', () => {
  const answer = why(facts({ policy: both(shut(undefined, reason('metered'))), lacking: { here: 0, there: 0 } }))
  expect(answer).toMatchObject({ state: 'equal', explanations: [{ code: 'equal' }, { code: 'policy' }] })
})

test('a cap that is near is told though it stops nothing yet', () => {
  const warned = { ...free, warnings: [{ code: 'data_cap_near' as const, where, message: '81 %' }] }
  const answer = why(facts({ policy: both(warned) }))
  expect(answer.explanations.map(({ code }) => code)).toEqual(['about_to', 'policy_near_cap'])
})
