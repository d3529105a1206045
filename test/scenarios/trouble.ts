/// <reference lib="esnext.disposable" />
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Status } from '@spansync/common/protocol/status'
import { expect, onTestFailed } from 'vitest'
import { Fleet, type FleetOptions } from '../lab/fleet.ts'
import type { Lab } from '../lab/lab.ts'
import type { LabProcess } from '../lab/lab-node.ts'
import type { SpansyncNode } from '../lab/spansync-node.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

let instances = 0

/** Two fresh agents that share f, beside all others in the lab; `a` has written one file and, when started, `b` has it too. */
export async function couple(lab: Lab, options: FleetOptions = {}): Promise<Couple> {
  instances += 1
  const fleet = await Fleet.create(lab, { instance: `case-${instances}`, port: 4711 + instances, ...options })
  onTestFailed(async () => console.error(await fleet.report()))
  const couple = new Couple(fleet)
  couple.at('a').write('precious', 'do not lose me').write('d/inside', 'nor me')
  if (options.start !== false) await fleet.settle('a')
  return couple
}

export class Couple implements AsyncDisposable {
  readonly fleet: Fleet
  readonly a: SpansyncNode
  readonly b: SpansyncNode

  constructor(fleet: Fleet) {
    this.fleet = fleet
    this.a = fleet.agent('a')
    this.b = fleet.agent('b')
  }

  at(node: 'a' | 'b'): Place {
    return new Place(this[node].folderPath)
  }

  /** What `a` wrote first is still there. */
  expectNothingLost(node: 'a' | 'b' = 'a'): void {
    expect([this.at(node).read('precious'), this.at(node).read('d/inside')]).toEqual(['do not lose me', 'nor me'])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]()
  }
}

/** What a user gets to read about a trouble of this daemon: one problem in `status --json`, or, when it has ended, its last words.
 *  Waits until that names the cause; then the remedy must stand there too. */
export async function untilExplained(agent: SpansyncNode, cause: RegExp, remedy: RegExp): Promise<void> {
  let seen: string[] = []
  const explained = async (): Promise<string | undefined> => {
    seen = agent.alive ? problemsOf(await agent.glance()) : [agent.output()]
    return seen.find((text) => cause.test(text))
  }
  const what = (): string => `${agent.name} names ${cause}; it says:\n${seen.join('\n')}`
  expect(await until(explained, { deadlineMs: 20_000, intervalMs: 50, what })).toMatch(remedy)
}

/** Each problem as its JSON: code, message, remedy. */
export function problemsOf({ errors = [], folders, links }: Pick<Status, 'errors' | 'folders' | 'links'>): string[] {
  const found = [...errors, ...folders.flatMap((folder) => folder.errors), ...links.map(({ error }) => error)]
  return found.filter((problem) => problem !== undefined).map((problem) => JSON.stringify(problem))
}

/** The daemon must refuse to start: it ends by itself, not with 0, and explains. */
export async function expectRefusal(daemon: LabProcess, cause: RegExp, remedy: RegExp): Promise<number> {
  await until(() => !daemon.alive, { deadlineMs: 15_000, what: () => `the daemon ends by itself\n${daemon.output()}` })
  const { code } = await daemon.exited
  expect(daemon.output()).toMatch(cause)
  expect(daemon.output()).toMatch(remedy)
  expect(code).not.toBe(0)
  return code ?? -1
}

/** A PATH with everything that is on ours but Unison, and perhaps a stand-in for it. */
export function pathWithoutUnison(directory: string, standIn?: string): string {
  mkdirSync(directory, { recursive: true })
  for (const part of (process.env.PATH ?? '').split(':')) {
    for (const name of readable(part)) {
      if (name.startsWith('unison')) continue
      try {
        symlinkSync(join(part, name), join(directory, name))
      } catch {
        // Two directories have it; the first one counts.
      }
    }
  }
  if (standIn !== undefined) writeFileSync(join(directory, 'unison'), standIn, { mode: 0o755 })
  return directory
}

function readable(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
