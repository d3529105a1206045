import type { Evaluation } from './evaluate.ts'
import type { Unwanted } from './filter.ts'
import { waitsFor } from './priority.ts'
import type { Flow, Place } from './settings.ts'

/** What is known of a folder, one of its peers, and maybe one path, when a person asks why it syncs or not. Times in epoch ms. */
export interface WhyFacts {
  readonly now: number
  readonly peer: string
  /** Why the folder does not work at all. */
  readonly problem?: { readonly message: string; readonly remedy: string } | undefined
  readonly isScanning: boolean
  /** Of the path that is asked about. */
  readonly unwanted?: Unwanted | undefined
  readonly link: 'up' | 'down' | 'not_shared'
  /** When the link was up last. */
  readonly lastUpMs?: number | undefined
  readonly policy: Readonly<Record<Flow, Evaluation>>
  /** The folder of a higher priority that goes first over the link, and where that is said. */
  readonly goesFirst?: { readonly folder: string; readonly where: Place | undefined } | undefined
  /** What the peer's policy lets pass, as seen from here; true while nothing is known of it. */
  readonly peerAllows: Readonly<Record<Flow, boolean>>
  /** `order`: an order is in force. `waits`: the plan has this edge, and no order has come. `elsewhere`: the plan leads the news another
   *  way. `direct`: no coordinator is followed. */
  readonly plan: 'direct' | 'order' | 'waits' | 'elsewhere'
  /** Files (or the one path) that each side lacks. */
  readonly lacking: { readonly here: number; readonly there: number }
  /** Of these, what policy holds back from the link: that of this machine or the peer's. */
  readonly heldBack?: HeldBack | undefined
  /** A session is under way. */
  readonly isInSession: boolean
  /** Of what could not be done so far. */
  readonly failures: readonly Failure[]
}

export interface HeldBack {
  readonly files: number
  /** `either`: nobody here can say. */
  readonly by: 'here' | 'peer' | 'either'
  /** Of the one path, or of the first file. */
  readonly unwanted?: Unwanted | undefined
  /** The path that is asked about may be one of them, or not. */
  readonly isUnsure?: boolean
}

export interface Failure {
  readonly kind: 'failed' | 'conflict' | 'deletion' | 'name'
  readonly message: string
  readonly remedy: string
  /** The next try; undefined: it waits for a person, or for the peer. */
  readonly retryAtMs?: number | undefined
}

export type WhyCode =
  | 'folder_stopped'
  | 'unwanted'
  | 'held_back'
  | 'not_shared'
  | 'link_down'
  | 'policy'
  | 'peer_policy'
  | 'policy_near_cap'
  | 'waits_for_folder'
  | 'waits_for_order'
  | 'goes_elsewhere'
  | Failure['kind']
  | 'scanning'
  | 'in_session'
  | 'about_to'
  | 'equal'

export interface Explanation {
  readonly code: WhyCode
  readonly message: string
  /** What a person can do. */
  readonly remedy?: string | undefined
  /** The rule's place in the configuration. */
  readonly where?: Place | undefined
  /** When it will no longer stand in the way by itself. */
  readonly untilMs?: number | undefined
}

export interface Why {
  /** `blocked`: somebody has to do something. `waiting`: time alone will do. */
  readonly state: 'equal' | 'syncing' | 'waiting' | 'blocked'
  /** What stands in the way first, from what stops everything to what stops a little. */
  readonly explanations: readonly Explanation[]
  /** When it will sync as far as is known; undefined: nobody can say, or there is nothing to do. */
  readonly syncsAtMs?: number | undefined
}

/** Why a folder is or is not syncing with a peer now, and when it will. Pure, and says the same from equal facts. */
export function why(facts: WhyFacts): Why {
  const { here, there } = facts.lacking
  const isEqual = here + there === 0 && facts.failures.length === 0
  const policy = byPolicy(facts)
  const stops = [...standstill(facts), ...facts.failures.map(byFailure)]
  // What can go one way is not held up by what cannot go the other way.
  const filter = byLinkFilter(facts)
  const isFiltered = facts.heldBack !== undefined && facts.heldBack.files >= here + there
  const obstacles = [...(policy.holdsAll ? policy.explanations : []), ...(isFiltered ? filter : [])]
  const holds = [...obstacles, ...byPriority(facts), ...byPlan(facts)]
  const also = [...(policy.holdsAll ? [] : policy.explanations), ...(isFiltered ? [] : filter)]
  const notes = [...also, ...nearCap(facts), ...scanning(facts)]
  if (stops.length > 0 || (holds.length > 0 && !isEqual)) return waitFor(facts.now, [...stops, ...holds], notes)
  if (isEqual && !facts.isScanning) {
    const message = `nothing to do: this machine and ${facts.peer} have the same`
    return { state: 'equal', explanations: [{ code: 'equal', message }, ...holds, ...notes] }
  }
  const message = facts.isInSession ? `syncing with ${facts.peer} now` : `about to sync with ${facts.peer}`
  const code = facts.isInSession ? 'in_session' : 'about_to'
  return { state: 'syncing', explanations: [{ code, message }, ...notes], syncsAtMs: facts.now }
}

function waitFor(now: number, obstacles: readonly Explanation[], notes: readonly Explanation[]): Why {
  const explanations = [...obstacles, ...notes]
  // How long another folder takes nobody can say, but it needs no person.
  const others = obstacles.filter(({ code }) => code !== 'waits_for_folder')
  const ends = others.map(({ untilMs }) => untilMs)
  const known = ends.filter((end) => end !== undefined)
  if (known.length < ends.length) return { state: 'blocked', explanations }
  if (others.length < obstacles.length) return { state: 'waiting', explanations }
  return { state: 'waiting', explanations, syncsAtMs: Math.max(now, ...known) }
}

