import { errnoOf, messageOf, SpansyncError } from '@spansync/common/runtime/errors'

/** The certificate that answered is not the one we were told to expect. */
export class WrongFingerprintError extends SpansyncError {
  readonly expected: string
  readonly found: string
  readonly #certificate: Buffer | undefined

  constructor({ name, address, expected, found, certificate }: FoundInstead) {
    super({
      code: 'wrong_fingerprint',
      message: `what answers at ${address} is not ${name}: expected fingerprint ${expected}, found ${found}`,
      remedy:
        `run \`spansync id\` on ${name} itself and compare. If it prints ${found}, that machine has a new identity: ` +
        `\`spansync peer remove ${name}\`, then \`spansync peer add ${name} ${address} --id ${found}\`. ` +
        'If not, another machine has that address: correct the address. Nothing was sent to it.',
    })
    this.expected = expected
    this.found = found
    this.#certificate = certificate
  }

  /** What was found, as DER: it may show whose place it takes. */
  get certificate(): Buffer | undefined {
    return this.#certificate
  }
}

interface FoundInstead {
  readonly name: string
  readonly address: string
  readonly expected: string
  readonly found: string
  readonly certificate?: Buffer | undefined
}

/** Somebody dialled whose fingerprint is not among our peers. */
export class StrangerError extends SpansyncError {
  constructor(id: string, address: string) {
    super({
      code: 'stranger',
      message: `refused a connection from ${address}: its fingerprint ${id} is not one of this machine's peers`,
      remedy: `if it is one of your machines: \`spansync peer add NAME --id ${id}\`; otherwise nothing needs to be done`,
    })
  }
}

/** The peer hung up right after the handshake, before it said a word. */
export class NotAcceptedError extends SpansyncError {
  constructor({ name, address, ownId, ownName }: { name: string; address: string; ownId: string; ownName: string }) {
    super({
      code: 'not_accepted',
      message: `${name} at ${address} refused the connection without a word: most likely it does not know this machine`,
      remedy: `on ${name} run \`spansync peer add ${ownName} --id ${ownId}\``,
      retryable: true,
    })
  }
}

/** Two agents of different protocol versions. */
export class ProtocolMismatchError extends SpansyncError {
  constructor({ name, own, theirs }: { name: string; own: number; theirs: number }) {
    const older = theirs < own ? name : 'this machine'
    super({
      code: 'protocol_mismatch',
      message: `${name} speaks protocol version ${theirs}, this machine speaks version ${own}`,
      remedy: `update spansync on ${older}, which has the older version, and start it again`,
      retryable: true,
    })
  }
}

export class PortInUseError extends SpansyncError {
  constructor({ host, port, cause }: { host: string; port: number; cause: unknown }) {
    super({
      code: 'port_in_use',
      message: `cannot listen on ${host}:${port}: another program holds port ${port}`,
      remedy:
        `find it with \`ss -ltnp 'sport = :${port}'\` (Linux), \`lsof -iTCP:${port} -sTCP:LISTEN\` (macOS) or ` +
        `\`netstat -ano | findstr :${port}\` (Windows) and stop it, or set another port under \`listen\` in config.yaml`,
      cause,
    })
  }
}

export class CannotListenError extends SpansyncError {
  constructor({ host, port, cause }: { host: string; port: number; cause: unknown }) {
    const denied = errnoOf(cause) === 'EACCES'
    super({
      code: 'cannot_listen',
      message: `cannot listen on ${host}:${port}: ${messageOf(cause)}`,
      remedy: denied
        ? `ports below 1024 need special rights: set a port above that under \`listen\` in config.yaml`
        : `set \`listen\` in config.yaml to an address of this machine, or to 0.0.0.0:${port} for all of them`,
      cause,
    })
  }
}

const unreachableRemedies: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'that machine is on, but nothing listens there: start `spansync run` on it, and check the port',
  ENOTFOUND: 'that name is not known: check its spelling and this machine’s name service, or use the IP address',
  EAI_AGAIN: 'the name service did not answer: check this machine’s network, or use the IP address',
}

const strangeRemedy =
  'what answers there is not spansync: another program, or the login page of the network that this machine is in; log in, or correct the address'

/** Quietly tried again until it works. */
export class UnreachableError extends SpansyncError {
  constructor({ name, address, cause }: { name: string; address: string; cause: unknown }) {
    const code = errnoOf(cause) ?? ''
    super({
      code: 'unreachable',
      message: `${name} at ${address} cannot be reached: ${messageOf(cause)}`,
      remedy:
        unreachableRemedies[code] ??
        (/^(ERR_SSL_|EPROTO$)/.test(code) ? strangeRemedy : undefined) ??
        'nothing needs to be done when that machine is off; else check the address, its firewall, and the network',
      retryable: true,
      cause,
    })
  }
}

export class BadAddressError extends SpansyncError {
  constructor(name: string, address: string) {
    super({
      code: 'bad_address',
      message: `the address \`${address}\` of ${name} is not host:port`,
      remedy: `correct it: \`spansync peer add ${name} HOST:PORT --id …\`, such as nas.example.org:22070 or [2001:db8::7]:22070`,
    })
  }
}

/** Bytes that are not this protocol, or beyond its bounds. The connection cannot go on. */
export class FramingError extends SpansyncError {
  constructor(message: string) {
    super({
      code: 'bad_frame',
      message,
      remedy: 'the connection was closed and is dialled again; when this repeats, update spansync on both machines',
      retryable: true,
    })
  }
}

/** Why a link or a stream ended although nobody misbehaved; `code` says which. */
export class LinkClosedError extends SpansyncError {
  constructor(code: LinkClosedCode, message: string, remedy = 'nothing needs to be done: the link is dialled again') {
    super({ code, message, remedy, retryable: true })
  }
}

export type LinkClosedCode =
  | 'connection_lost'
  | 'peer_silent'
  | 'peer_too_slow'
  | 'duplicate'
  | 'replaced'
  | 'peer_removed'
  | 'shutdown'
  | 'dropped'
  | 'closed_by_peer'

/** The far side does not take this stream. */
export class StreamRefusedError extends SpansyncError {
  constructor(code: string, message: string, remedy = 'nothing needs to be done: it is tried again') {
    super({ code, message, remedy, retryable: true })
  }
}

/** The far end gave up in the middle of a stream. */
export class StreamAbortedError extends SpansyncError {
  constructor(message: string) {
    super({
      code: 'stream_aborted',
      message: `the far end ended the stream: ${message}`,
      remedy: 'nothing needs to be done: the session is tried again',
      retryable: true,
    })
  }
}

export class MessageTooBigError extends SpansyncError {
  constructor(type: string, bytes: number, limit: number) {
    super({
      code: 'message_too_big',
      message: `a message of type ${type} has ${bytes} bytes; at most ${limit} are allowed`,
      remedy: 'this is a fault in spansync: report it with this line',
    })
  }
}
