import { readdirSync, statSync } from 'node:fs'
import { until } from '../../lab/until.ts'
import type { NodeName } from '../places.ts'
import { fileOf } from './hand.ts'
import type { Stage } from './stage.ts'
import type { Step } from './step.ts'

const deadlineMs = 120_000
const copyName = /^plan \(conflict \d{4}-\d\d-\d\d laptop\)\.txt$/

/** Every replica that can be reached agrees, says the agent itself; then nothing may have changed. */
export async function confirmed(stage: Stage, name: NodeName): Promise<void> {
  await stage.network.agent(name).command(['sync', '--wait', '--timeout', '120s'])
  const differences = stage.differences()
  if (differences.length > 0) throw new Error(`afterwards the replicas changed again\n${differences.join('\n')}`)
}

/** The later edit wins, the other one is kept beside it. */
export const conflict: Step = {
  name: 'a conflict: both edit one file while server is down; from its start',
  by: 'desktop',
  act: async (stage) => {
    stage.at('desktop').write('plan.txt', 'the plan\n')
    await stage.settle()
    await stage.calm()
    const server = stage.network.agent('server')
    await server.stop()
    const [loser, winner] = ['the plan, edited on laptop\n', 'the plan, edited later on desktop\n']
    const laptop = stage.at('laptop')
    laptop.writeUnnoted('plan.txt', loser)
    const { mtimeMs } = statSync(laptop.at('plan.txt'))
    // Until the file system's clock has ticked, the edits would be of the same time.
    await until(() => Date.now() > mtimeMs + 20, { deadlineMs, what: 'time passes', signal: stage.signal })
    stage.at('desktop').write('plan.txt', winner)
    const start = performance.now()
    server.start()
    const copy = await until(() => readdirSync(stage.at('desktop').root).find((name) => copyName.test(name)), {
      ...{ deadlineMs, intervalMs: 5, signal: stage.signal },
      what: 'desktop has the conflict copy of what was written on laptop',
    })
    // A second one, or another content, shows as a difference.
    stage.wanted.set(copy, fileOf(loser))
    return start
  },
  after: (stage) => confirmed(stage, 'desktop'),
}

/** What was deleted while a machine was away does not rise from the dead when it comes back. */
export const away: Step = {
  name: 'deletions and more while laptop is away; from its start',
  by: 'desktop',
  act: async (stage) => {
    const laptop = stage.network.agent('laptop')
    await laptop.stop()
    const desktop = stage.at('desktop')
    desktop.remove('pictures of 2026')
    desktop.remove('empty')
    for (const index of [0, 10, 20]) desktop.remove(`many/0/${index}`)
    desktop.rename('many/1', 'many/one')
    desktop.write('run.sh', '#!/bin/sh\necho edited meanwhile\n')
    await stage.settle({ only: ['server', 'desktop'] })
    const start = performance.now()
    laptop.start()
    return start
  },
  after: (stage) => confirmed(stage, 'laptop'),
}

const workFiles = 400

/** Files from both sides; answers with most of them in flight. */
export async function beginWork(stage: Stage, directory: string): Promise<void> {
  const [laptop, desktop] = [stage.at('laptop'), stage.at('desktop')]
  for (let index = 0; index < workFiles; index += 1) {
    laptop.write(`${directory}/laptop ${index}`, `${index} `.repeat(5000))
    desktop.write(`${directory}/desktop ${index}`, `${index} `.repeat(500))
  }
  const server = stage.at('server').at(directory)
  const arrived = (): string[] => readdirSync(server).filter((name) => !name.startsWith('.'))
  await until(() => arrived().length >= workFiles / 10, {
    ...{ deadlineMs, intervalMs: 1, signal: stage.signal },
    what: 'server has a part of the work',
  })
}

/** Each side goes on with what it has begun. */
export function goOnWorking(stage: Stage, directory: string, because: string): void {
  for (let index = 0; index < workFiles; index += 4) {
    stage.at('laptop').remove(`${directory}/laptop ${index}`)
    stage.at('desktop').write(`${directory}/desktop ${index}`, `edited while ${because}\n`)
  }
}

/** SIGKILL to server with files in flight from both sides, more work while it is dead, then it starts again. */
export const crash: Step = {
  name: 'server is killed in the middle of work; from its restart',
  by: 'laptop',
  act: async (stage) => {
    const server = stage.network.agent('server')
    await beginWork(stage, 'work')
    await server.crash()
    goOnWorking(stage, 'work', 'server was dead')
    stage.at('laptop').rename('many/2', 'many/two')
    const start = performance.now()
    server.start()
    return start
  },
  after: (stage) => confirmed(stage, 'server'),
}
