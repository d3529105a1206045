/** Sends bytes through one plain TCP connection: what a link can do, and what headers and acknowledgements alone cost.
 *  As a program: `tcp-copy.ts serve PORT` answers one connection; `tcp-copy.ts send HOST PORT BYTES` prints the seconds. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Lab } from './lab.ts'
import { until } from './until.ts'

const program = fileURLToPath(import.meta.url)

export interface TcpCopy {
  readonly seconds: number
  readonly bitsPerSecond: number
  /** Bytes on the link divided by bytes of payload. */
  readonly ratio: number
}

export async function copyOverTcp(lab: Lab, from: string, to: string, bytes: number, port = 5999): Promise<TcpCopy> {
  const link = lab.link(from, to)
  const server = lab.node(to).spawn([process.execPath, program, 'serve', String(port)], { logName: 'tcp-copy' })
  await using _ = server
  await until(() => server.output().includes('ready'), { deadlineMs: 5000, what: 'the receiver listens' })
  const before = link.bytes()
  const argv = [process.execPath, program, 'send', lab.address(to, from), String(port), String(bytes)]
  const seconds = Number((await lab.node(from).exec(argv)).stdout)
  return { seconds, bitsPerSecond: (bytes * 8) / seconds, ratio: (link.bytes() - before) / bytes }
}

async function serve(port: number): Promise<void> {
  const server = createServer().listen(port, '0.0.0.0')
  await once(server, 'listening')
  process.stdout.write('ready\n')
  const [socket] = (await once(server, 'connection')) as [Socket]
  for await (const _ of socket) void _
  socket.end()
  server.close()
}

async function send(host: string, port: number, bytes: number): Promise<void> {
  const payload = randomBytes(bytes)
  const socket = connect({ host, port, allowHalfOpen: true })
  await once(socket, 'connect')
  const start = performance.now()
  socket.end(payload)
  socket.resume()
  await once(socket, 'end')
  process.stdout.write(`${(performance.now() - start) / 1000}\n`)
}

if (process.argv[1] === program) {
  const [, , verb, first = '', second = '', third = ''] = process.argv
  if (verb === 'serve') await serve(Number(first))
  else await send(first, Number(second), Number(third))
}
