import type { LinkSpec } from './graph.ts'
import { LabLink } from './lab-link.ts'
import type { LabNode } from './lab-node.ts'

/** Of an office's network: nobody shall wait for the cable. */
const cable = { rateBitsPerSecond: 100e6, delayMs: 1 } as const

export interface ManagementOptions {
  readonly hub: LabNode
  readonly nodes: readonly LabNode[]
  /** Of the first cable's subnet; the graph's own begin at 0. */
  readonly firstIndex: number
  readonly delays: boolean
}

/** Cables beside those of the graph, one from each node to the hub, that carry the talk with a coordinator there and nothing else: a
 *  node two hops away reaches it, while the measured links carry what is measured alone. */
export class ManagementNet {
  readonly hub: LabNode
  private readonly links: ReadonlyMap<string, LabLink>

  private constructor(hub: LabNode, links: ReadonlyMap<string, LabLink>) {
    this.hub = hub
    this.links = links
  }

  static async create({ hub, nodes, firstIndex, delays }: ManagementOptions): Promise<ManagementNet> {
    const links = new Map<string, LabLink>()
    for (const node of nodes) {
      if (node === hub) continue
      const spec: LinkSpec = { a: node.name, b: hub.name, dialer: node.name, ...cable }
      const link = new LabLink(spec, firstIndex + links.size, [node.namespace, hub.namespace], delays)
      await link.create()
      links.set(node.name, link)
    }
    return new ManagementNet(hub, links)
  }

  /** Where the hub is, as seen from the node. */
  addressFor(node: string): string {
    return node === this.hub.name ? '127.0.0.1' : this.link(node).addressOf(this.hub.name)
  }

  get addresses(): string[] {
    return ['127.0.0.1', ...[...this.links.values()].map((link) => link.addressOf(this.hub.name))]
  }

  link(node: string): LabLink {
    const link = this.links.get(node)
    if (link === undefined) throw new Error(`${node} has no cable to ${this.hub.name}`)
    return link
  }

  /** Over all its cables, both ways. What the hub's own node says stays inside it: see `loopbackBytes`. */
  bytes(): number {
    return [...this.links.values()].reduce((total, link) => total + link.bytes(), 0)
  }

  /** What programs on the hub have said to each other, since it was made. */
  loopbackBytes(): number {
    return this.hub.namespace.traffic('lo').received
  }

  async mend(): Promise<void> {
    for (const link of this.links.values()) if (!link.isUp) await link.setUp(true)
  }
}
