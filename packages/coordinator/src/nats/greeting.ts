import { createConnection } from 'node:net'
import { z } from 'zod'

/** Of a healthy server on this machine it takes a millisecond. */
const patienceMs = 1000
const longestGreeting = 64 * 1024

const greetingSchema = z.object({ server_name: z.string() })

/** Who listens at a port of this machine: the name of a NATS server, `other` for anything else, `nobody`. */
export type Listening = { readonly kind: 'nats'; readonly name: string } | { readonly kind: 'other' | 'nobody' }

/** Reads a NATS server's greeting, which comes before TLS and before any key is asked for. Never rejects. */
export function whoListens({ host, port }: { host: string; port: number }): Promise<Listening> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: reachable(host), port, timeout: patienceMs })
    let text = ''
    let isConnected = false
    const finish = (listening: Listening): void => {
      socket.destroy()
      resolve(listening)
    }
    socket.setEncoding('latin1')
    socket.on('connect', () => {
      isConnected = true
    })
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n') || text.length > longestGreeting) finish(nameIn(text))
    })
    socket.on('timeout', () => finish({ kind: 'other' }))
    socket.on('error', () => undefined)
    socket.on('close', () => finish({ kind: isConnected ? 'other' : 'nobody' }))
  })
}

function nameIn(text: string): Listening {
  try {
    const json: unknown = JSON.parse(/^INFO\s+(\{.*\})\s*$/m.exec(text)?.[1] ?? '')
    return { kind: 'nats', name: greetingSchema.parse(json).server_name }
  } catch {
    return { kind: 'other' }
  }
}

/** Where a program on the same machine dials a server that listens on `host`. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
