/// <reference lib="esnext.disposable" />
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LabGraph, type LinkSpec, loadGraph } from './graph.ts'
import { LabLink } from './lab-link.ts'
import { LabNode } from './lab-node.ts'
import { ManagementNet } from './management.ts'
import { Namespace } from './namespace.ts'
import { killAll } from './processes.ts'
import { pause, until } from './until.ts'

export type Availability =
  | { readonly ok: true; readonly delays: boolean }
  | { readonly ok: false; readonly reason: string }

let known: Availability | undefined

/** Subnets below are those of the graph's links. */
const firstManagementIndex = 200
const firstCableIndex = 150

/** Machines on this machine: a network namespace per node, a virtual cable per edge of a graph, no forwarding between them.
 *  Several labs can exist at once; nothing of them has a name outside. Disposal, or the death of this process, removes all. */
export class Lab implements AsyncDisposable {
  readonly graph: LabGraph
  readonly directory: string
  readonly links: readonly LabLink[]
  private readonly byName: ReadonlyMap<string, LabNode>
  private readonly resources: AsyncDisposableStack
  private cables = 0
  private readonly managed = new Map<string, Promise<ManagementNet>>()

  private constructor(
    made: Pick<Lab, 'graph' | 'directory' | 'links'>,
    nodes: LabNode[],
    resources: AsyncDisposableStack,
  ) {
    this.graph = made.graph
    this.directory = made.directory
    this.links = made.links
    this.byName = new Map(nodes.map((node) => [node.name, node]))
    this.resources = resources
  }

  /** Whether labs can be made here, and whether the kernel can delay packets (netem). Asked once. */
  static available(): Availability {
    known ??= probe()
    return known
  }

  /** `graph`: a name in ./graphs, a path to a DOT file, or a graph. SPANSYNC_LAB_KEEP=1 keeps the directory. */
  static async create(graph: string | LabGraph): Promise<Lab> {
    const availability = Lab.available()
    if (!availability.ok) throw new Error(availability.reason)
    const plan = typeof graph === 'string' ? loadGraph(graph) : graph
    await using resources = new AsyncDisposableStack()
    const directory = mkdtempSync(join(tmpdir(), `spansync-lab-${plan.name.replaceAll(/\W/g, '-')}-`))
    const kept = process.env.SPANSYNC_LAB_KEEP !== undefined
    if (!kept) resources.defer(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }))
    const nodes: LabNode[] = []
    for (const name of plan.nodes) {
      const namespace = resources.use(await Namespace.create(kept ? '' : directory))
      const node = new LabNode(name, directory, namespace)
      nodes.push(node)
    }
    // First of all on disposal, so that no program sees its network or its files go.
    resources.defer(async () => {
      await Promise.all(nodes.flatMap((node) => node.running().map((program) => program.killTree())))
      await killAll(() => nodes.flatMap((node) => node.namespace.processes()))
    })
    const namespaceOf = (name: string): Namespace => {
      const node = nodes.find((candidate) => candidate.name === name)
      if (node === undefined) throw new Error(`the graph has no node ${name}`)
      return node.namespace
    }
    const links = plan.links.map(
      (spec, index) => new LabLink(spec, index, [namespaceOf(spec.a), namespaceOf(spec.b)], availability.delays),
    )
    for (const link of links) await link.create()
    return new Lab({ graph: plan, directory, links }, nodes, resources.move())
  }

  get nodes(): LabNode[] {
    return [...this.byName.values()]
  }

  node(name: string): LabNode {
    const node = this.byName.get(name)
    if (node === undefined) throw new Error(`the lab has no node ${name}`)
    return node
  }

  link(a: string, b: string): LabLink {
    const link = this.links.find(({ spec }) => (spec.a === a && spec.b === b) || (spec.a === b && spec.b === a))
    if (link === undefined) throw new Error(`the lab has no link ${a}-${b}`)
    return link
  }

  /** The address of `node` on its link to `peer`. */
  address(node: string, peer: string): string {
    return this.link(node, peer).addressOf(node)
  }

  /** One more cable between two nodes, beside those of the graph: another network that both are on. None of them is among `links`. */
  async addCable(spec: LinkSpec): Promise<LabLink> {
    const availability = Lab.available()
    const ends = [this.node(spec.a).namespace, this.node(spec.b).namespace] as const
    const cable = new LabLink(spec, firstCableIndex + this.cables++, ends, availability.ok && availability.delays)
    await cable.create()
    return cable
  }

  /** The cables to a coordinator on `hub`; made at the first call. None of them is among `links`. */
  manage(hub: string): Promise<ManagementNet> {
    const made = this.managed.get(hub) ?? this.makeManagement(hub)
    this.managed.set(hub, made)
    return made
  }

  private makeManagement(hub: string): Promise<ManagementNet> {
    const firstIndex = firstManagementIndex + this.managed.size * this.nodes.length
    const availability = Lab.available()
    const delays = availability.ok && availability.delays
    return ManagementNet.create({ hub: this.node(hub), nodes: this.nodes, firstIndex, delays })
  }

  /** Over all links of the graph, both ways, since the lab was made. */
  bytes(): number {
    return this.links.reduce((total, link) => total + link.bytes(), 0)
  }

  /** Waits until nothing was sent over any link for `quietMs`; false when that does not happen within `deadlineMs`. */
  async quiet(quietMs = 300, deadlineMs = 5000): Promise<boolean> {
    let before = this.bytes()
    let since = performance.now()
    const silent = (): boolean => {
      const now = this.bytes()
      if (now !== before) since = performance.now()
      before = now
      return performance.now() - since >= quietMs
    }
    return until(silent, { deadlineMs, what: 'the links are quiet' }).catch(() => false)
  }

  /** What is sent over all links in `ms`. */
  async bytesDuring(ms: number): Promise<number> {
    const before = this.bytes()
    await pause(ms)
    return this.bytes() - before
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync()
  }
}

function probe(): Availability {
  if (process.platform !== 'linux') return { ok: false, reason: 'network namespaces need Linux' }
  if (process.getuid?.() !== 0) return { ok: false, reason: 'network namespaces need root' }
  const answer = (argv: string[]): { ok: boolean; said: string } => {
    const { status, stderr, error } = spawnSync('unshare', ['--net', ...argv], { encoding: 'utf8' })
    return { ok: status === 0, said: error?.message ?? stderr.trim() }
  }
  for (const needed of [['true'], ['ip', '-V'], ['tc', '-V'], ['nsenter', '-V'], ['setpriv', '-V']]) {
    const { ok, said } = answer(needed)
    if (!ok)
      return { ok: false, reason: `network namespaces do not work here (unshare --net ${needed.join(' ')}: ${said})` }
  }
  const made = ['ip', 'link', 'set', 'lo', 'up', '&&', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root']
  const tbf = answer(['sh', '-c', [...made, 'tbf rate 1mbit burst 32k latency 50ms'].join(' ')])
  if (!tbf.ok) return { ok: false, reason: `the kernel cannot limit a link's rate (tbf: ${tbf.said})` }
  return { ok: true, delays: answer(['sh', '-c', [...made, 'netem delay 1ms'].join(' ')]).ok }
}
