/// <reference lib="esnext.disposable" />

import { keepEvidence } from './evidence.ts'
import { type Ground, groundOf, groundText, historiesPerGround } from './ground.ts'
import { type Outcome, play } from './history.ts'
import { shrink } from './shrink.ts'
import { type Step, scheduleOf, stepText } from './steps.ts'
import { Summary } from './summary.ts'
import { Tally } from './tally.ts'
import { World, type WorldOptions } from './world.ts'

export interface CampaignOptions extends WorldOptions {
  readonly seed: number
  /** At most; the history under way when the time is up is played to its end. */
  readonly histories: number
  readonly minutes: number
  readonly operations: number
  readonly agents?: number | undefined
  /** How many histories may be played to make a failing one smaller. */
  readonly shrinkTries: number
  readonly say: (line: string) => void
}

/** Plays the histories of seed, seed + 1 and so on. A world serves until its ground's seeds are over, or one of its histories fails. */
export class Campaign implements AsyncDisposable {
  readonly summary = new Summary()
  private readonly options: CampaignOptions
  private world: World | undefined
  private madeFor = Number.NaN
  private isOver = false

  constructor(options: CampaignOptions) {
    this.options = options
  }

  /** The history under way is the last one. */
  stop(): void {
    this.isOver = true
  }

  async run(): Promise<void> {
    const { seed, histories, minutes, say } = this.options
    const start = performance.now()
    const isLate = (): boolean => performance.now() - start >= minutes * 60_000
    for (let at = seed; at < seed + histories && !this.isOver && !isLate(); at += 1) await this.one(at)
    say(`\n${this.summary.text(performance.now() - start)}`)
  }

  private async one(seed: number): Promise<void> {
    const { agents, operations, say } = this.options
    const ground = groundOf(seed, agents)
    const steps = scheduleOf({ ground, seed, operations })
    const world = await this.worldFor(seed, ground)
    const outcome = await play(world, steps, `h${seed}`).catch(brokenOff)
    this.summary.add(seed, outcome)
    const seconds = (ms: number): string => (ms / 1000).toFixed(1)
    const verdict = outcome.violations.length === 0 ? 'holds' : 'FAILS'
    say(
      `${seed} ${verdict}, ${outcome.story.length} steps, ${seconds(outcome.totalMs)} s, agreed after ${seconds(outcome.settleMs)} s`,
    )
    if (outcome.violations.length > 0) await this.pursue(seed, { ground, steps, outcome, world })
  }

  private async worldFor(seed: number, ground: Ground): Promise<World> {
    const block = Math.floor(seed / historiesPerGround)
    if (this.world !== undefined && this.madeFor === block) return this.world
    await this.leave()
    this.options.say(groundText(ground))
    this.world = await World.create(ground, this.options)
    this.madeFor = block
    return this.world
  }

  /** What it left must not spoil the next ones. */
  private async leave(): Promise<void> {
    const { world } = this
    this.world = undefined
    await world?.[Symbol.asyncDispose]()
  }

  private async pursue(
    seed: number,
    { ground, steps, outcome, world }: { ground: Ground; steps: readonly Step[]; outcome: Outcome; world: World },
  ): Promise<void> {
    const { say, shrinkTries } = this.options
    for (const line of outcome.violations) say(`  ${line}`)
    say(`  evidence: ${await keepEvidence(world, seed, outcome)}`)
    await this.leave()
    if (shrinkTries === 0) return
    const home = `h${seed}`
    const fails = async (some: readonly Step[]): Promise<boolean> => {
      await using fresh = await World.create(ground, this.options)
      const { violations } = await play(fresh, some, home)
      const same = violations.find((line) => ruleOf(line) === ruleOf(outcome.violations[0] ?? ''))
      say(`  shrinking: ${some.length} steps ${same === undefined ? 'hold' : `fail: ${same}`}`)
      return same !== undefined
    }
    const kindOf = (step: Step): string => (step.kind === 'fault' ? step.fault : `n${step.node}`)
    const left = await shrink(steps, { kindOf, fails, tries: shrinkTries })
    if (left.length === steps.length) return say('  no part of it failed again')
    say(`  these are left:\n${left.map((step) => `    ${stepText(step)}`).join('\n')}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave()
  }
}

/** What was broken, without what broke it: another failure on the way must not lead astray. */
const ruleOf = (violation: string): string => violation.split(':')[0]?.replace(/ on n\d$/, '') ?? ''

/** A fault of this test bed, most likely; the other histories go on. */
function brokenOff(error: unknown): Outcome {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { violations: [`broken off: ${text}`], tally: new Tally(), story: [], settleMs: 0, totalMs: 0 }
}
