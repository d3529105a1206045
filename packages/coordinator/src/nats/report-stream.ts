import {
  AckPolicy,
  type Consumer,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream'
import { reportStream, subjects } from '@spansync/common/protocol/coordination'
import { type NatsConnection, nanos } from 'nats'
import { NatsJetStreamMissingError } from './errors.ts'

/** Short: the first call around a restart of the server is never answered. */
const apiTimeoutMs = 2000
const dayMs = 86_400_000

export const consumerName = 'coordinator'
/** A report has at most some 7 KB. */
export const reportBytes = 16 * 1024
/** So many may be handed out without being acknowledged: it bounds what waits here in memory. */
export const unacknowledged = 512
/** After that without acknowledgement a report is handed out again. */
export const ackWaitMs = 60_000

const streamSettings = {
  subjects: [subjects.report('*')],
  storage: StorageType.File,
  // Acknowledged reports stay until they are old: a coordinator whose statistics are lost can read them again.
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old,
  max_age: nanos(30 * dayMs),
  max_bytes: 256 * 1024 * 1024,
  max_msg_size: reportBytes,
  // An agent that hears no confirmation sends again within seconds. Later doubles are dropped by the statistics.
  duplicate_window: nanos(120_000),
}

const consumerSettings = {
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.All,
  ack_wait: nanos(ackWaitMs),
  max_ack_pending: unacknowledged,
}

/** Makes the stream and its consumer, or brings their settings up to date. Throws NatsJetStreamMissingError, or an error of the
 *  library. */
export async function openReportStream(nats: NatsConnection, replicas: number): Promise<Consumer> {
  try {
    const manager = await jetstreamManager(nats, { timeout: apiTimeoutMs })
    const stream = { ...streamSettings, num_replicas: replicas }
    await addOrUpdate(
      () => manager.streams.add({ name: reportStream, ...stream }),
      () => manager.streams.update(reportStream, stream),
    )
    await addOrUpdate(
      () => manager.consumers.add(reportStream, { durable_name: consumerName, ...consumerSettings }),
      () => manager.consumers.update(reportStream, consumerName, consumerSettings),
    )
    return await jetstream(nats, { timeout: apiTimeoutMs }).consumers.get(reportStream, consumerName)
  } catch (error) {
    if (error instanceof Error && error.name === 'JetStreamNotEnabled') throw new NatsJetStreamMissingError(error)
    throw error
  }
}

async function addOrUpdate(add: () => Promise<unknown>, update: () => Promise<unknown>): Promise<void> {
  try {
    await add()
  } catch (error) {
    // There already, with other settings: of an earlier version.
    if (!(error instanceof JetStreamApiError)) throw error
    await update()
  }
}
