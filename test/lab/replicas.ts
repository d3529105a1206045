import { join } from 'node:path'
import { compareTrees, readTree, type Tree } from './tree.ts'
import { until } from './until.ts'

/** A named place where a copy of the folder lies. */
export interface Replica {
  readonly name: string
  readonly folderPath: string
}

const treesOf = (replicas: readonly Replica[], contents: boolean): Map<string, Tree> =>
  new Map(replicas.map(({ name, folderPath }) => [name, readTree(folderPath, { contents })]))

const below = ({ name, folderPath }: Replica, directory: string): Replica => ({
  name,
  folderPath: join(folderPath, directory),
})

/** The differences between the replicas, one line each; empty when they are equal byte for byte. Looks at names and sizes first. */
export function replicaDifferences(replicas: readonly Replica[]): string[] {
  const roughly = compareTrees(treesOf(replicas, false))
  return roughly.length > 0 ? roughly : compareTrees(treesOf(replicas, true))
}

export function replicasEqual(replicas: readonly Replica[]): boolean {
  return replicaDifferences(replicas).length === 0
}

export interface EqualOptions {
  /** Only this directory. */
  readonly below?: string
  readonly deadlineMs?: number
  readonly intervalMs?: number
  /** What every replica must hold; without it they only have to agree with each other. */
  readonly as?: Tree
}

/** Waits until the replicas are equal; throws DeadlineError with what differs. Answers the milliseconds that it took. */
export async function untilEqual(replicas: readonly Replica[], options: EqualOptions = {}): Promise<number> {
  const { deadlineMs = 20_000, intervalMs = 50, as } = options
  const places = replicas.map((replica) => below(replica, options.below ?? ''))
  const start = performance.now()
  let differences: string[] = []
  const settled = (): boolean => {
    differences = replicaDifferences(places)
    const [first] = places
    if (differences.length === 0 && as !== undefined && first !== undefined) {
      differences = compareTrees(
        new Map([
          ['wanted', as],
          [first.name, readTree(first.folderPath)],
        ]),
      )
    }
    return differences.length === 0
  }
  await until(settled, { deadlineMs, intervalMs, what: () => `replicas are equal\n${differences.join('\n')}` })
  return performance.now() - start
}
