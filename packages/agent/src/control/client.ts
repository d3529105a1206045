import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { type Status, statusSchema } from '@spansync/common/protocol/status'
import { errnoOf, SpansyncError } from '@spansync/common/runtime/errors'
import { z } from 'zod'
import {
  type ApproveResult,
  type AuditRequest,
  type AuditResult,
  approveResultSchema,
  auditResultSchema,
  type ConflictInfo,
  conflictInfoSchema,
  type DoctorReport,
  doctorReportSchema,
  type FolderOffer,
  failureSchema,
  folderOfferSchema,
  type Invitation,
  type InviteRequest,
  invitationSchema,
  type RevertResult,
  type Rotated,
  revertResultSchema,
  rotatedSchema,
  type SyncRequest,
  type SyncResult,
  syncResultSchema,
  type WhyRequest,
  type WhyResult,
  whyResultSchema,
} from './api.ts'
import { readRunInfo, socketPathOf } from './endpoint.ts'
import { ControlError, NotRunningError } from './errors.ts'

/** Anything but waiting for a sync is a matter of milliseconds, also on a slow machine of seconds. */
const promptMs = 30_000

/** Speaks to the daemon of one home. Every call throws NotRunningError when there is none, and the daemon's own errors. */
export interface ControlClient {
  status(signal?: AbortSignal): Promise<Status>
  /** The status now and after every change. Ends when the daemon stops. */
  watch(signal?: AbortSignal): AsyncGenerator<Status>
  sync(request: SyncRequest, signal?: AbortSignal): Promise<SyncResult>
  conflicts(folder?: string, signal?: AbortSignal): Promise<ConflictInfo[]>
  doctor(signal?: AbortSignal): Promise<DoctorReport>
  why(request: WhyRequest, signal?: AbortSignal): Promise<WhyResult>
  /** Takes as long as reading every file does. */
  audit(request: AuditRequest, signal?: AbortSignal): Promise<AuditResult>
  approve(folder: string, signal?: AbortSignal): Promise<ApproveResult>
  /** Takes as long as it takes to bring everything back. */
  revert(folder: string, signal?: AbortSignal): Promise<RevertResult>
  invite(request: InviteRequest, signal?: AbortSignal): Promise<Invitation>
  joined(signal?: AbortSignal): Promise<void>
  remove(node: string, signal?: AbortSignal): Promise<void>
  rotate(signal?: AbortSignal): Promise<Rotated>
  offers(signal?: AbortSignal): Promise<FolderOffer[]>
  reload(signal?: AbortSignal): Promise<void>
  stop(signal?: AbortSignal): Promise<void>
}

export function connectControl(home: string): ControlClient {
  const call = async <T>(name: string, schema: z.ZodType<T>, body: unknown, signal?: AbortSignal): Promise<T> => {
    const response = await post({ home, name, body }, signal)
    return check(schema, await readAll(response, signal))
  }
  const promptly = <T>(name: string, schema: z.ZodType<T>, body: unknown, signal?: AbortSignal): Promise<T> =>
    within(promptMs, signal, (both) => call(name, schema, body, both))
  return {
    status: (signal) => promptly('status', statusSchema, {}, signal),
    watch: (signal) => watch(home, signal),
    sync: (request, signal) =>
      within(request.timeoutMs + promptMs, signal, (both) => call('sync', syncResultSchema, request, both)),
    conflicts: (folder, signal) => promptly('conflicts', z.array(conflictInfoSchema), { folder }, signal),
    audit: (request, signal) => call('audit', auditResultSchema, request, signal),
    why: (request, signal) => promptly('why', whyResultSchema, request, signal),
    doctor: (signal) => promptly('doctor', doctorReportSchema, {}, signal),
    approve: (folder, signal) => promptly('approve', approveResultSchema, { folder }, signal),
    revert: (folder, signal) => call('revert', revertResultSchema, { folder }, signal),
    invite: (request, signal) => promptly('invite', invitationSchema, request, signal),
    joined: async (signal) => void (await promptly('joined', z.unknown(), {}, signal)),
    remove: async (node, signal) => void (await promptly('remove', z.unknown(), { node }, signal)),
    rotate: (signal) => promptly('rotate', rotatedSchema, {}, signal),
    offers: (signal) => promptly('offers', z.array(folderOfferSchema), {}, signal),
    reload: async (signal) => void (await promptly('reload', z.unknown(), {}, signal)),
    stop: async (signal) => void (await promptly('stop', z.unknown(), {}, signal)),
  }
}

async function* watch(home: string, signal?: AbortSignal): AsyncGenerator<Status> {
  const response = await post({ home, name: 'watch', body: {} }, signal)
  try {
    for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
      yield check(statusSchema, JSON.parse(line))
    }
  } catch (error) {
    if (signal?.aborted !== true) throw asControlError(error)
  } finally {
    response.destroy()
  }
}

interface Call {
  readonly home: string
  readonly name: string
  readonly body: unknown
}

async function post({ home, name, body }: Call, signal?: AbortSignal): Promise<IncomingMessage> {
  const socketPath = readRunInfo(home)?.socket ?? socketPathOf(home)
  const options = {
    socketPath,
    path: `/${name}`,
    method: 'POST',
    agent: false,
    ...(signal === undefined ? {} : { signal }),
  }
  const response = await send(httpRequest(options), JSON.stringify(body), home)
  if (response.statusCode === 200) return response
  throw failure(await readAll(response, signal))
}

function send(request: ClientRequest, body: string, home: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve)
    request.on('error', (error) => {
      const absent = ['ENOENT', 'ECONNREFUSED', 'ENOTSOCK'].includes(errnoOf(error) ?? '')
      reject(absent ? new NotRunningError(home, error) : asControlError(error))
    })
    request.end(body)
  })
}

async function readAll(response: IncomingMessage, signal?: AbortSignal): Promise<unknown> {
  try {
    const parts: Buffer[] = []
    for await (const part of response) parts.push(part as Buffer)
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw asControlError(error)
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ControlError(
    `the running agent answered something else than expected: ${z.prettifyError(parsed.error)}`,
    parsed.error,
  )
}

function failure(body: unknown): SpansyncError {
  return new SpansyncError(check(failureSchema, body).error)
}

/** A daemon that hangs must not make the command hang. */
async function within<T>(
  ms: number,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(ms)
  try {
    return await run(signal === undefined ? late : AbortSignal.any([signal, late]))
  } catch (error) {
    if (late.aborted && signal?.aborted !== true) throw new ControlError('the running agent does not answer', error)
    throw error
  }
}

/** An aborted call keeps the reason of whoever aborted it. */
function asControlError(error: unknown): unknown {
  if (error instanceof SpansyncError || (error instanceof Error && error.name === 'AbortError')) return error
  return new ControlError('the running agent broke off', error)
}