function standstill({ problem, unwanted, link, peer, lastUpMs, now }: WhyFacts): Explanation[] {
  const found: Explanation[] = []
  if (problem) found.push({ code: 'folder_stopped', ...problem })
  if (unwanted) found.push(byFilter(unwanted))
  if (link === 'not_shared') {
    const remedy = `share the folder with ${peer} here, and with this machine there`
    found.push({ code: 'not_shared', message: `the folder is not shared with ${peer} on both sides`, remedy })
  }
  if (link === 'down') {
    const since = lastUpMs === undefined ? '' : ` for ${Math.max(0, Math.round((now - lastUpMs) / 1000))} s`
    const remedy = `see that ${peer} is running and can be reached; \`spansync doctor\` tells more`
    found.push({ code: 'link_down', message: `${peer} has not been connected${since}`, remedy })
  }
  return found
}

function byFilter(unwanted: Unwanted): Explanation {
  const message = `this machine leaves it out because of ${ruleText(unwanted)}`
  return { code: 'unwanted', message, remedy: 'change the filter to have it synced', where: unwanted.where }
}

function ruleText({ rule, pattern }: Unwanted): string {
  return pattern === undefined ? rule.replace('_', ' ') : `the pattern ${pattern}`
}

function byLinkFilter({ heldBack, peer }: WhyFacts): Explanation[] {
  if (heldBack === undefined) return []
  const { files, by, unwanted, isUnsure = false } = heldBack
  const what = files === 1 ? 'a file' : `${files} files`
  if (by === 'either') {
    const message = `policy here or on ${peer} holds ${what} back from the link`
    return [
      {
        code: 'held_back',
        message,
        remedy: `look at the filter of the link here, and run \`spansync why\` on ${peer}`,
      },
    ]
  }
  if (by === 'peer') {
    const maybe = isUnsure ? ', this one perhaps' : ''
    const message = `the policy of ${peer} holds ${what} back from the link${maybe}`
    return [{ code: 'peer_policy', message, remedy: `run \`spansync why\` on ${peer}` }]
  }
  const message = `policy holds ${what} back from the link with ${peer}${unwanted ? ` because of ${ruleText(unwanted)}` : ''}`
  return [
    { code: 'held_back', message, remedy: 'change the filter of the link to have it synced', where: unwanted?.where },
  ]
}

/** Of the directions in which there is something to do; of both when there is nothing. */
function byPolicy(facts: WhyFacts): { holdsAll: boolean; explanations: Explanation[] } {
  const { policy, peerAllows, lacking } = facts
  const needed = (['send', 'receive'] as const).filter((flow) => lacking[flow === 'send' ? 'there' : 'here'] > 0)
  const flows: readonly Flow[] = needed.length > 0 ? needed : ['send', 'receive']
  const byRule = new Map(flows.flatMap((flow) => explain(policy[flow])))
  const holdsAll = flows.every((flow) => !policy[flow].allowed || !peerAllows[flow])
  return { holdsAll, explanations: [...byRule.values(), ...byPeer(facts, flows)] }
}

function byPriority({ goesFirst }: WhyFacts): Explanation[] {
  if (goesFirst === undefined) return []
  const { folder, where } = goesFirst
  return [{ code: 'waits_for_folder', ...waitsFor(folder), where }]
}

/** While another folder goes first the peer says so with its door, too. */
function byPeer({ peer, peerAllows, goesFirst }: WhyFacts, flows: readonly Flow[]): Explanation[] {
  if (goesFirst !== undefined) return []
  const shut = flows.filter((flow) => !peerAllows[flow])
  if (shut.length === 0) return []
  const verbs = { send: 'takes', receive: 'gives' }
  const message = `the policy of ${peer} ${shut.map((flow) => `${verbs[flow]} nothing`).join(' and ')} now`
  return [{ code: 'peer_policy', message, remedy: `run \`spansync why\` on ${peer}` }]
}

function explain({ reasons, nextChangeAt }: Evaluation): [string, Explanation][] {
  return reasons.map(({ rule, message, remedy, where, untilMs }) => {
    // Another rule may stand in the way by the time this one no longer does: all together say when.
    const until = untilMs === undefined ? undefined : nextChangeAt
    return [rule, { code: 'policy', message, remedy, where, untilMs: until }]
  })
}

function byPlan({ plan, peer }: WhyFacts): Explanation[] {
  switch (plan) {
    case 'direct':
    case 'order':
      return []
    case 'waits': {
      const remedy = 'look at `spansync-coordinator status`, or run `spansync mode decentralised`'
      return [{ code: 'waits_for_order', message: 'the coordinator has not ordered it yet', remedy }]
    }
    case 'elsewhere': {
      const remedy = 'nothing need be done; `spansync-coordinator plan` shows the way'
      return [{ code: 'goes_elsewhere', message: `the plan passes nothing straight on to ${peer}`, remedy }]
    }
  }
}

function byFailure({ kind, message, remedy, retryAtMs }: Failure): Explanation {
  return { code: kind, message, remedy, untilMs: retryAtMs }
}

function nearCap({ policy: { send } }: WhyFacts): Explanation[] {
  return send.warnings.map(({ message, where }) => ({ code: 'policy_near_cap', message, where }))
}

function scanning({ isScanning }: WhyFacts): Explanation[] {
  return isScanning ? [{ code: 'scanning', message: 'still looking at the files here' }] : []
}
