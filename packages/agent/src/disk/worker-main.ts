import { type MessagePort, parentPort } from 'node:worker_threads'
import { never } from '@spansync/common/core/never'
import { SpansyncError, toSpansyncError } from '@spansync/common/runtime/errors'
import { gather } from './gather.ts'
import { observe } from './observe.ts'
import { perform } from './perform.ts'
import { type ScanBatch, scan } from './scan.ts'
import { controlSlots, type WireError, type WorkerReply, type WorkerRequest } from './worker-protocol.ts'

// Batches of a scan under way to the agent. A scan that finds more waits until the agent has taken some.
const mostUnderWay = 2

const port = parentPort as MessagePort
port.on('message', (request: WorkerRequest) => {
  // Contents are handed over, not copied.
  const send = (reply: WorkerReply): void =>
    port.postMessage(reply, reply.kind === 'gathered' ? [reply.bytes.buffer] : [])
  try {
    send(answer(request, send))
  } catch (error) {
    send({ id: request.id, kind: 'failed', error: toWire(error) })
  }
})

function answer(request: WorkerRequest, send: (reply: WorkerReply) => void): WorkerReply {
  const { id } = request
  switch (request.kind) {
    case 'observe':
      return { id, kind: 'observed', ...observe(request.root, request.requests, request.limits) }
    case 'perform':
      return { id, kind: 'performed', results: perform(request.root, request.tasks, request.ignore) }
    case 'gather':
      return { id, kind: 'gathered', bytes: gather(request.root, request.files) }
    case 'scan':
      return { id, kind: 'scanned', summary: scan(request.task, sinkFor(id, request.control, send)) }
    default:
      return never(request)
  }
}

function sinkFor(id: number, control: SharedArrayBuffer, send: (reply: WorkerReply) => void) {
  const slots = new Int32Array(control)
  let sent = 0
  const checkAborted = (): void => {
    if (Atomics.load(slots, controlSlots.aborted) === 1) throw new ScanAbortedError()
  }
  const emit = (batch: ScanBatch): void => {
    for (;;) {
      checkAborted()
      const acknowledged = Atomics.load(slots, controlSlots.acknowledged)
      if (sent - acknowledged < mostUnderWay) break
      Atomics.wait(slots, controlSlots.acknowledged, acknowledged, 1000)
    }
    sent++
    send({ id, kind: 'scan_batch', batch })
  }
  return { emit, checkAborted }
}

class ScanAbortedError extends SpansyncError {
  constructor() {
    super({ code: 'scan_aborted', message: 'the scan was stopped', remedy: 'nothing to do', retryable: true })
  }
}

function toWire(error: unknown): WireError {
  const { name, code, message, remedy, retryable } = toSpansyncError(error)
  return { name, code, message, remedy, retryable }
}
