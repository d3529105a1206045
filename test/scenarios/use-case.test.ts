import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { editConfig } from '@spansync/common/config/edit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseGraph } from '../lab/graph.ts'
import { untilEqual } from '../lab/replicas.ts'
import { describeLong, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { type News, NewsWatch } from './news.ts'
import { Place } from './place.ts'
import { type LinkName, type Minute, Timetable } from './timetable.ts'

type Folder = 'documents' | 'music' | 'films'

/** A person does not notice less. Of real time, from one machine to the next. */
const atOnceMs = 5000
/** What passes in the moment in which a door shuts: half a second of real time. */
const moment: Minute = 0.25
const capBytes = 700_000

/** In minutes of the hour, which begins at half past eleven on the last day of March. */
const musicWindows = [
  { from: 10, until: 20 },
  { from: 40, until: 50 },
]
const midnight: Minute = 30
const musicInterval: Minute = 3
const filmInterval: Minute = 25
const atHome = [
  { from: 0, until: 15 },
  { from: 36, until: Number.POSITIVE_INFINITY },
]

const graph = parseGraph(`graph person {
  laptop -- nas [rate="100mbit" delay="1ms"]
  laptop -- drive [rate="100mbit" delay="1ms" dial=laptop]
  laptop -- { office university } [rate="100mbit" delay="2ms"]
  nas -- phone [rate="2mbit" delay="40ms" dial=phone]
}`)
const holdersOfMuch = ['laptop', 'nas', 'drive', 'phone']

describeLong('documents, music and films of a person with a laptop', () => {
  const fleet = useFleet(graph, { folder: 'documents', start: false, env: { TZ: 'UTC' } })
  const directory = (node: string, folder: Folder): string => {
    const { folderPath } = fleet().agent(node)
    return folder === 'documents' ? folderPath : join(folderPath, '..', folder)
  }
  const watches = new Map<Folder, NewsWatch>()
  let time: Timetable

  beforeAll(async () => {
    for (const node of holdersOfMuch)
      for (const folder of ['music', 'films'] as const)
        await fleet()
          .agent(node)
          .addFolder(folder, new Place(directory(node, folder)).directory)
    const { lab } = fleet()
    const home = ['nas', 'drive'].map((peer) => ({ cidr: `${lab.address('laptop', peer)}/32` }))
    for (const node of holdersOfMuch) {
      await editConfig(fleet().agent(node).home, (editor) => {
        editor.set(['policy', 'timezone'], 'UTC')
        const music = { windows: ['23:40-23:50', '00:10-00:20'], minInterval: '3m', onMetered: false }
        editor.set(['folders', 'music', 'policy'], music)
        const films = { minInterval: '25m', onMetered: false, ...(node === 'laptop' ? { networks: home } : {}) }
        editor.set(['folders', 'films', 'policy'], films)
        if (node === 'nas') editor.set(['peers', 'phone', 'dataCap'], `${capBytes / 1000}KB`)
      })
    }
    for (const folder of ['documents', 'music', 'films'] as const) {
      const nodes = folder === 'documents' ? fleet().agents.map(({ name }) => name) : holdersOfMuch
      watches.set(folder, new NewsWatch(new Map(nodes.map((node) => [node, new Place(directory(node, folder))]))))
    }
  }, 120_000)

  afterAll(async () => {
    for (const watch of watches.values()) watch[Symbol.dispose]()
  })

  const write = (node: string, folder: Folder, bytes: number): void => {
    const name = `${folder} of ${node} at ${time.now.toFixed(1)}`
    new Place(directory(node, folder)).write(name, randomBytes(bytes))
    watches.get(folder)?.tell(name, node, (place) => place.exists(name))
  }

  /** The first minute at which the month's bytes were seen to be used up, and the most that was seen in each month. */
  const used = { spentAt: Number.POSITIVE_INFINITY, march: 0, april: 0 }
  const lookAtCap = async (): Promise<void> => {
    const { links } = await fleet().agent('nas').glance()
    const minute = time.now
    const bytes = links.find(({ node }) => node === 'phone')?.dataCap?.usedBytes ?? 0
    // What is asked at midnight may be answered by either month.
    if (minute < midnight) used.march = Math.max(used.march, bytes)
    else if (minute > midnight + moment) used.april = Math.max(used.april, bytes)
    if (bytes >= capBytes && minute < midnight) used.spentAt = Math.min(used.spentAt, minute)
  }

  const atOffice = ['office', 'university'] as const

  async function begin(): Promise<void> {
    time = new Timetable({ shows: Date.parse('2027-03-31T23:30Z'), minuteMs: 2000, leadMs: 30_000 })
    for (const place of atOffice) await time.setUp(fleet(), `laptop-${place}`, false)
    for (const agent of fleet().agents) agent.env = { ...agent.env, SPANSYNC_CALENDAR: time.variable }
    await Promise.all(fleet().agents.map((agent) => agent.start()))
    const isThere = async (node: string, peer: string): Promise<boolean> =>
      (await fleet().agent(node).glance()).links.some((link) => link.node === peer && link.up)
    const areThere = async (): Promise<boolean> =>
      (await isThere('laptop', 'nas')) && (await isThere('laptop', 'drive')) && (await isThere('phone', 'nas'))
    await until(areThere, { deadlineMs: 20_000, what: 'who is at home is connected' })
    for (const link of ['laptop-nas', 'laptop-drive', 'nas-phone'] as const) await time.setUp(fleet(), link, true)
    expect(time.now, 'the agents took too long to start').toBeLessThan(0)
  }

  /** What happens when. */
  const events = (): (readonly [Minute, () => void | Promise<void>])[] => {
    const { lab } = fleet()
    const turn = (link: LinkName, up: boolean) => (): Promise<void> => time.setUp(fleet(), link, up)
    const writers = ['laptop', 'nas', 'drive', 'phone', 'office', 'university']
    const documents = Array.from({ length: 45 }, (_, index): readonly [Minute, () => void] => {
      // Much before the month is over.
      const minute = index < 26 ? 1 + index / 2 : 14 + 2 * (index - 26)
      const bytes = minute < 14 ? 40_000 : 2000
      return [minute, () => write(writers[index % writers.length] ?? '', 'documents', bytes)]
    })
    const music = (
      [
        [3, 'laptop'],
        [11, 'nas'],
        [12.5, 'laptop'],
        [17, 'nas'],
        [24, 'nas'],
        [31, 'laptop'],
        [46, 'laptop'],
      ] as const
    ).map(([minute, node]) => [minute, () => write(node, 'music', 300_000)] as const)
    const films = (
      [
        [1, 'nas'],
        [5, 'nas'],
        [20, 'laptop'],
      ] as const
    ).map(([minute, node]) => [minute, () => write(node, 'films', 3_000_000)] as const)
    const leave = async (): Promise<void> => {
      await lab.link('laptop', 'nas').setAddress('laptop', 5)
      await lab.link('laptop', 'nas').setRate('10mbit')
    }
    const comeHome = async (): Promise<void> => {
      await lab.link('laptop', 'nas').setAddress('laptop', 1)
      await lab.link('laptop', 'nas').setRate('100mbit')
    }
    const ways: (readonly [Minute, () => Promise<void>])[] = [
      [9, turn('laptop-drive', false)],
      [15, leave],
      [15.5, turn('laptop-office', true)],
      [22, turn('laptop-office', false)],
      [22.2, turn('laptop-nas', false)],
      [25, turn('laptop-university', true)],
      [25.2, turn('laptop-nas', true)],
      [32, turn('laptop-university', false)],
      [32.2, turn('laptop-nas', false)],
      [35.5, comeHome],
      [36, turn('laptop-nas', true)],
      [44, turn('laptop-drive', true)],
    ]
    const looks = Array.from({ length: 216 }, (_, index) => [index / 4, lookAtCap] as const)
    return [...documents, ...music, ...films, ...ways, ...looks].sort(([a], [b]) => a - b)
  }

  test('an hour, from the end of one month to the next', { timeout: 400_000 }, async () => {
    await begin()
    for (const [minute, act] of events()) {
      await time.until(minute)
      await act()
    }
    await time.until(54)
    for (const bytes of [used.march, used.april]) expect(bytes).toBeLessThan(1.1 * capBytes)
    expect([used.spentAt < midnight, used.april < capBytes]).toEqual([true, true])
    const seen = (folder: Folder): readonly News[] => watches.get(folder)?.all ?? []
    expect(lateDocuments(seen('documents'), time, used.spentAt)).toEqual([])
    expect(strangeMusic(seen('music'), time)).toEqual([])
    expect(strangeFilms(seen('films'), time)).toEqual([])
    for (const place of atOffice) await time.setUp(fleet(), `laptop-${place}`, true)
    await fleet().untilEqual()
    for (const folder of ['music', 'films'] as const) {
      const replicas = ['laptop', 'nas', 'drive'].map((name) => ({ name, folderPath: directory(name, folder) }))
      await untilEqual(replicas)
      expect(new Place(directory('phone', folder)).list()).toEqual([])
    }
  })
})

/** Each time that a machine got something. */
function arrivals(news: readonly News[], time: Timetable): { what: string; from: string; to: string; at: Minute }[] {
  return news.flatMap(({ what, side, seenAt }) =>
    [...seenAt].filter(([node]) => node !== side).map(([to, at]) => ({ what, from: side, to, at: time.minuteOf(at) })),
  )
}

function lateDocuments(news: readonly News[], time: Timetable, spentAt: Minute): string[] {
  const isShut = (link: LinkName, at: Minute): boolean => link === 'nas-phone' && at >= spentAt && at < midnight
  return news.flatMap((one) =>
    [...time.dueAt(one, atOnceMs, isShut)]
      .filter(([node, due]) => node !== one.side && due < 53)
      .map(([node, due]) => ({ node, due, came: time.minuteOf(one.seenAt.get(node) ?? Number.POSITIVE_INFINITY) }))
      .filter(({ due, came }) => came > due)
      .map(({ node, due, came }) => `${one.what}: due at ${node} at ${due.toFixed(1)}, came at ${came.toFixed(1)}`),
  )
}

const isIn = (stretches: readonly { from: Minute; until: Minute }[], at: Minute): boolean =>
  stretches.some(({ from, until: end }) => from <= at && at <= end + moment)

function strangeMusic(news: readonly News[], time: Timetable): string[] {
  const all = arrivals(news, time)
  const outside = all.filter(({ to, at }) => to === 'phone' || !isIn(musicWindows, at))
  return [...outside.map(tell), ...tooSoon(all, musicInterval)]
}

function strangeFilms(news: readonly News[], time: Timetable): string[] {
  const all = arrivals(news, time)
  const outside = all.filter(({ to, at }) => to === 'phone' || !isIn(atHome, at))
  return [...outside.map(tell), ...tooSoon(all, filmInterval)]
}

/** The machines that hold music and films are in a line, so it is known over which link something came. What comes within a minute is of
 *  one session. */
function tooSoon(all: ReturnType<typeof arrivals>, interval: Minute): string[] {
  return (['nas', 'drive'] as const).flatMap((end) => {
    const isOver = ({ from, to }: { from: string; to: string }): boolean => (from === end) !== (to === end)
    const over = all.filter((one) => isOver(one) && (one.to === end || one.to === 'laptop')).sort((a, b) => a.at - b.at)
    return over
      .filter(({ at }, index) => {
        const pauseBefore = at - (over[index - 1]?.at ?? Number.NEGATIVE_INFINITY)
        return pauseBefore > 1 && pauseBefore < interval - moment
      })
      .map(tell)
  })
}

function tell({ what, to, at }: { what: string; to: string; at: Minute }): string {
  return `${what} came to ${to} at ${at.toFixed(1)}`
}
