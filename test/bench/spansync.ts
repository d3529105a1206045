import { Fleet } from '../lab/fleet.ts'
import { SpansyncNode } from '../lab/spansync-node.ts'
import type { Contender, Running } from './contender.ts'

export const spansync: Contender = {
  id: 'spansync',
  title: 'Spansync',
  missing: () => (SpansyncNode.built ? undefined : 'not built: npm run build'),
  async start(lab): Promise<Running> {
    const fleet = await Fleet.create(lab)
    return {
      usage: (node) => {
        const { cpuSeconds, rssBytes, agent } = fleet.agent(node).usage()
        return { cpuSeconds, rssBytes: agent.rssBytes, treeRssBytes: rssBytes }
      },
      [Symbol.asyncDispose]: () => fleet[Symbol.asyncDispose](),
    }
  },
}
