import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@spansync/common/ports'
import { statusSchema } from '@spansync/common/protocol/status'
import { SpansyncError, toSpansyncError, UsageError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import { z } from 'zod'
import {
  answerRequestSchema,
  auditRequestSchema,
  type ControlHandlers,
  type Failure,
  inviteRequestSchema,
  removeRequestSchema,
  syncRequestSchema,
  whyRequestSchema,
} from './api.ts'
import { streamStatus } from './status-stream.ts'

export interface RouteContext {
  readonly handlers: ControlHandlers
  readonly stop: () => void
  readonly log: Logger
  readonly clock: Clock
  /** Aborted when the server closes. */
  readonly ended: AbortSignal
}

type Route = (context: RouteContext, body: unknown, signal: AbortSignal) => Promise<unknown> | unknown

const conflictsRequestSchema = z.object({ folder: z.string().optional() })
const largestRequestBytes = 64 * 1024

const routes: Readonly<Record<string, Route>> = {
  status: async ({ handlers }) => statusSchema.parse(await handlers.status()),
  sync: ({ handlers }, body, signal) => handlers.sync(syncRequestSchema.parse(body), signal),
  conflicts: ({ handlers }, body) => handlers.conflicts(conflictsRequestSchema.parse(body).folder),
  doctor: ({ handlers }) => handlers.doctor(),
  why: ({ handlers }, body) => handlers.why(whyRequestSchema.parse(body)),
  audit: ({ handlers }, body, signal) => handlers.audit(auditRequestSchema.parse(body), signal),
  approve: ({ handlers }, body) => handlers.approve(answerRequestSchema.parse(body).folder),
  revert: ({ handlers }, body) => handlers.revert(answerRequestSchema.parse(body).folder),
  invite: ({ handlers }, body) => handlers.invite(inviteRequestSchema.parse(body)),
  joined: ({ handlers }) => handlers.joined(),
  remove: ({ handlers }, body) => handlers.remove(removeRequestSchema.parse(body).node),
  rotate: ({ handlers }) => handlers.rotate(),
  offers: ({ handlers }) => handlers.offers(),
  reload: ({ handlers }) => handlers.reload(),
  stop: ({ stop }) => stop(),
}

/** Answers one request: `POST /<name>` with a JSON body gives JSON; `POST /watch` gives a line of JSON per change. Never rejects. */
export async function respond(
  context: RouteContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort(new Error('the command has gone')))
  const signal = AbortSignal.any([gone.signal, context.ended])
  try {
    const name = (request.url ?? '').slice(1)
    const body = await readBody(request)
    if (name === 'watch') return await streamStatus(context, response, signal)
    const route = Object.hasOwn(routes, name) ? routes[name] : undefined
    if (route === undefined)
      throw new UsageError(`the running agent does not know \`${name}\``, 'restart `spansync run`')
    const answer = await route(context, body, signal)
    send(response, 200, answer ?? {})
  } catch (error) {
    if (!gone.signal.aborted) fail(context.log, response, error)
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    bytes += (part as Buffer).length
    if (bytes > largestRequestBytes) throw new UsageError('the request is too large', 'use a shorter one')
    parts.push(part as Buffer)
  }
  return bytes === 0 ? {} : JSON.parse(Buffer.concat(parts).toString('utf8'))
}

function fail(log: Logger, response: ServerResponse, thrown: unknown): void {
  const error = thrown instanceof z.ZodError ? malformed(thrown) : toSpansyncError(thrown)
  log.warn({ event: 'control.failed', code: error.code, err: error }, error.remedy)
  if (response.headersSent) return void response.destroy()
  const { code, message, remedy, retryable, exitCode } = error
  send(response, 500, { error: { code, message, remedy, retryable, exitCode } } satisfies Failure)
}

function malformed(cause: z.ZodError): SpansyncError {
  const remedy = 'restart `spansync run`: it and this command may be of different versions'
  return new SpansyncError({
    code: 'malformed',
    message: `a message is malformed: ${z.prettifyError(cause)}`,
    remedy,
    cause,
  })
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
  response.end(JSON.stringify(body))
}
