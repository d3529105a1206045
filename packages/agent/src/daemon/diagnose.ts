import type { Check } from '../control/api.ts'
import type { Network } from './network.ts'

/** What only the running agent knows. */
export function diagnose(network: Network): Check[] {
  return [...network.hosts.values()].map((host): Check => {
    const { problem, options, engine } = host
    const id = `folder.${options.folder}`
    const title = `folder ${options.folder}`
    if (problem) return { id, result: 'fail', title, detail: problem.message, remedy: problem.remedy }
    const paths = engine?.problems.total ?? 0
    const detail = `${paths} paths cannot be synchronised`
    if (paths > 0) return { id, result: 'warn', title, detail, remedy: 'see `spansync status` for what is in the way' }
    return { id, result: 'ok', title }
  })
}
