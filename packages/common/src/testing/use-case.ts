import { parseConfig } from '../config/parse.ts'
import type { Config } from '../config/schema.ts'
import { zonedAt } from './wall-clock.ts'

// A person with a laptop, and where it is when: what a week of policy is tried on. All of it is told by the clock on the wall.

export type Machine = (typeof machines)[number]
export type Folder = (typeof folders)[number]
type Where = 'home' | 'road' | 'office' | 'university'

export const machines = ['laptop', 'nas', 'drive', 'office', 'university', 'phone'] as const
export const folders = ['documents', 'music', 'films'] as const
export const zone = 'Europe/Amsterdam'
export const capBytes = 24_000_000

/** Who holds it. The phone holds everything, and is given documents only. */
export const holders: Readonly<Record<Folder, readonly Machine[]>> = {
  documents: machines,
  music: ['laptop', 'nas', 'drive', 'phone'],
  films: ['laptop', 'nas', 'drive', 'phone'],
}

export const links: readonly (readonly [Machine, Machine])[] = [
  ['laptop', 'nas'],
  ['laptop', 'drive'],
  ['laptop', 'office'],
  ['laptop', 'university'],
  ['nas', 'phone'],
]

const policies = `
policy: { timezone: ${zone} }
folders:
  documents: { path: /documents }
  music: { path: /music, policy: { windows: [18:00-23:00, sat, sun], minInterval: 1h, onMetered: false } }
  films:
    path: /films
    policy: { minInterval: 4h, networks: [{ cidr: 192.168.1.0/24 }], onMetered: false, onBattery: false }
`

export function configOf(machine: Machine): Config {
  const peers = links.filter((ends) => ends.includes(machine)).map(([a, b]) => (a === machine ? b : a))
  const settingsOf = (peer: Machine): string => {
    const metered = machine === 'nas' && peer === 'phone' ? `, metered: true, dataCap: ${capBytes / 1e6}MB` : ''
    return `  ${peer}: { id: ${idOf(peer)}${metered} }\n`
  }
  const text = `name: ${machine}\n${policies}peers:\n${peers.map(settingsOf).join('')}`
  return parseConfig({ file: `${machine}.yaml`, text }).config
}

function idOf(machine: Machine): string {
  return 'abcdef'.charAt(machines.indexOf(machine)).repeat(64)
}

interface Wall {
  readonly day: number
  readonly hour: number
  readonly month: string
}

/** By minute: the calendar takes its time, and is asked again and again. */
const walls = new Map<number, Wall>()

/** Of the clock on the wall, at the beginning of the minute. */
function wallAt(ms: number): Wall {
  const at = ms - (ms % 60_000)
  const known = walls.get(at)
  if (known) return known
  const zoned = zonedAt(zone, at)
  const month = zoned.toPlainDate().toString().slice(0, 7)
  const wall = { day: zoned.dayOfWeek, hour: zoned.hour + zoned.minute / 60, month }
  walls.set(at, wall)
  return wall
}

export function monthAt(ms: number): string {
  return wallAt(ms).month
}

export function isWeekend(ms: number): boolean {
  return wallAt(ms).day > 5
}

export function hourAt(ms: number): number {
  return wallAt(ms).hour
}

/** Three days a week at the office, two at the university, with half an hour on the way. */
export function whereIsLaptop(ms: number): Where {
  const { day, hour } = wallAt(ms)
  if (day > 5 || hour < 8 || hour >= 17.5) return 'home'
  if (hour < 8.5 || hour >= 17) return 'road'
  return day === 3 || day === 4 ? 'university' : 'office'
}

/** It sleeps at night, and when it is carried. */
export function isLaptopOn(ms: number): boolean {
  const { hour } = wallAt(ms)
  return hour >= 6.5 && hour < 23.5 && whereIsLaptop(ms) !== 'road'
}

/** On the sofa, and in lectures. */
export function isOnBattery(machine: Machine, ms: number): boolean {
  const { hour } = wallAt(ms)
  return machine === 'laptop' && (whereIsLaptop(ms) === 'university' || (hour >= 18 && hour < 20))
}

export function addressOf(machine: Machine, ms: number): string {
  const networks: Readonly<Record<Where, string>> = {
    home: '192.168.1.5',
    road: '100.64.0.9',
    office: '10.20.0.5',
    university: '172.16.3.5',
  }
  if (machine === 'laptop') return networks[whereIsLaptop(ms)]
  return {
    nas: '192.168.1.2',
    drive: '192.168.1.3',
    office: '10.20.0.2',
    university: '172.16.3.2',
    phone: '100.64.0.7',
  }[machine]
}

/** The laptop reaches the machine at home from everywhere; the drive is connected to it on two evenings and on Saturday. */
export function isUp([a, b]: readonly [Machine, Machine], ms: number): boolean {
  const { day, hour } = wallAt(ms)
  if (b === 'phone') return hour >= 7 && !(day === 5 && hour >= 12 && hour < 18)
  if (a !== 'laptop' || !isLaptopOn(ms)) return false
  if (b === 'nas') return true
  if (b === 'drive') return (day === 2 || day === 4 || day === 6) && hour >= 19 && hour < 23
  return whereIsLaptop(ms) === b
}
