import { formatMs } from '@spansync/common/cli/format'
import type { LinkStatus, Problem, Status } from '@spansync/common/protocol/status'
import type { Check } from '../control/api.ts'

/** Conflicts between two edits are decided by their times: beyond this the wrong one may win. */
const largestSkewMs = 60_000

/** A peer that is switched off is nothing to worry about; one that can never be reached is. */
export function checkLinks(links: readonly LinkStatus[]): Check[] {
  return links.flatMap((link) => [checkLink(link), ...checkSkew(link)])
}

function checkLink({ node, up, address, rttMs, error }: LinkStatus): Check {
  const id = `peer.${node}`
  const title = `peer ${node}`
  const at = address === undefined ? '' : ` at ${address}`
  if (up) return { id, result: 'ok', title, detail: `connected${at}${rttMs === null ? '' : `, ${formatMs(rttMs)}`}` }
  if (error !== undefined) {
    return {
      id,
      result: error.retryable === false ? 'fail' : 'warn',
      title,
      detail: error.message,
      remedy: error.remedy,
    }
  }
  const remedy = `if ${node} should be reachable, run \`spansync doctor\` there`
  return { id, result: 'warn', title, detail: `not connected${at}`, remedy }
}

function checkSkew({ node, clockSkewMs }: LinkStatus): Check[] {
  if (clockSkewMs === undefined || Math.abs(clockSkewMs) <= largestSkewMs) return []
  const way = clockSkewMs > 0 ? 'ahead' : 'behind'
  return [
    {
      id: `clock.${node}`,
      result: 'fail',
      title: `clock of ${node}`,
      detail: `${formatMs(Math.abs(clockSkewMs))} ${way} of this machine`,
      remedy: 'set the wrong one of the two clocks, and keep it right with NTP',
    },
  ]
}

/** A peer can ask Unison here for any file that the agent's user may read. */
export function checkJail({ jailed, folders }: Status): Check[] {
  if (jailed || folders.length === 0) return []
  const detail = 'Unison is not confined to the folders when it works for a peer'
  const remedy =
    'install bubblewrap (Linux: apt install bubblewrap) or allow namespaces of users, take out `confine: false` in config.yaml, and ' +
    'restart spansync; else share folders only with machines that you trust with all that this user may read'
  return [{ id: 'jail', result: 'warn', title: 'confinement', detail, remedy }]
}

/** What the running agent shows as errors. */
export function checkFolderStates(status: Status): Check[] {
  const folders = status.folders.flatMap(({ id, errors }) =>
    errors.map((problem) => problemCheck(`error.${id}`, `folder ${id}`, problem)),
  )
  return [...folders, ...(status.errors ?? []).map((problem) => problemCheck('error', status.node, problem))]
}

function problemCheck(id: string, title: string, { message, remedy, path }: Problem): Check {
  return { id, result: 'fail', title, detail: path === undefined ? message : `${path}: ${message}`, remedy }
}
