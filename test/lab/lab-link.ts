/// <reference lib="esnext.disposable" />
import { type LinkSpec, parseRate } from './graph.ts'
import type { Namespace } from './namespace.ts'

/** Bytes waiting before packets are dropped: a fraction of a second, as in a home router. */
const queueMs = 50
/** Bytes that may leave at once. Above one packet of 1500, small enough that 2 Mbit/s is really slow. */
const burstBytes = 32 * 1024

/** An address that no end has. */
const nobody = '02:77:00:00:ff:00'

/** One end of a link: the interface `device` inside `namespace`. */
interface End {
  readonly node: string
  readonly namespace: Namespace
  readonly device: string
  address: string
  readonly mac: string
}

/** A virtual cable between two nodes with its own subnet, a rate and a delay, the same both ways. */
export class LabLink implements AsyncDisposable {
  readonly spec: LinkSpec
  private readonly ends: readonly [End, End]
  private readonly delays: boolean
  private rateBitsPerSecond: number | undefined
  private up = false

  /** `index` makes the subnet; `delays` says whether the kernel can delay packets. */
  constructor(spec: LinkSpec, index: number, namespaces: readonly [Namespace, Namespace], delays: boolean) {
    const end = (node: string, namespace: Namespace, host: number): End => ({
      node,
      namespace,
      device: `e${index}`,
      address: `10.77.${index}.${host}`,
      mac: `02:77:00:00:${index.toString(16).padStart(2, '0')}:0${host}`,
    })
    this.spec = spec
    this.ends = [end(spec.a, namespaces[0], 1), end(spec.b, namespaces[1], 2)]
    this.delays = delays
    this.rateBitsPerSecond = spec.rateBitsPerSecond
  }

  async create(): Promise<void> {
    const [a, b] = this.ends
    await a.namespace.run(
      ...['ip', 'link', 'add', 'name', a.device, 'address', a.mac, 'type', 'veth'],
      ...['peer', 'name', b.device, 'address', b.mac, 'netns', String(b.namespace.pid)],
    )
    await Promise.all(
      this.ends.map((end) => end.namespace.run('ip', 'addr', 'add', `${end.address}/29`, 'dev', end.device)),
    )
    await this.setUp(true)
    await this.shape()
  }

  addressOf(node: string): string {
    return this.endOf(node).address
  }

  /** The cable is pulled at the end that does not dial: that one has no route any more, the other sends into the void. */
  async setUp(up: boolean): Promise<void> {
    const cut = this.ends.filter((end) => up || end.node !== this.spec.dialer)
    await Promise.all(cut.map((end) => end.namespace.run('ip', 'link', 'set', end.device, up ? 'up' : 'down')))
    this.up = up
    if (up) await this.introduce()
  }

  /** From now on nothing that the node sends arrives, while it hears all: it addresses somebody who is not there. The same as
   *  loss in one direction, and needs nothing of the kernel. Ends with `setUp(true)`. */
  async loseFrom(node: string): Promise<void> {
    const from = this.endOf(node)
    await from.namespace.run(
      ...['ip', 'neigh', 'replace', this.otherThan(from).address, 'lladdr', nobody],
      ...['dev', from.device, 'nud', 'permanent'],
    )
  }

  /** The node's address on this link goes, or comes back, as a laptop's does when it is carried from one Wi-Fi to another. The other end
   *  notices nothing. */
  async setPresent(node: string, present: boolean): Promise<void> {
    const { namespace, address, device } = this.endOf(node)
    await namespace.run('ip', 'addr', present ? 'replace' : 'del', `${address}/29`, 'dev', device)
    if (present) await this.introduce()
  }

  get isUp(): boolean {
    return this.up
  }

  /** "2mbit"; the delay stays. */
  async setRate(rate: string): Promise<void> {
    this.rateBitsPerSecond = parseRate(rate)
    await this.shape()
  }

  /** The node gets another address on this link (host 3 to 6 of the subnet), as a laptop does at its next lease. */
  async setAddress(node: string, host: number): Promise<void> {
    const end = this.endOf(node)
    const old = end.address
    end.address = old.replace(/\d+$/, String(host))
    await end.namespace.run('ip', 'addr', 'del', `${old}/29`, 'dev', end.device)
    await end.namespace.run('ip', 'addr', 'add', `${end.address}/29`, 'dev', end.device)
    await this.introduce()
  }

  /** Takes it away. */
  async [Symbol.asyncDispose](): Promise<void> {
    const [{ namespace, device }] = this.ends
    await namespace.run('ip', 'link', 'del', device)
  }

  /** Sent both ways since the link was made, as the kernel counts them: with all headers, at one end. */
  bytes(): number {
    const [{ namespace, device }] = this.ends
    const { received, sent } = namespace.traffic(device)
    return received + sent
  }

  private endOf(node: string): End {
    const end = this.ends.find((candidate) => candidate.node === node)
    if (end === undefined) throw new Error(`${node} is not an end of the link ${this.spec.a}-${this.spec.b}`)
    return end
  }

  private otherThan(end: End): End {
    const [a, b] = this.ends
    return end === a ? b : a
  }

  /** Fixed neighbour entries: no ARP among the counted bytes. Taking a link down forgets them. */
  private async introduce(): Promise<void> {
    const [a, b] = this.ends
    const tell = (end: End, other: End): Promise<string> =>
      end.namespace.run(
        ...['ip', 'neigh', 'replace', other.address, 'lladdr', other.mac, 'dev', end.device, 'nud', 'permanent'],
      )
    await Promise.all([tell(a, b), tell(b, a)])
  }

  private async shape(): Promise<void> {
    const rate = this.rateBitsPerSecond
    const delay = this.delays ? this.spec.delayMs : undefined
    // netem can do both; tbf keeps the rate better and exists in smaller kernels.
    const discipline =
      delay !== undefined
        ? ['netem', 'delay', `${delay}ms`, 'limit', '10000', ...(rate === undefined ? [] : ['rate', `${rate}bit`])]
        : ['tbf', 'rate', `${rate}bit`, 'burst', String(burstBytes), 'latency', `${queueMs}ms`]
    if (delay === undefined && rate === undefined) return
    await Promise.all(
      this.ends.map(({ namespace, device }) =>
        namespace.run('tc', 'qdisc', 'replace', 'dev', device, 'root', ...discipline),
      ),
    )
  }
}
