/// <reference lib="esnext.disposable" />
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Lab } from '../lab/lab.ts'
import { replicasEqual, untilEqual } from '../lab/replicas.ts'
import { pause } from '../lab/until.ts'
import type { Contender, Running } from './contender.ts'
import { directoryNames, editedLine, fileBytes, filesPerDirectory, median, populate, randomLines } from './numbers.ts'
import { Prober, wallNow } from './prober.ts'
import type { Scale } from './scale.ts'

/** By row id; what could not be measured is absent. */
export type Values = Record<string, number>

export type Say = (text: string) => void

export interface Bench {
  readonly lab: Lab
  readonly running: Running
  readonly prober: Prober
  readonly scale: Scale
  readonly say: Say
}

const roots = (lab: Lab): string[] => lab.nodes.map(({ folderPath }) => folderPath)

/** Runs `body` with the contender on a fresh lab. */
async function on(
  graph: string,
  contender: Contender,
  scale: Scale,
  say: Say,
  body: (bench: Bench) => Promise<Values>,
): Promise<Values> {
  await using lab = await Lab.create(graph)
  await using running = await contender.start(lab)
  await using prober = new Prober()
  return await body({ lab, running, prober, scale, say })
}

type Arrival = 'written' | 'moved in'

/** Seconds until all files are everywhere, checked byte for byte; they are written at a one by one, the writing included, or moved in
 *  by whole directories, as a tree that was there before. */
async function firstSync({ lab, prober, say }: Bench, files: number, arrival: Arrival): Promise<number | undefined> {
  const { folderPath, directory } = lab.node('a')
  const directories = directoryNames(files)
  const content = randomLines(files * fileBytes)
  const staging = join(directory, 'staging')
  mkdirSync(staging)
  if (arrival === 'moved in') populate(staging, files, content)
  const [since, deadlineMs] = [wallNow(), 400_000]
  const asked = prober.ask({
    kind: 'tree',
    roots: roots(lab),
    directories,
    filesEach: filesPerDirectory,
    deadlineMs,
    since,
  })
  if (arrival === 'written') populate(folderPath, files, content)
  else for (const name of directories) renameSync(join(staging, name), join(folderPath, name))
  say(`${files} files ${arrival} in ${((wallNow() - since) / 1000).toFixed(1)} s`)
  const ms = await asked
  if (ms === undefined) return undefined
  if (replicasEqual(lab.nodes)) return ms / 1000
  // Names came before contents: then the time of the check counts.
  await untilEqual(lab.nodes, { deadlineMs, intervalMs: 500 })
  return (wallNow() - since) / 1000
}

/** Median milliseconds and bytes of one-line edits of random files, each after the last has settled. */
export async function edits(
  { lab, prober, scale, say }: Pick<Bench, 'lab' | 'prober' | 'say'> & { readonly scale: Pick<Scale, 'edits'> },
  files: number,
): Promise<{ ms?: number; bytes?: number }> {
  const [times, bytes]: [number[], number[]] = [[], []]
  const directories = directoryNames(files)
  for (let edit = 0; edit < scale.edits; edit += 1) {
    await settle(lab)
    const path = join(
      directories[(edit * 37 + 11) % directories.length] ?? '',
      `${(edit * 53 + 7) % filesPerDirectory}.txt`,
    )
    const origin = lab.node('a').folderPath
    const content = editedLine(readFileSync(join(origin, path)), edit % (fileBytes / 64)).toString('latin1')
    const before = lab.bytes()
    const ms = await prober.ask({
      kind: 'edit',
      roots: [origin, ...roots(lab).filter((root) => root !== origin)],
      path,
      content,
      deadlineMs: 30_000,
    })
    if (ms === undefined) break
    await settle(lab)
    times.push(ms)
    bytes.push(lab.bytes() - before)
  }
  say(`edits: ${times.map((ms) => ms.toFixed(0)).join(' ')} ms`)
  const [ms, sent] = [median(times), median(bytes)]
  return times.length < scale.edits
    ? {}
    : { ...(ms !== undefined && { ms }), ...(sent !== undefined && { bytes: sent }) }
}

/** A second and a half for those that are never quiet; then until the links are. */
async function settle(lab: Lab): Promise<void> {
  await pause(1500)
  await lab.quiet(300, 2000)
}

