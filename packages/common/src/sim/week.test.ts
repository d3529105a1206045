import { beforeAll, describe, expect, it } from 'vitest'
import { isConflictCopy } from '../core/causal/conflict-name.ts'
import {
  capBytes,
  type Folder,
  folders,
  holders,
  hourAt,
  isOnBattery,
  isUp,
  isWeekend,
  links,
  type Machine,
  monthAt,
  whereIsLaptop,
  zone,
} from '../testing/use-case.ts'
import { zonedAt } from '../testing/wall-clock.ts'
import { type Passed, Week } from '../testing/week.ts'
import { largest, People, sizeOf, type Version } from '../testing/week-people.ts'
import { createRandom } from './random.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** Thursday to Thursday: the clocks are put on on Sunday, and a month ends on Wednesday. */
const beganAt = Date.parse('2027-03-25T00:00+01:00')
const lastEditAt = Date.parse('2027-04-01T12:00+02:00')
/** Then everything has had an opportunity: the laptop was at the office on Friday and at the university on Wednesday. */
const endsAt = Date.parse('2027-04-08T00:00+02:00')

interface History {
  readonly week: Week
  readonly written: readonly Version[]
  /** By folder and path. */
  readonly deletedAt: ReadonlyMap<string, number>
}

function liveThroughIt(seed: number): History {
  const random = createRandom(seed)
  const week = new Week({ beganAt, random, sizeOf })
  const people = new People(week, random)
  week.run(beganAt, endsAt, (ms) => {
    if (ms < lastEditAt) people.act(ms)
  })
  return { week, written: people.written, deletedAt: people.deletedAt }
}

/** What the configuration of the use case says, in words of its own: why this may not pass at this time, apart from intervals and cap. */
function forbidden({ folder, from, to, at }: Passed): string | undefined {
  const ends = [from, to]
  if (folder === 'documents') return undefined
  if (ends.includes('phone')) return 'over the metered link'
  if (folder === 'music') {
    const isTime = isWeekend(at) || (hourAt(at) >= 18 && hourAt(at) < 23)
    return isTime ? undefined : 'outside its time'
  }
  if (ends.includes('laptop') && whereIsLaptop(at) !== 'home') return 'away from home'
  return ends.some((end) => isOnBattery(end, at)) ? 'on the battery' : undefined
}

const clockAt = (ms: number): string => zonedAt(zone, ms).toString({ fractionalSecondDigits: 0 })

function forbiddenPassages({ week }: History): string[] {
  return week.passed.flatMap((passed) => {
    const why = forbidden(passed)
    return why === undefined ? [] : [`${clockAt(passed.at)}: ${passed.hash} ${passed.from}-${passed.to}: ${why}`]
  })
}

/** From the end of one session of a folder over a link to the next there must be so much. */
function tooSoon({ week }: History, folder: Folder, leastMs: number): string[] {
  const found: string[] = []
  for (const ends of links) {
    const times = week.passed
      .filter((one) => one.folder === folder && one.hash !== '' && ends.includes(one.from) && ends.includes(one.to))
      .map(({ at }) => at)
    for (const [index, at] of times.entries()) {
      const pause = at - (times[index - 1] ?? Number.NEGATIVE_INFINITY)
      // What is closer is of the same session.
      if (pause > 2 * minuteMs && pause < leastMs)
        found.push(`${folder} ${ends}: ${clockAt(at)} after ${pause / minuteMs} min`)
    }
  }
  return found
}

/** What has gone over the phone's link, with the sum of its calendar month. */
function overPhone({ week }: History): { readonly at: number; readonly month: string; readonly used: number }[] {
  const sums = new Map<string, number>()
  return week.passed
    .filter(({ from, to }) => from === 'phone' || to === 'phone')
    .map(({ at, hash }) => {
      const month = monthAt(at)
      const used = (sums.get(month) ?? 0) + sizeOf(hash)
      sums.set(month, used)
      return { at, month, used }
    })
}

