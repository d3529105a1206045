import { SpansyncError } from '@spansync/common/runtime/errors'

const install = 'install it (Debian and Ubuntu: apt install nats-server; macOS: brew install nats-server)'

/** No `nats-server` where programs are looked for. */
export class NatsServerMissingError extends SpansyncError {
  constructor(lookedFor: string) {
    super({
      code: 'nats_server_missing',
      message: `nats-server was not found: ${lookedFor}`,
      remedy: `${install}, or use a server that runs elsewhere: spansync-coordinator run --nats URL`,
    })
  }
}

/** Something else listens where nats-server shall. */
export class NatsPortInUseError extends SpansyncError {
  constructor(port: number) {
    super({
      code: 'nats_port_in_use',
      message: `another program already uses port ${port}, which nats-server needs`,
      remedy:
        'stop that program, or choose another port for NATS. If it is a NATS server that shall be used: spansync-coordinator run ' +
        '--nats URL',
    })
  }
}

export class NatsServerFailedError extends SpansyncError {
  constructor(what: string, log: string) {
    super({
      code: 'nats_server_failed',
      message: `nats-server ${what}`,
      remedy: `see its log: ${log}`,
      retryable: true,
    })
  }
}

/** The running server did not take the new users; it goes on with the old ones. */
export class NatsReloadError extends SpansyncError {
  constructor(reason: string, log: string) {
    super({
      code: 'nats_reload_failed',
      message: `nats-server did not take over the changed users: ${reason}`,
      remedy: `see its log: ${log}`,
      retryable: true,
    })
  }
}

/** The server in use stores nothing. */
export class NatsJetStreamMissingError extends SpansyncError {
  constructor(cause?: unknown) {
    super({
      code: 'nats_jetstream_missing',
      message: 'the NATS server has no JetStream, which keeps the reports of the agents',
      remedy: 'add `jetstream {}` to the configuration of that NATS server and restart it; it is tried again by itself',
      retryable: true,
      cause,
    })
  }
}
