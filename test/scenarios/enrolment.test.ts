import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { connectControl } from '@spansync/agent/control/client'
import { loadConfig } from '@spansync/common/config/file'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CoordinatorNode } from '../lab/coordinator-node.ts'
import { describeLab, useLab } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { type BareMachine, useMachines } from './bare-machine.ts'

const deadlineMs = 45_000

interface Credentials {
  readonly node: string
  readonly seed: string
  readonly pending?: boolean
}

describeLab('a coordinator, for machines that join and machines with a new key', () => {
  const lab = useLab({
    name: 'three-and-hub',
    nodes: ['hub', 'a', 'b', 'c'],
    links: [
      { a: 'a', b: 'b', dialer: 'a' },
      { a: 'a', b: 'c', dialer: 'a' },
      { a: 'b', b: 'c', dialer: 'b' },
    ],
  })
  let coordinator: CoordinatorNode
  beforeAll(async () => {
    coordinator = new CoordinatorNode(await lab().manage('hub'))
    await coordinator.init()
    await coordinator.start()
  }, 180_000)
  afterAll(async () => {
    await coordinator[Symbol.asyncDispose]()
  }, 180_000)
  // Said after the coordinator, so that the machines stop before it does.
  const at = useMachines(lab)

  const isConnected = async (machine: BareMachine): Promise<boolean> =>
    (await connectControl(machine.home).status()).coordinator.connected
  const credentials = (machine: BareMachine): Credentials => {
    const file = loadConfig(machine.home).coordinator?.creds ?? ''
    expect(statSync(file).mode & 0o777).toBe(0o600)
    return JSON.parse(readFileSync(file, 'utf8')) as Credentials
  }
  const known = async (): Promise<Record<string, string>> => {
    const { nodes } = await coordinator.status()
    return Object.fromEntries(nodes.filter(({ registered }) => registered).map(({ name, id }) => [name, id]))
  }
  const rotate = async (machine: BareMachine): Promise<{ id: string; before: string }> =>
    JSON.parse((await machine.type('rotate', '--json')).stdout) as { id: string; before: string }

  test('whoever joins gets credentials of its own, and gives its seed to nobody', async () => {
    const [a, b] = [at('a'), at('b')]
    a.write('docs/letter.txt', 'Dear Ann')
    await a.type('init', '--name', 'a')
    const id = (await a.type('id')).stdout.trim()
    const file = join(a.home, 'a.creds')
    await coordinator.command(['nodes', 'add', 'a', '--id', id, '--out', file])
    // Each machine has a cable of its own to the hub.
    const url = ['a', 'b', 'c'].map((name) => coordinator.urlFor(name)).join(',')
    await a.type('coordinator', 'set', url, '--creds', file)
    const code = await a.invite(a.path('docs'))
    const { stdout } = await b.type('join', code, '--name', 'b')
    expect(stdout).toMatch(/the coordinator at .* has let this machine in/)
    expect(credentials(b)).toMatchObject({ node: await b.id() })
    expect(credentials(b).seed).not.toBe(credentials(a).seed)
    await until(() => credentials(b).pending === undefined, { deadlineMs, what: 'it is noted' })
    expect(await known()).toEqual({ a: id, b: await b.id() })
    await b.type('folder', 'accept', 'docs', b.path('docs'))
    await until(() => b.has('docs/letter.txt', 'Dear Ann'), { deadlineMs, what: 'the letter comes' })
    await until(async () => (await coordinator.plan('docs')).edges.length === 1, { deadlineMs, what: 'it is planned' })
  })

  test('while the coordinator is away one can join all the same, and is let in when it is back', async () => {
    const [b, c] = [at('b'), at('c')]
    await coordinator.stop()
    const { stdout } = await c.type('join', await b.invite(), '--name', 'c')
    expect(stdout).toMatch(/has not let this machine in yet.*\nit goes on asking by itself/)
    await c.type('folder', 'accept', 'docs', c.path('docs'))
    await until(() => c.has('docs/letter.txt', 'Dear Ann'), { deadlineMs, what: 'the letter comes' })
    await coordinator.start()
    await until(() => isConnected(c), { deadlineMs: 90_000, what: 'it is let in' })
    expect(Object.keys(await known()).sort()).toEqual(['a', 'b', 'c'])
  })

  test('a machine with a new key gets a new one for the coordinator too, through its peers or by itself', async () => {
    const [a, b, c] = [at('a'), at('b'), at('c')]
    const before = credentials(b)
    await until(() => isConnected(b), { deadlineMs, what: 'it is connected' })
    const { id } = await rotate(b)
    await until(() => isConnected(b), { deadlineMs, what: 'it is connected again' })
    expect((await known()).b).toBe(id)
    expect(credentials(b)).toMatchObject({ node: id })
    expect(credentials(b).seed).not.toBe(before.seed)
    await until(() => !existsSync(join(b.home, 'coordinator.creds.before')), {
      deadlineMs,
      what: 'the old ones are gone',
    })
    await Promise.all([a.stop(), c.stop()])
    const alone = await rotate(b)
    await until(() => isConnected(b), { deadlineMs, what: 'it is connected without its peers' })
    expect((await known()).b).toBe(alone.id)
    for (const one of [a, c]) await one.run()
    for (const one of [a, c]) await until(() => one.isLinkedWith(b), { deadlineMs, what: 'its peers take the new key' })
    b.write('docs/answer.txt', 'Dear Bob')
    await until(() => c.has('docs/answer.txt', 'Dear Bob'), { deadlineMs, what: 'it is synced on orders' })
  })
})
