import { messageOf, SpansyncError } from '@spansync/common/runtime/errors'
import { FencedError, StoreAccessError, StoreClosedError, StoreDamagedError, StoreUnreachableError } from '../errors.ts'

/** First words of Redis's error replies. */
const accessReplies = ['NOAUTH', 'WRONGPASS', 'NOPERM']
/** It is there, but cannot serve now: starting, failing over, full, or kept by a script. */
const passingReplies: Readonly<Record<string, string>> = {
  LOADING: 'wait until the server has read its data',
  BUSY: 'look for a script of another program that keeps the server',
  OOM: "raise the server's maxmemory; its policy has to be noeviction",
  MISCONF: "free space on the server's disk: it cannot save its data",
  READONLY: 'name the primary server in the store URL: this one is a replica',
  MASTERDOWN: "check the server's primary",
  CLUSTERDOWN: 'check the cluster: a part of it is down',
  NOREPLICAS: "check the server's replicas",
  MOVED: 'give the address of the cluster node that is named, or of a proxy',
}
const connectionMessages = /Connection is closed|isn't writeable|max retries per request|Socket timeout|aborted due to/
const connectionCodes = /^(E[A-Z]+|CERT_|DEPTH_|UNABLE_|SELF_SIGNED|ERR_TLS|ERR_SSL|HOSTNAME_)/

export interface RedisErrorContext {
  readonly location: string
  readonly closed: boolean
  /** What the connection said last, which is why commands cannot be sent now. */
  readonly lastProblem: Error | undefined
}

/** What ioredis throws, as what it means to a person. Anything else is given back as it came. */
export function toStoreError(error: unknown, context: RedisErrorContext): unknown {
  if (error instanceof SpansyncError || !(error instanceof Error)) return error
  const { location, closed, lastProblem } = context
  const cause = withoutCommand(error)
  const word = /^[A-Z]+/.exec(error.message)?.[0] ?? ''
  if (word === 'FENCED') return toFenced(error.message)
  if (accessReplies.includes(word)) return new StoreAccessError(location, cause)
  const passing = passingReplies[word]
  if (passing !== undefined) return new StoreUnreachableError(location, cause, passing)
  if (word === 'WRONGTYPE') return new StoreDamagedError(location, cause)
  // A fault of ours keeps its stack.
  if (!isConnectionError(error)) return error.name === 'ReplyError' ? cause : error
  if (closed) return new StoreClosedError(location)
  if (lastProblem === undefined || lastProblem === error) return new StoreUnreachableError(location, cause)
  // The connection is refused in words (a wrong password) rather than missing.
  return isConnectionError(lastProblem)
    ? new StoreUnreachableError(location, withoutCommand(lastProblem))
    : toStoreError(lastProblem, { location, closed, lastProblem: undefined })
}

function isConnectionError(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : ''
  return connectionCodes.test(code) || connectionMessages.test(error.message)
}

function toFenced(message: string): FencedError {
  const [, epoch, newest] = /^FENCED (\d+) (\d+)/.exec(message) ?? []
  return new FencedError(Number(epoch), Number(newest))
}

/** ioredis hangs the command with its arguments on the error, and the one that logs in has the password among them. */
function withoutCommand(error: Error): Error {
  const copy = new Error(messageOf(error))
  copy.name = error.name
  return 'code' in error ? Object.assign(copy, { code: error.code }) : copy
}
