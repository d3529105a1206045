/** The line protocol between Unison and its file monitor, as far as it is used. Source: src/fswatch.ml of Unison 2.52. */
export type MonitorRequest =
  | { readonly kind: 'version' }
  /** Unison scans and tells what it looks at: wants an acknowledgement. */
  | { readonly kind: 'scan' }
  | { readonly kind: 'wait'; readonly hash: string }
  | { readonly kind: 'changes'; readonly hash: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'other' }

export function parseRequest(line: string): MonitorRequest {
  const [command = '', argument = ''] = line.split(' ')
  switch (command) {
    case 'VERSION':
      return { kind: 'version' }
    case 'START':
    case 'DIR':
    case 'LINK':
      return { kind: 'scan' }
    case 'WAIT':
      return { kind: 'wait', hash: argument }
    case 'CHANGES':
      return { kind: 'changes', hash: argument }
    case 'RESET':
      return { kind: 'reset' }
    default:
      return { kind: 'other' }
  }
}

export const replies = {
  version: 'VERSION 1\n',
  acknowledgement: 'OK\n',
  /** Ends a wait. */
  changed: (hash: string): string => `CHANGES ${hash}\n`,
  /** Each path is looked at with all that is below it. */
  changes: (paths: Iterable<string>): string =>
    `${[...paths].map((path) => `RECURSIVE ${quote(path)}\n`).join('')}DONE\n`,
} as const

const plain = /[A-Za-z0-9\-_.~!*'();:@&=+$,/?#[\]]/

/** Percent-encoding of the UTF-8 bytes that the protocol does not take as they are. */
export function quote(path: string): string {
  let quoted = ''
  for (const byte of Buffer.from(path, 'utf8')) {
    const character = String.fromCharCode(byte)
    quoted += plain.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return quoted
}

/** Splits what arrives into lines, whatever the chunks. */
export class LineSplitter {
  readonly #onLine: (line: string) => void
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#onLine(line)
  }
}
