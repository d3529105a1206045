/** Says over NATS what a well-behaved program never would. Runs inside a node's namespace, see `sayOverNats`:
 *  `nats-say.ts URL CREDENTIALS` takes a JSON list of messages from its input and prints the list of what came back. */
import { fileURLToPath } from 'node:url'
import { readCredentials } from '@spansync/common/adapters/nats/credentials'
import { createNatsLink } from '@spansync/common/adapters/nats/nats-link'
import { systemClock } from '@spansync/common/runtime/clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import type { LabNode } from './lab-node.ts'

const program = fileURLToPath(import.meta.url)
const answerMs = 3000

/** `padding`: so many spaces behind the text. */
export interface Saying {
  readonly subject: string
  readonly text: string
  readonly padding?: number
}

/** The answer's text, or why there is none. */
export interface Heard {
  readonly answer?: string
  readonly error?: string
}

export async function sayOverNats(
  machine: LabNode,
  { url, credentialsFile }: { readonly url: string; readonly credentialsFile: string },
  sayings: readonly Saying[],
): Promise<Heard[]> {
  const argv = [process.execPath, '--conditions=spansync-source', program, url, credentialsFile]
  const { stdout } = await machine.exec(argv, { input: JSON.stringify(sayings), env: { NODE_NO_WARNINGS: '1' } })
  return JSON.parse(stdout) as Heard[]
}

async function say(url: string, file: string): Promise<void> {
  const sayings = JSON.parse(await textOf(process.stdin)) as Saying[]
  const credentials = await readCredentials(file)
  await using link = createNatsLink({ url, credentials, clock: systemClock, log: silentLogger })
  link.start()
  await link.whenConnected(AbortSignal.timeout(5000)).catch(() => {
    throw link.problem
  })
  const heard: Heard[] = []
  for (const { subject, text, padding = 0 } of sayings) {
    const data = new TextEncoder().encode(text + ' '.repeat(padding))
    const reply = link.connection?.request(subject, data, { timeout: answerMs })
    heard.push(
      await Promise.resolve(reply).then(
        (message) => ({ answer: message?.string() ?? '' }),
        (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
      ),
    )
  }
  process.stdout.write(JSON.stringify(heard))
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

if (process.argv[1] === program) {
  const [, , url = '', file = ''] = process.argv
  await say(url, file)
}