/** Which links a document may pass, minute by minute. */
function openLinks(history: History): ReadonlyMap<number, typeof links> {
  const spent = overPhone(history).filter(({ used }) => used >= capBytes)
  const isSpent = (ms: number): boolean => spent.some(({ at, month }) => at <= ms && month === monthAt(ms))
  const open = new Map<number, typeof links>()
  for (let minute = beganAt; minute < endsAt; minute += minuteMs) {
    const isOpen = (link: (typeof links)[number]): boolean =>
      isUp(link, minute) && !(link.includes('phone') && isSpent(minute + minuteMs - 1))
    open.set(minute, links.filter(isOpen))
  }
  return open
}

/** Until when a version must be with everybody who could have been reached since: a minute in which a way was open is enough for all
 *  links of the way. Machines that could not be reached are left out. */
function dueAt({ by, at }: Version, open: ReturnType<typeof openLinks>): Map<Machine, number> {
  const due = new Map<Machine, number>([[by, at]])
  for (let minute = at; minute < endsAt && due.size < holders.documents.length; minute += minuteMs) {
    const now = open.get(minute) ?? []
    for (let hop = 0; hop < now.length; hop++) {
      for (const ends of now) {
        const [there] = ends.filter((end) => !due.has(end))
        if (there !== undefined && ends.some((end) => due.has(end))) due.set(there, minute + minuteMs)
      }
    }
  }
  return due
}

function lateDocuments(history: History): string[] {
  const { week, written, deletedAt } = history
  const documents = week.passed.filter(({ folder, hash }) => folder === 'documents' && hash !== '')
  const open = openLinks(history)
  const arrivedAt = (to: Machine, path: string, version: number): number => {
    const of = documents.filter((one) => one.to === to && one.hash.startsWith(`documents:${path}:`))
    return Math.min(...of.filter(({ hash }) => Number(hash.split(':')[2]) >= version).map(({ at }) => at), Infinity)
  }
  return written
    .filter(({ folder }) => folder === 'documents')
    .flatMap((one) =>
      [...dueAt(one, open)]
        .filter(([machine, due]) => machine !== one.by && due < (deletedAt.get(`documents:${one.path}`) ?? endsAt))
        .filter(([machine, due]) => arrivedAt(machine, one.path, one.version) > due)
        .map(([machine, due]) => {
          const arrived = arrivedAt(machine, one.path, one.version)
          return `${one.path} of ${clockAt(one.at)}: due at ${machine} ${clockAt(due)}, came ${arrived < Infinity ? clockAt(arrived) : 'never'}`
        }),
    )
}

function filesAt({ week }: History, folder: Folder, machine: Machine): Record<string, string> {
  const files = [...week.agent(folder, machine).disk.files].filter(([, { kind }]) => kind !== 'dir')
  return Object.fromEntries(files.map(([path, { hash }]) => [path, hash] as const).sort())
}

describe.each([1, 2])('a week of a person with a laptop (%i)', (seed) => {
  let history: History

  beforeAll(() => {
    history = liveThroughIt(seed)
  }, 4 * minuteMs)

  it('moves nothing over a link that its policy does not allow', () => {
    expect(forbiddenPassages(history)).toEqual([])
    expect(tooSoon(history, 'music', hourMs)).toEqual([])
    expect(tooSoon(history, 'films', 4 * hourMs)).toEqual([])
  })

  it('spends no more of the cap than there is, and all of that', () => {
    const most = (month: string): number =>
      Math.max(...overPhone(history).map((one) => (one.month === month ? one.used : 0)))
    // The file that is under way then may still come.
    expect(most('2027-03')).toBeLessThan(capBytes + largest('documents'))
    expect(most('2027-03')).toBeGreaterThanOrEqual(capBytes)
    expect(most('2027-04')).toBeLessThan(capBytes)
  })

  it('has no document that is older than the ways to it have been open', () => {
    expect(lateDocuments(history)).toEqual([])
  })

  it('ends with equal replicas, but for what the phone is not given', () => {
    for (const folder of folders) {
      const given = holders[folder].filter((machine) => folder === 'documents' || machine !== 'phone')
      const [first, ...others] = given.map((machine) => filesAt(history, folder, machine))
      expect(Object.keys(first ?? {}).length).toBeGreaterThan(5)
      for (const other of others) expect(other).toEqual(first)
      expect(Object.keys(first ?? {}).filter(isConflictCopy)).toEqual([])
    }
    expect(filesAt(history, 'music', 'phone')).toEqual({})
    expect(filesAt(history, 'films', 'phone')).toEqual({})
  })
})
