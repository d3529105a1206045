import { afterEach, beforeAll } from 'vitest'
import type { Identity } from '../identity.ts'
import type { TransportOptions } from '../types.ts'
import { LoopbackNode, makeIdentities } from './loopback.ts'
import { Relay } from './relay.ts'

/** Nodes of a test file, by their place among the identities: 0 is `a`, with the smallest id. What is started ends with the test, the
 *  last first. */
export interface Loopback {
  identity(index: number): Identity
  start(index: number, options?: Partial<TransportOptions>): Promise<LoopbackNode>
  relayTo(target: string, delayMs?: number): Promise<Relay>
  /** Ends something else with the test, too. */
  keep<Item extends AsyncDisposable>(item: Item): Item
}

export function useLoopback(count: number): Loopback {
  let identities: readonly Identity[] = []
  const open: AsyncDisposable[] = []
  beforeAll(async () => {
    identities = await makeIdentities(count)
  })
  afterEach(async () => {
    for (const item of open.splice(0).reverse()) await item[Symbol.asyncDispose]()
  })

  function identity(index: number): Identity {
    const found = identities[index]
    if (found === undefined) throw new Error('no such identity')
    return found
  }

  function keep<Item extends AsyncDisposable>(item: Item): Item {
    open.push(item)
    return item
  }

  async function start(index: number, options: Partial<TransportOptions> = {}): Promise<LoopbackNode> {
    const node = keep(new LoopbackNode(identity(index), 'abc'.charAt(index), options))
    await node.transport.start()
    return node
  }

  async function relayTo(target: string, delayMs = 0): Promise<Relay> {
    return await keep(new Relay(target, { delayMs })).listen()
  }

  return { identity, start, relayTo, keep }
}