/** What happens when nothing happens, per minute. */
async function idle({ lab, running, scale }: Bench): Promise<{ bytes: number; cpuSeconds: number }> {
  await lab.quiet(2000, 5000)
  const cpu = (): number[] => lab.nodes.map(({ name }) => running.usage(name).cpuSeconds)
  const before = cpu()
  const bytes = await lab.bytesDuring(scale.idleSeconds * 1000)
  const used = cpu().map((seconds, index) => seconds - (before[index] ?? 0))
  const perMinute = 60 / scale.idleSeconds
  return { bytes: bytes * perMinute, cpuSeconds: Math.max(...used) * perMinute }
}

/** Bytes on all links for files written at a, as a multiple of payload × (nodes − 1). */
async function byteRatio(
  { lab, prober, say }: Bench,
  files: Readonly<Record<string, Buffer>>,
): Promise<number | undefined> {
  await lab.quiet(1000, 3000)
  const before = lab.bytes()
  const since = wallNow()
  const sizes = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, content.length]))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(lab.node('a').folderPath, name), content)
  const ms = await prober.ask({ kind: 'files', roots: roots(lab), sizes, deadlineMs: 180_000, since })
  if (ms === undefined) return undefined
  await untilEqual(lab.nodes, { deadlineMs: 60_000, intervalMs: 300 })
  await lab.quiet(1000, 3000)
  say(`${Object.keys(files)} everywhere after ${(ms / 1000).toFixed(1)} s`)
  const payload = Object.values(sizes).reduce((total, size) => total + size, 0)
  return (lab.bytes() - before) / (payload * (lab.nodes.length - 1))
}

const defined = (values: Record<string, number | undefined>): Values =>
  Object.fromEntries(Object.entries(values).filter((pair): pair is [string, number] => pair[1] !== undefined))

export const cases = {
  line: (contender, scale, say) =>
    on('line', contender, scale, say, async (bench) => {
      const first = await firstSync(bench, scale.lineFiles, 'written')
      if (first === undefined) return {}
      say(`first sync ${first.toFixed(1)} s`)
      const edit = await edits(bench, scale.lineFiles)
      const rest = await idle(bench)
      return defined({ first, edit: edit.ms, editBytes: edit.bytes, idleBytes: rest.bytes, idleCpu: rest.cpuSeconds })
    }),
  data: async (contender, scale, say) => {
    const zeros = Buffer.alloc(scale.zeroBytes)
    const ratio = (files: Readonly<Record<string, Buffer>>) =>
      on('line', contender, scale, say, async (bench) => defined({ ratio: await byteRatio(bench, files) }))
    const same = await ratio({ 'zeros-1': zeros, 'zeros-2': zeros, 'zeros-3': zeros })
    const random = await ratio({ random: randomBytes(scale.randomBytes) })
    return defined({ zeros: same.ratio, random: random.ratio })
  },
  ring: async (contender, scale, say) => {
    const random = randomBytes(scale.ringBytes)
    const line = await on('line', contender, scale, say, async (bench) =>
      defined({ ratio: await byteRatio(bench, { random }) }),
    )
    const ring = await on('ring', contender, scale, say, async (bench) => {
      const ratio = await byteRatio(bench, { random })
      return ratio === undefined ? {} : { ratio, after: (await idle(bench)).bytes }
    })
    return defined({ sameOnLine: line.ratio, ring: ring.ratio, ringAfter: ring.after })
  },
  pair: (contender, scale, say) =>
    on('pair', contender, scale, say, async (bench) => {
      const first = await firstSync(bench, scale.pairFiles, 'moved in')
      if (first === undefined) return {}
      say(`first sync ${first.toFixed(1)} s`)
      const edit = await edits(bench, scale.pairFiles)
      const rest = await idle(bench)
      const usage = bench.lab.nodes.map(({ name }) => bench.running.usage(name))
      const rss = Math.max(...usage.map(({ rssBytes }) => rssBytes))
      const tree = Math.max(...usage.map(({ treeRssBytes }) => treeRssBytes))
      return defined({
        pairFirst: first,
        pairEdit: edit.ms,
        pairRss: rss,
        pairTreeRss: tree,
        pairIdleCpu: rest.cpuSeconds,
      })
    }),
} satisfies Record<string, (contender: Contender, scale: Scale, say: Say) => Promise<Values>>

export type CaseName = keyof typeof cases
