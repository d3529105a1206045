import { messageOf, SpansyncError } from '../../runtime/errors.ts'

const again = 'nothing needs to be done: it is tried again'

/** The URL of a NATS server, or one of several, cannot be used. */
export class NatsUrlError extends SpansyncError {
  constructor(url: string) {
    super({
      code: 'nats_bad_url',
      message: `\`${url}\` is not the URL of a NATS server`,
      remedy:
        'write tls://HOST:PORT, such as tls://server.lan:4222; several servers of one cluster with commas between them',
    })
  }
}

/** The server does not know the key, or no longer. Tried again slowly, for the node may be added later. */
export class NatsAuthError extends SpansyncError {
  constructor(server: string, cause?: unknown) {
    super({
      code: 'nats_auth',
      message: `the NATS server ${server} does not accept the key of these credentials`,
      remedy:
        'at the coordinator, check with `spansync-coordinator nodes` that this node is known; otherwise add it there and use the ' +
        'credentials file made for it. It is tried again by itself.',
      retryable: true,
      cause,
    })
  }
}

/** Something answers in the server's place, or the server has a new certificate. */
export class NatsCertificateError extends SpansyncError {
  constructor(server: string, reason: string, cause?: unknown) {
    super({
      code: 'nats_certificate',
      message: `the NATS server ${server} could not prove that it is the right one: ${reason}`,
      remedy:
        'check that the URL leads to the coordinator. If its certificate was made anew, get a new credentials file from there. ' +
        'It is tried again by itself.',
      retryable: true,
      cause,
    })
  }
}

export class NatsPlainError extends SpansyncError {
  constructor(server: string) {
    super({
      code: 'nats_plain',
      message: `the NATS server ${server} offers no TLS`,
      remedy:
        'give that server a certificate (tls { cert_file, key_file }), or use the one that the coordinator starts itself',
      retryable: true,
    })
  }
}

export class NatsProtocolError extends SpansyncError {
  constructor(server: string, reason: string) {
    super({
      code: 'nats_protocol',
      message: `what answers at ${server} does not speak as a NATS server does: ${reason}`,
      remedy: 'check host and port of the URL; it is tried again by itself',
      retryable: true,
    })
  }
}

export class NatsUnreachableError extends SpansyncError {
  constructor(server: string, cause?: unknown) {
    super({
      code: 'nats_unreachable',
      message: `the NATS server ${server} cannot be reached${cause === undefined ? '' : `: ${messageOf(cause)}`}`,
      remedy: 'check that the coordinator runs and that its port can be reached from here; it is tried again by itself',
      retryable: true,
      cause,
    })
  }
}

/** An open connection has ended. */
export class NatsLostError extends SpansyncError {
  constructor(server: string, cause?: unknown) {
    super({
      code: 'nats_lost',
      message: `the connection to the NATS server ${server} has ended${cause === undefined ? '' : `: ${messageOf(cause)}`}`,
      remedy: again,
      retryable: true,
      cause,
    })
  }
}

/** Nothing comes back, although the connection looks open. */
export class NatsSilentError extends SpansyncError {
  constructor(server: string, what: string) {
    super({
      code: 'nats_silent',
      message: `the NATS server ${server} ${what}`,
      remedy: again,
      retryable: true,
    })
  }
}

/** The link was closed on this side. */
export class NatsClosedError extends SpansyncError {
  constructor() {
    super({ code: 'nats_closed', message: 'the connection to NATS was closed', remedy: again, retryable: true })
  }
}

export class CredentialsMissingError extends SpansyncError {
  constructor(file: string) {
    super({
      code: 'credentials_missing',
      message: `there is no credentials file ${file}`,
      remedy: 'get it from the coordinator, and name it with `spansync coordinator set URL --creds FILE`',
    })
  }
}

export class CredentialsDamagedError extends SpansyncError {
  constructor(file: string, reason: string, cause?: unknown) {
    super({
      code: 'credentials_damaged',
      message: `the credentials file ${file} cannot be used: ${reason}`,
      remedy: 'get it again from the coordinator',
      cause,
    })
  }
}

export class CredentialsExposedError extends SpansyncError {
  constructor(file: string, mode: number) {
    super({
      code: 'credentials_exposed',
      message: `other users can get at the credentials file ${file} (mode ${(mode & 0o777).toString(8).padStart(3, '0')})`,
      remedy: `run \`chmod 600 ${file}\`. If others may have read it, get new credentials from the coordinator.`,
    })
  }
}
