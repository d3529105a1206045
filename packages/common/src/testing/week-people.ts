import { createAudit } from '../sim/audit.ts'
import type { Random } from '../sim/random.ts'
import { User } from '../sim/user.ts'
import { type Folder, folders, holders, hourAt, isLaptopOn, isWeekend, type Machine } from './use-case.ts'
import type { Week } from './week.ts'

/** One version of a file. */
export interface Version {
  readonly folder: Folder
  readonly path: string
  readonly version: number
  readonly by: Machine
  readonly at: number
}

/** A content's name says what it is: folder, path, version and bytes. */
const contentOf = ({ folder, path, version }: Omit<Version, 'at' | 'by'>, bytes: number): string =>
  `${folder}:${path}:${version}:${bytes}`
export const sizeOf = (hash: string): number => (hash === '' ? 0 : Number(hash.split(':')[3]))

/** Chance per minute that somebody does something, and how large files are. */
const work: Readonly<Record<Folder, { readonly bytes: number; readonly rate: (by: Machine, ms: number) => number }>> = {
  documents: {
    bytes: 250_000,
    rate(by, ms) {
      const isWorking = !isWeekend(ms) && hourAt(ms) >= 9 && hourAt(ms) < 17
      if (by === 'laptop') return isLaptopOn(ms) ? 0.02 : 0
      if (by === 'phone') return hourAt(ms) >= 8 ? 0.005 : 0
      return by === 'office' || by === 'university' ? (isWorking ? 0.02 : 0) : 0
    },
  },
  music: { bytes: 8e6, rate: (by, ms) => (by === 'nas' || (by === 'laptop' && isLaptopOn(ms)) ? 0.006 : 0) },
  films: { bytes: 4e9, rate: (by, ms) => (by === 'nas' || (by === 'laptop' && isLaptopOn(ms)) ? 0.002 : 0) },
}

/** Bytes of the largest file of a folder. */
export function largest(folder: Folder): number {
  return work[folder].bytes
}

/** Everybody works in files of their own: write, write anew, delete. */
export class People {
  readonly written: Version[] = []
  readonly deletedAt = new Map<string, number>()
  readonly #audit = createAudit()
  readonly #week: Week
  readonly #random: Random

  constructor(week: Week, random: Random) {
    this.#week = week
    this.#random = random
  }

  act(ms: number): void {
    for (const folder of folders)
      for (const by of holders[folder]) if (this.#random.chance(work[folder].rate(by, ms))) this.#do(folder, by, ms)
  }

  #do(folder: Folder, by: Machine, at: number): void {
    const agent = this.#week.agent(folder, by)
    const user = new User({ agent, audit: this.#audit, random: this.#random })
    const own = this.written.filter((one) => one.folder === folder && one.by === by && agent.disk.state(one.path))
    const old = own.length > 0 && this.#random.chance(0.4) ? this.#random.pick(own).path : undefined
    const path = old ?? `${by}/${this.written.length}`
    if (old !== undefined && this.#random.chance(0.25)) {
      user.remove(path)
      this.deletedAt.set(`${folder}:${path}`, at)
    } else {
      const version = this.written.length
      const bytes = 1 + this.#random.below(work[folder].bytes)
      user.write(path, contentOf({ folder, path, version }, bytes))
      this.written.push({ folder, path, version, by, at })
    }
    agent.hint(user.touched, 1)
  }
}
