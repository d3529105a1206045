/// <reference lib="esnext.disposable" />
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { untilFollowed, untilMode } from '../lab/coordinate.ts'
import { CoordinatorPair } from '../lab/coordinator-pair.ts'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

describeLab('two coordinators on b that share one Redis', () => {
  const fleet = useFleet('line')
  const place = (node: string): Place => new Place(fleet().agent(node).folderPath)
  let pair: CoordinatorPair

  beforeAll(async () => {
    pair = await CoordinatorPair.create(fleet(), 'b')
  }, 60_000)
  afterAll(() => pair?.[Symbol.asyncDispose](), 60_000)
  beforeEach(async ({ onTestFailed }) => {
    onTestFailed(() => console.error(pair.logTails()))
    await pair.mend()
    await untilFollowed(fleet(), (await pair.leader()).leader)
  }, 60_000)

  test('the leader is killed in the middle of a transfer: the other one leads within 10 s, and no work is lost', async () => {
    const { leader, other, epoch } = await pair.leader()
    const link = fleet().lab.link('a', 'b')
    const [all, before, payload] = [fleet().lab.bytes(), link.bytes(), 20_000_000]
    place('a').write('large', randomBytes(payload))
    await until(() => link.bytes() > before + 1_000_000, { deadlineMs: 10_000, what: 'the transfer is under way' })
    const killedAt = performance.now()
    await leader.crash()
    place('d').write('while nobody leads', 'x')
    const next = await other.leads()
    expect(performance.now() - killedAt).toBeLessThan(10_000)
    expect([next.coordinator, next.epoch > epoch]).toEqual([other.name, true])
    await untilFollowed(fleet(), other)
    await fleet().untilEqual()
    expect((fleet().lab.bytes() - all) / (payload * 3), 'bytes / (payload × 3)').toBeLessThan(1.1)
    place('c').write('under the new one', 'y')
    await fleet().follow('c')
    expect((await other.status()).orders.sent).toBeGreaterThan(0)
  })

  test('the leader hangs: the other one leads, and the old one stands by when it goes on', async () => {
    const { leader, other, epoch } = await pair.leader()
    leader.hang()
    const takenOver = async () => {
      const found = await other.status()
      return found.coordinator === other.name ? found : undefined
    }
    const next = await until(takenOver, { deadlineMs: 15_000, intervalMs: 200, what: `${other.name} leads` })
    expect(next.epoch).toBeGreaterThan(epoch)
    leader.resume()
    await until(() => leader.said('lease.lost'), { deadlineMs: 10_000, what: 'the old leader stands by' })
    place('a').write('under the other one', 'x')
    await fleet().follow('a')
    expect((await other.leads()).epoch).toBe(next.epoch)
    await untilMode(fleet().agents, 'centralised')
  })

  test('Redis is gone for a while: that is said, the agents work, and all follow again when it is back', async () => {
    const { leader } = await pair.leader()
    await pair.redis.stop('SIGKILL')
    await until(() => leader.said('lease.lost'), { deadlineMs: 10_000, what: 'the leader stands by' })
    place('a').write('without Redis', 'x')
    expect(await fleet().follow('a')).toBeLessThan(5000)
    const told = leader.log().filter(({ code }) => code === 'store_unreachable')
    expect(told.length, 'lines about the store').toBeGreaterThan(0)
    expect(told.length, 'lines about the store').toBeLessThan(10)
    expect(pair.coordinators.map(({ alive }) => alive)).toEqual([true, true])
    await pair.redis.start()
    await untilFollowed(fleet(), (await pair.leader()).leader)
    place('d').write('with Redis again', 'y')
    await fleet().follow('d')
  })
})
