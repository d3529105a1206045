import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { loadConfig } from '@spansync/common/config/file'
import type { Config } from '@spansync/common/config/schema'
import { systemCalendar, systemClock } from '@spansync/common/runtime/clock'
import type { Daemon, DaemonOptions, Rotated, StartDaemon } from '../control/api.ts'
import { Follower } from '../coordination/follower.ts'
import { introductionTo } from '../coordination/introduction.ts'
import { openReportQueue, reportOf } from '../coordination/report-queue.ts'
import { createDisks } from '../disk/disks.ts'
import type { FetchRecord } from '../folder/options.ts'
import { createEngine } from '../folder/unison-engine.ts'
import { Membership } from '../membership/membership.ts'
import { settleIdentity } from '../transport/identity.ts'
import { watchConfig } from './config-watch.ts'
import { createHandlers } from './handlers.ts'
import { keepHouse } from './housekeeping.ts'
import { collectGarbage, cpuSeconds, stayLean } from './lean.ts'
import { Network, type NetworkOptions } from './network.ts'
import { offersOf } from './offers.ts'
import { StatusHub } from './status-hub.ts'

/** Puts the agent together: identity, transport, folders, and what the command line asks of them. */
export const startDaemon: StartDaemon = async ({ home, config, log, signal }: DaemonOptions): Promise<Daemon> => {
  await using stack = new AsyncDisposableStack()
  const identity = await settleIdentity(home)
  const disk = stack.use(createDisks())
  const keepAtMost = config.advanced.persistentPairs
  const { path: program, confine } = config.unison
  const engine = await createEngine({ home, program, confine, keepAtMost, log, clock: systemClock })
  const hub = stack.use(new StatusHub(systemClock))
  const reports = stack.use(openReportQueue(join(home, 'reports.sqlite'), log))
  let follower: Follower | undefined
  const fetched = (record: FetchRecord): void => follower?.report(reportOf(identity.id, record))
  const enrolment: NetworkOptions['enrolment'] = (link, message) => follower?.onEnrolment(link, message)
  const moved = (addresses: ReadonlySet<string>): void => follower?.networkChanged(addresses)
  let changed = (): Promise<void> => Promise.resolve()
  const membership = new Membership({
    ...{ home, identity, clock: systemClock, log: log.child({ component: 'members' }) },
    config: () => network.config,
    cut: () => network.reviewPeers(),
    changed: () => changed(),
    links: () => network.links.values(),
    offers: () => offersOf(network),
    introduction: () => introductionTo(network.config.coordinator, log),
  })
  const network: Network = stack.use(
    new Network({
      ...{ home, identity, disk, engine, log, hub, members: membership, fetched, enrolment, moved },
      ...{ clock: systemClock, calendar: systemCalendar },
    }),
  )
  await network.start(config)
  follower = stack.use(
    new Follower({ network, hub, reports, clock: systemClock, log: log.child({ component: 'coordinator' }) }),
  )
  await follower.start()
  signal.throwIfAborted()
  const apply = async (next: Config): Promise<void> => {
    await network.apply(next)
    await follower.apply(next)
  }
  const take = (): Promise<void> => apply(loadConfig(home))
  const watch = stack.use(
    watchConfig({
      home,
      log,
      take: apply,
      problem: (problem) => hub.setConfigProblem(problem),
    }),
  )
  // Nobody has seen what was edited while all this started; what is wrong with it is in the status and in the log.
  const takeNewer = async (): Promise<void> => {
    const newest = loadConfig(home)
    if (!isDeepStrictEqual(newest, config)) await apply(newest)
  }
  await watch.takeNow(takeNewer).catch(() => undefined)
  changed = () => watch.takeNow(take)
  membership.start()
  stack.use(
    keepHouse({ home, config: () => network.config, isAtRest: () => network.isAtRest, clock: systemClock, log }),
  )
  const collect = (): void => {
    collectGarbage()
    log.debug({ event: 'memory.collected', ...process.memoryUsage() })
  }
  stack.use(stayLean({ clock: systemClock, cpu: cpuSeconds, collect }))
  const outdated = Promise.withResolvers<void>()
  const rotate = async (): Promise<Rotated> => {
    const id = await membership.rotate()
    outdated.resolve()
    return { id, before: identity.id }
  }
  const reload = (): Promise<void> => watch.takeNow(take)
  const handlers = createHandlers({ network, hub, follower, membership, reload, rotate })
  const owned = stack.move()
  return { handlers, outdated: outdated.promise, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
