import type { NetworkMode } from '@spansync/common/protocol/coordination'
import { until } from '../../lab/until.ts'
import type { NodeName } from '../places.ts'
import type { Stage } from './stage.ts'
import type { Step } from './step.ts'
import { beginWork, confirmed, goOnWorking } from './trouble-steps.ts'

const deadlineMs = 120_000

/** SIGKILL to the coordinator and its nats-server with files in flight, and more work: the agents go on by themselves. */
export const coordinatorKilled: Step = {
  name: 'the coordinator is killed in the middle of work; from then on',
  by: 'desktop',
  act: async (stage) => {
    const { network } = stage
    await beginWork(stage, 'more work')
    await network.coordinator.crash()
    const start = performance.now()
    goOnWorking(stage, 'more work', 'the coordinator was dead')
    await network.following({ connected: false, effective: 'decentralised' }, stage.signal)
    return start
  },
  after: (stage) => confirmed(stage, 'desktop'),
}

export const coordinatorBack: Step = {
  name: 'the coordinator starts again; until all follow it',
  by: 'server',
  act: async ({ network, signal }) => {
    const start = performance.now()
    network.coordinator.start()
    await network.following({ connected: true, effective: 'centralised' }, signal)
    return start
  },
}

export const ordered = edit({ name: 'an edit, by its orders', by: 'laptop', mode: 'centralised' })

export const decentralised = edit({
  ...{ name: '`mode decentralised` at the coordinator, an edit without orders', by: 'desktop' },
  ...{ mode: 'decentralised', isNew: true },
})

export const reordered = edit({
  ...{ name: '`mode centralised` at the coordinator, an edit by its orders', by: 'server' },
  ...{ mode: 'centralised', isNew: true },
})

interface EditOptions {
  readonly name: string
  readonly by: NodeName
  readonly mode: NetworkMode
  /** To be set at the coordinator first. Not in the time. */
  readonly isNew?: boolean
}

/** An edit, and whether orders carried it as they should in this mode. */
function edit({ name, by, mode, isNew = false }: EditOptions): Step {
  let sentBefore = 0
  return {
    name,
    by,
    act: async (stage) => {
      const { network, signal } = stage
      if (isNew) await network.coordinator.command(['mode', mode])
      await network.following({ connected: true, effective: mode }, signal)
      sentBefore = await ordersSent(stage)
      const start = performance.now()
      stage.at(by).write('plan.txt', `the plan, edited: ${name}\n`)
      return start
    },
    after: async (stage) => {
      await confirmed(stage, by)
      const sent = (await ordersSent(stage)) - sentBefore
      if (sent > 0 !== (mode === 'centralised')) throw new Error(`in mode ${mode} the coordinator sent ${sent} orders`)
    },
  }
}

/** Since the coordinator began to lead; none of them is in flight any more. */
async function ordersSent({ network, signal }: Stage): Promise<number> {
  let inFlight = 0
  const { orders } = await until(
    async () => {
      const overview = await network.coordinator.overview()
      inFlight = overview.orders.inFlight
      return inFlight === 0 && overview
    },
    { deadlineMs, what: () => `the coordinator's orders are done; ${inFlight} are not`, signal },
  )
  return orders.sent
}
