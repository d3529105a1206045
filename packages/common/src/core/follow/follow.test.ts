import { describe, expect, it } from 'vitest'
import { effectiveMode, type FollowEvent, follow, initialFollow, isPresent, type Mode, silenceMs } from './follow.ts'

type Step = FollowEvent extends infer E ? (E extends unknown ? Omit<E, 'at'> & { at?: number } : never) : never

function having(configured: Mode, ...events: Step[]) {
  return events.reduce((state, event, index) => {
    return follow(state, { at: 1000 + index, ...event } as FollowEvent)
  }, initialFollow(configured))
}

const connected = { kind: 'connected' } as const
const heard = (epoch = 1, mode: 'centralised' | 'decentralised' = 'centralised') =>
  ({ kind: 'heard', epoch, mode }) as const

describe('the mode in force', () => {
  it.each([
    ['auto', [], 'decentralised'],
    ['auto', [connected], 'decentralised'],
    ['auto', [connected, heard()], 'centralised'],
    ['auto', [connected, heard(1, 'decentralised')], 'decentralised'],
    ['auto', [connected, heard(), { kind: 'nobody_listens' }], 'decentralised'],
    ['auto', [connected, heard(), { kind: 'disconnected' }], 'decentralised'],
    ['auto', [connected, heard(), { kind: 'disconnected' }, connected], 'decentralised'],
    ['auto', [connected, heard(), { kind: 'nobody_listens' }, heard(2)], 'centralised'],
    ['centralised', [], 'centralised'],
    ['centralised', [connected, heard(1, 'decentralised')], 'centralised'],
    ['decentralised', [connected, heard()], 'decentralised'],
    ['auto', [connected, heard(), { kind: 'configured', mode: 'decentralised' }], 'decentralised'],
  ] as const)('%s after %j is %s', (configured, events, expected) => {
    expect(effectiveMode(having(configured, ...(events as readonly Step[])))).toBe(expected)
  })

  it('is no longer the coordinator’s when it has been silent for three beats, and not before', () => {
    const state = follow(having('auto', connected), { kind: 'heard', epoch: 1, mode: 'centralised', at: 5000 })
    expect(isPresent(follow(state, { kind: 'ticked', at: 5000 + silenceMs - 1 }))).toBe(true)
    expect(isPresent(follow(state, { kind: 'ticked', at: 5000 + silenceMs }))).toBe(false)
  })

  it('does not listen to a coordinator of an older term', () => {
    const state = having('auto', connected, heard(5), heard(4, 'decentralised'))
    expect(state).toMatchObject({ epoch: 5, networkMode: 'centralised' })
    const silent = follow(having('auto', connected, heard(5)), {
      kind: 'heard',
      epoch: 4,
      mode: 'centralised',
      at: 99_000,
    })
    expect(silent.heardAt).toBeLessThan(99_000)
  })
})
