import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { NotOursError } from './errors.ts'
import { type DemoPlaces, nodeNames } from './places.ts'

const markerName = '.spansync-demo.json'

interface Readiness {
  readonly ready: boolean
  readonly coordinator?: boolean
}

const markerSchema = z.object({
  /** Where it was set up: the configurations hold absolute paths. */
  root: z.string(),
  /** The agents. */
  ready: z.boolean(),
  coordinator: z.boolean().default(false),
})

/** Makes the directory ours, or makes sure that it is. Throws NotOursError. */
export function claim(places: DemoPlaces): void {
  const { root } = places
  const stats = lstatSync(root, { throwIfNoEntry: false })
  if (stats === undefined) mkdirSync(root, { recursive: true })
  else if (!isOurs(root) && !(stats.isDirectory() && readdirSync(root).length === 0)) throw new NotOursError(root)
  if (!isOurs(root)) mark(places, { ready: false })
}

function isOurs(root: string): boolean {
  return lstatSync(join(root, markerName), { throwIfNoEntry: false })?.isFile() === true
}

/** What the next start can use of what is there: the agents, and their coordinator. */
export function mark({ root }: DemoPlaces, { ready, coordinator = false }: Readiness): void {
  writeFileSync(join(root, markerName), `${JSON.stringify({ root, ready, coordinator })}\n`)
}

/** The agents are set up to the end, here, and complete. */
export function isReady(places: DemoPlaces): boolean {
  const marker = readMarker(places.root)
  if (marker?.ready !== true || marker.root !== places.root) return false
  return nodeNames.every((name) => {
    const needed = ['config.yaml', 'key.pem', 'cert.pem'].map((file) => join(places.home(name), file))
    return [...needed, join(places.documents(name), '.spansync', 'folder.json')].every((file) => existsSync(file))
  })
}

/** The same for the coordinator. */
export function isCoordinatorReady(places: DemoPlaces): boolean {
  if (!isReady(places) || readMarker(places.root)?.coordinator !== true) return false
  const own = ['config.yaml', 'nats.json', 'store.sqlite', 'nats/server-key.pem', 'nats/server-cert.pem']
  const needed = [
    ...own.map((file) => join(places.coordinatorHome, file)),
    ...nodeNames.map((n) => places.credentials(n)),
  ]
  return needed.every((file) => existsSync(file))
}

function readMarker(root: string): z.infer<typeof markerSchema> | undefined {
  try {
    return markerSchema.parse(JSON.parse(readFileSync(join(root, markerName), 'utf8')))
  } catch {
    return undefined
  }
}

/** Removes everything inside, documents too; the directory itself stays, for a shell may be in it. Throws NotOursError. */
export function empty(places: DemoPlaces): void {
  claim(places)
  mark(places, { ready: false })
  // The marker goes last: a removal that was interrupted can be resumed.
  const names = readdirSync(places.root).filter((name) => name !== markerName)
  for (const name of [...names, markerName]) rmSync(join(places.root, name), { recursive: true, force: true })
  claim(places)
}
