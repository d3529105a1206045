/// <reference lib="esnext.disposable" />
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LinkSpec } from '../lab/graph.ts'
import type { Lab } from '../lab/lab.ts'
import type { LabNode, LabProcess } from '../lab/lab-node.ts'
import { measureTree } from '../lab/processes.ts'
import { until } from '../lab/until.ts'
import type { Contender, Running } from './contender.ts'

const port = 5001

/** Programs of one contender, by node; all of them count. */
class Programs implements Running {
  private readonly byNode = new Map<string, LabProcess[]>()

  add(node: LabNode, argv: readonly string[], env: NodeJS.ProcessEnv = {}): LabProcess {
    const program = node.spawn(argv, { env })
    this.byNode.set(node.name, [...(this.byNode.get(node.name) ?? []), program])
    return program
  }

  usage(node: string) {
    const all = (this.byNode.get(node) ?? []).map(({ pid }) => measureTree(pid, pid))
    const sum = (of: (usage: (typeof all)[number]) => number): number => all.reduce((total, one) => total + of(one), 0)
    const rssBytes = sum((one) => one.rssBytes)
    return { cpuSeconds: sum((one) => one.cpuSeconds), rssBytes, treeRssBytes: rssBytes }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.byNode.values()].flat().map((program) => program.killTree()))
  }
}

const peersOf = (lab: Lab, node: string, which: (link: LinkSpec) => boolean): string[] =>
  lab.graph.links
    .filter((link) => (link.a === node || link.b === node) && which(link))
    .map(({ a, b }) => (a === node ? b : a))

const found = (...programs: string[]): string | undefined =>
  programs.find((program) => spawnSync('which', [program]).status !== 0)

async function untilListening(lab: Lab): Promise<void> {
  const listening = async (): Promise<boolean> => {
    const tables = await Promise.all(lab.nodes.map((node) => node.exec(['cat', '/proc/net/tcp'])))
    const wanted = `:${port.toString(16).toUpperCase()} 00000000:0000 0A`
    return tables.every(({ stdout }) => stdout.includes(wanted))
  }
  await until(listening, { deadlineMs: 10_000, what: `a server listens on port ${port} of every node` })
}

/** The dialling end of every link runs Unison again and again, a second after the last run has ended. Its own socket transport, so
 *  without encryption: ssh would cost it more. */
export const plainUnison: Contender = {
  id: 'unison',
  title: 'plain Unison',
  missing: () => found('unison'),
  async start(lab) {
    const programs = new Programs()
    const envOf = (node: LabNode): NodeJS.ProcessEnv => ({
      UNISON: join(node.home, 'unison'),
      UNISONLOCALHOSTNAME: node.name,
    })
    for (const node of lab.nodes) programs.add(node, ['unison', '-socket', String(port)], envOf(node))
    await untilListening(lab)
    const options = '-ui text -batch -auto -dumbtty -log=false -contactquietly -terse -times -confirmbigdel=false'
    for (const node of lab.nodes) {
      const runs = peersOf(lab, node.name, (link) => link.dialer === node.name).map((peer) => {
        const far = `socket://${lab.address(peer, node.name)}:${port}/${lab.node(peer).folderPath}`
        return `unison '${node.folderPath}' '${far}' ${options}`
      })
      if (runs.length > 0)
        programs.add(node, ['sh', '-c', `while :; do ${runs.join('; ')}; sleep 1; done`], envOf(node))
    }
    return programs
  },
}

/** Every node watches its folder and, a fifth of a second after a change, runs rsync to every neighbour (newer files only, no
 *  deletions, its own temporary files left out). The rsync daemon's transport: no encryption either. */
export const rsyncDaemon: Contender = {
  id: 'rsync',
  title: 'rsync daemon',
  missing: () => found('rsync', 'inotifywait'),
  async start(lab) {
    const programs = new Programs()
    for (const node of lab.nodes) {
      const file = join(node.directory, 'rsyncd.conf')
      mkdirSync(node.home, { recursive: true })
      writeFileSync(file, `use chroot = no\nuid = root\ngid = root\n[f]\npath = ${node.folderPath}\nread only = no\n`)
      programs.add(node, ['rsync', '--daemon', '--no-detach', `--config=${file}`, `--port=${port}`])
    }
    await untilListening(lab)
    for (const node of lab.nodes) {
      const runs = peersOf(lab, node.name, () => true).map((peer) => {
        const far = `rsync://${lab.address(peer, node.name)}:${port}/f/`
        return `rsync -a -u --exclude '.*.??????' '${node.folderPath}/' '${far}'`
      })
      const temporary = '/\\.[^/]*\\.[A-Za-z0-9]{6}$'
      const watch = `inotifywait -m -r -q -e close_write,create,move --exclude '${temporary}' --format x '${node.folderPath}'`
      const drain = 'while read -r -t 0.2 _; do :; done'
      programs.add(node, ['bash', '-c', `${watch} | while read -r _; do ${drain}; ${runs.join('; ')}; done`])
    }
    return programs
  },
}
