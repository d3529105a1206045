import { join } from 'node:path'
import { createCredentials, readCredentials, writeCredentials } from '@spansync/common/adapters/nats/credentials'
import type { NodeId } from '@spansync/common/core/causal/types'
import { type OrderAnswer, type StateAnswer, subjects } from '@spansync/common/protocol/coordination'
import { expect, test } from 'vitest'
import { untilMode } from '../lab/coordinate.ts'
import { type Heard, sayOverNats } from '../lab/nats-say.ts'
import type { SpansyncNode } from '../lab/spansync-node.ts'
import { describeLab, useCoordinator, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'
import { untilExplained } from './trouble.ts'

describeLab('a coordinator on a, and what does not fit', () => {
  const fleet = useFleet('pair')
  const coordinator = useCoordinator(fleet, 'a')
  const agent = (name: string): SpansyncNode => fleet().agent(name)
  const place = (node: string): Place => new Place(agent(node).folderPath)
  const idOf = async (name: string): Promise<NodeId> => (await agent(name).id()) as NodeId
  const texts = (heard: readonly Heard[]): string[] => heard.map(({ answer, error }) => answer ?? error ?? '')

  async function worksBothWays(name: string): Promise<void> {
    for (const node of ['a', 'b']) {
      place(node).write(`${name}, from ${node}`, name)
      await fleet().follow(node)
    }
  }

  test('states that are malformed, too large or of somebody else are counted, logged and answered', async () => {
    const [own, other] = [await idOf('b'), await idOf('a')]
    const before = (await coordinator().status()).messages.refused
    const credentialsFile = join(agent('b').home, 'coordinator.creds')
    const subject = subjects.state(own)
    const heard = await sayOverNats(agent('b').machine, { url: coordinator().urlFor('b'), credentialsFile }, [
      { subject, text: 'this is not JSON' },
      { subject, text: '{}' },
      { subject, text: '{"node":', padding: 1_010_000 },
      { subject, text: JSON.stringify({ node: other, name: 'a' }) },
      { subject: subjects.state(other), text: '{}' },
      { subject: subjects.order(other), text: '{}' },
    ])
    const problems = heard.slice(0, 4).map(({ answer = '{}' }) => (JSON.parse(answer) as StateAnswer).problem)
    const aboutField = expect.stringMatching(/^\w+: /)
    // What is larger than any honest message is not worth an answer.
    expect(problems).toEqual([expect.stringContaining('not JSON'), aboutField, undefined, aboutField])
    expect(texts(heard.slice(4)).join(' '), 'what the server does not permit').toMatch(/permission.*permission/is)
    const { messages, nodes } = await coordinator().status()
    expect(messages.refused - before).toBe(4)
    expect(nodes).toHaveLength(2)
    expect(coordinator().log()).toContainEqual(
      expect.objectContaining({ event: 'nats.message_dropped', source: subject }),
    )
    await worksBothWays('after bad states')
    await untilMode(fleet().agents, 'centralised')
  })

  test('orders that cannot be carried out are refused with the reason', async () => {
    const [to, peer] = [await idOf('b'), await idOf('a')]
    const { epoch } = await coordinator().status()
    const subject = subjects.order(to)
    const order = { epoch, id: 'made up', folder: 'f', peer, expiresInMs: 1000 }
    const { credentialsFile, machine } = coordinator()
    const heard = await sayOverNats(machine, { url: coordinator().urlFor('a'), credentialsFile }, [
      { subject, text: JSON.stringify({ ...order, folder: 'nobody-has-this' }) },
      { subject, text: JSON.stringify({ ...order, peer: to }) },
      { subject, text: JSON.stringify({ ...order, epoch: epoch - 1 }) },
      { subject, text: 'x' },
      { subject: subjects.beat, text: 'x' },
    ])
    const codes = heard.slice(0, 4).map(({ answer = '{}' }) => (JSON.parse(answer) as OrderAnswer).code)
    expect(codes).toEqual(['folder_not_held', 'unknown_peer', 'old_epoch', 'bad_order'])
    await worksBothWays('after bad orders')
    await untilMode(fleet().agents, 'centralised')
  })

  test('a node with a wrong key: it says so and syncs directly, until it has the right one', async () => {
    const [url, right] = [coordinator().urlFor('b'), join(agent('b').home, 'coordinator.creds')]
    const wrong = join(agent('b').home, 'wrong.creds')
    await writeCredentials(wrong, createCredentials(await readCredentials(right)))
    await agent('b').command(['coordinator', 'set', url, '--creds', wrong])
    await untilExplained(agent('b'), /key/, /spansync-coordinator nodes/)
    await worksBothWays('with a wrong key')
    await agent('b').command(['coordinator', 'set', url, '--creds', right])
    await untilMode(fleet().agents, 'centralised')
  })

  test('a node that is taken out goes on directly, and follows when it is taken in again', async () => {
    await coordinator().command(['nodes', 'remove', 'b'])
    await untilMode([agent('b')], 'decentralised')
    await untilExplained(agent('b'), /key/, /spansync-coordinator nodes/)
    await until(async () => (await coordinator().status()).nodes.length === 1, {
      ...{ deadlineMs: 5000, what: 'the coordinator knows one node only' },
    })
    await worksBothWays('taken out')
    // New credentials at the old place, as `nodes add` writes them.
    await coordinator().enlist(agent('b'))
    // The server may refuse the new key once or twice, before it has heard of it.
    await untilMode(fleet().agents, 'centralised', 5000)
  })

  test('a node that cannot reach NATS any more carries on, and what it writes comes through', async () => {
    const link = coordinator().network.link('b')
    await link.setUp(false)
    place('a').write('towards the one that is cut off', 'x')
    await fleet().follow('a', { deadlineMs: 25_000 })
    place('b').write('from the one that is cut off', 'y')
    await fleet().follow('b', { deadlineMs: 25_000 })
    await link.setUp(true)
    await untilMode(fleet().agents, 'centralised')
    await worksBothWays('reached again')
  })
})
