import type { Status } from '@spansync/common/protocol/status'
import type { Tree } from '../../lab/tree.ts'
import { until } from '../../lab/until.ts'
import type { DemoNetwork } from '../network.ts'
import { type DemoPlaces, type NodeName, nodeNames } from '../places.ts'
import { Hand, type Wanted } from './hand.ts'
import { changedPaths, differences, holds } from './replica.ts'

/** Many times what any step needs, for a machine with other work. */
const deadlineMs = 120_000

export interface SettleOptions {
  /** Only these replicas. */
  readonly only?: readonly NodeName[]
}

/** The network, a user at each replica, and what all must hold. */
export class Stage {
  readonly network: DemoNetwork
  readonly wanted: Wanted = new Map()
  readonly signal: AbortSignal
  readonly #places: DemoPlaces
  /** As of the last time that all were equal. */
  #settled: Tree = new Map()

  constructor({ network, places, signal }: { network: DemoNetwork; places: DemoPlaces; signal: AbortSignal }) {
    this.network = network
    this.#places = places
    this.signal = AbortSignal.any([signal, network.failed])
  }

  at(name: NodeName): Hand {
    return new Hand(this.#places.documents(name), this.wanted)
  }

  /** The paths that have changed since all were equal. */
  get changed(): string[] {
    return changedPaths(this.#settled, this.wanted)
  }

  /** Waits until the replicas hold exactly what is wanted, byte for byte; throws DeadlineError with what differs. */
  async settle({ only = nodeNames }: SettleOptions = {}): Promise<number> {
    const replicas = only.map((name) => ({ name, root: this.#places.documents(name) }))
    let reachedAt = 0
    await until(
      async () => {
        await this.#changesArrive(replicas.map(({ root }) => root))
        reachedAt = performance.now()
        // Whatever else is there, or is not, shows only now.
        return differences(this.wanted, replicas).length === 0
      },
      {
        deadlineMs,
        what: () => `${only.join(', ')} hold what they should\n${differences(this.wanted, replicas).join('\n')}`,
        signal: this.signal,
      },
    )
    if (only.length === nodeNames.length) this.#settled = new Map(this.wanted)
    return reachedAt
  }

  /** Looks again and again at the first path that is not yet as wanted: next to nothing, so that it does not slow down what it measures. */
  async #changesArrive(roots: readonly string[]): Promise<void> {
    const pending = roots.flatMap((root) => this.changed.map((path) => ({ root, path })))
    await until(
      () => {
        for (let next = pending.at(-1); next !== undefined; next = pending.at(-1)) {
          if (!holds(next.root, next.path, this.wanted.get(next.path))) return false
          pending.pop()
        }
        return true
      },
      { deadlineMs, intervalMs: 2, what: 'the changes arrive', signal: this.signal },
    )
  }

  /** Waits until the agents, too, say that all is done. A file is there some moments before its agent has checked it and put it on record;
   *  whoever edits it in between has not seen it, as far as the agent can tell, and gets a conflict copy. */
  async calm(): Promise<void> {
    const running = this.network.agents.filter((agent) => agent.running)
    let views: View[] = []
    await until(
      async () => {
        views = await Promise.all(running.map(async (agent) => viewOf(await agent.status(this.signal))))
        return (
          views.every(({ state, open }) => state === 'idle' && open === 0) && new Set(views.map(knowledgeOf)).size === 1
        )
      },
      {
        ...{ deadlineMs, intervalMs: 20, signal: this.signal },
        what: () => `the agents agree that all is done; they say ${JSON.stringify(views)}`,
      },
    )
  }

  differences(): string[] {
    return differences(
      this.wanted,
      nodeNames.map((name) => ({ name, root: this.#places.documents(name) })),
    )
  }
}

interface View {
  readonly node: string
  readonly state: string
  /** Files that this agent knows to be missing somewhere. */
  readonly open: number
  readonly knowledge: Readonly<Record<string, number>>
}

function viewOf({ node, folders }: Status): View {
  const [folder] = folders
  if (folder === undefined) throw new Error(`${node} has no folder`)
  const { state, peers, knowledge } = folder
  return {
    node,
    state,
    knowledge,
    open: peers.reduce((sum, { behind, lacking }) => sum + behind.files + lacking.files, 0),
  }
}

function knowledgeOf({ knowledge }: View): string {
  return JSON.stringify(Object.entries(knowledge).sort(([a], [b]) => (a < b ? -1 : 1)))
}
