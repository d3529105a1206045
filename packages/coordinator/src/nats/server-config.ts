import type { NodeId } from '@spansync/common/core/causal/types'
import { coordinationVersion, inboxOf, reportStream, subjects } from '@spansync/common/protocol/coordination'

// nats-server's own configuration language, in the form that 2.9 and everything newer reads.

export interface NatsNode {
  readonly id: NodeId
  readonly name: string
  /** Public: `U…`. */
  readonly nkey: string
}

export interface NatsUsers {
  /** Public nkeys; several when several coordinators take turns. */
  readonly coordinators: readonly string[]
  readonly nodes: readonly NatsNode[]
}

export interface ServerSettings {
  readonly host: string
  readonly port: number
  /** In the server's greeting: by it the coordinator knows its own server. */
  readonly serverName: string
  readonly certFile: string
  readonly keyFile: string
  readonly storeDirectory: string
  readonly pidFile: string
  /** Relative to the configuration file, for nats-server knows no other way. */
  readonly usersFile: string
}

/** The block that says who may connect and what for. For the server that the coordinator runs, and for people who run their own to
 *  put into its configuration. Equal users give equal text. */
export function authorizationText({ coordinators, nodes }: NatsUsers): string {
  const users = [
    ...coordinators.map((nkey) => user('coordinator', nkey, coordinatorPermissions)),
    ...[...nodes].sort(byId).map(({ id, name, nkey }) => user(`${name} ${id}`, nkey, nodePermissions(id))),
  ]
  return block('authorization', [
    // Seconds. Long, for a modem that takes its time.
    'timeout: 15',
    'users: [',
    ...users.flatMap((lines) => lines.map((line) => `  ${line}`)),
    ']',
  ])
    .join('\n')
    .concat('\n')
}

/** The rest, for the server that the coordinator runs. It includes `usersFile`, so that users can change while this stays. */
export function serverText(settings: ServerSettings): string {
  const { host, port, serverName, certFile, keyFile, storeDirectory, pidFile, usersFile } = settings
  return [
    '# Written by spansync-coordinator at every start: changes made here are lost.',
    `server_name: ${quote(serverName)}`,
    `host: ${quote(host)}`,
    `port: ${port}`,
    `pid_file: ${quote(pidFile)}`,
    'max_payload: 1048576',
    'max_connections: 20000',
    // A node has four, the coordinator a dozen.
    'max_subscriptions: 100',
    // Of one connection that does not read; then it is dropped.
    'max_pending: 8388608',
    'write_deadline: "15s"',
    'ping_interval: "2m"',
    'ping_max: 2',
    ...block('tls', [`cert_file: ${quote(certFile)}`, `key_file: ${quote(keyFile)}`, 'timeout: 15']),
    ...block('jetstream', [
      `store_dir: ${quote(storeDirectory)}`,
      'max_memory_store: 16777216',
      'max_file_store: 536870912',
    ]),
    `include ${quote(usersFile)}`,
    '',
  ].join('\n')
}

interface Permissions {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}

/** A node speaks for itself only, and hears only what is meant for it. */
function nodePermissions(id: NodeId): Permissions {
  return {
    publish: [subjects.state(id), subjects.enrol(id), subjects.report(id)],
    subscribe: [subjects.order(id), subjects.plan(id), subjects.beat, `${inboxOf(id)}.>`],
  }
}

const coordinatorPermissions: Permissions = {
  publish: [`spansync.v${coordinationVersion}.>`, '$JS.API.>', `$JS.ACK.${reportStream}.>`],
  subscribe: [`spansync.v${coordinationVersion}.>`, `${inboxOf('coordinator')}.>`],
}

/** `allow_responses`: one answer to each request that came, wherever its inbox is. */
function user(comment: string, nkey: string, { publish, subscribe }: Permissions): string[] {
  if (!isPublicKey(nkey)) throw new TypeError(`not a public nkey of a user: ${nkey}`)
  return [
    `# ${comment.replace(/[^\x20-\x7e]/g, '?')}`,
    `{ nkey: ${nkey}, permissions: {`,
    `  publish: { allow: ${list(publish)} }`,
    `  subscribe: { allow: ${list(subscribe)} }`,
    '  allow_responses: { max: 1, expires: "1m" }',
    '} }',
  ]
}

export function isPublicKey(text: string): boolean {
  return /^U[A-Z2-7]{55}$/.test(text)
}

function block(name: string, lines: readonly string[]): string[] {
  return [`${name} {`, ...lines.map((line) => `  ${line}`), '}']
}

function list(texts: readonly string[]): string {
  return `[${texts.map(quote).join(', ')}]`
}

/** Unquoted, `$JS` would be a variable. */
function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}

function byId(left: NatsNode, right: NatsNode): number {
  return left.id < right.id ? -1 : left.id > right.id ? 1 : 0
}
