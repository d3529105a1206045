import { SpansyncError } from '@spansync/common/runtime/errors'

/** Something that is not a demonstration of ours is in its place. */
export class NotOursError extends SpansyncError {
  constructor(root: string) {
    super({
      code: 'demo_not_ours',
      message: `${root} is there already and was not made by this demonstration, so it stays untouched`,
      remedy: 'move it away, or choose another place: npm start -- --dir DIRECTORY',
    })
  }
}

/** What an earlier demonstration left behind, or one in another terminal. */
export class StillRunningError extends SpansyncError {
  /** No pid: somebody has started a coordinator there by hand. */
  constructor(running: readonly { readonly home: string; readonly pid: number | undefined }[]) {
    const which = running.map(({ home, pid }) => (pid === undefined ? home : `${home} (process ${pid})`)).join(', ')
    const pids = running.flatMap(({ pid }) => pid ?? [])
    const ways = [
      ...(pids.length === 0 ? [] : [`kill ${pids.join(' ')}`]),
      ...(pids.length === running.length ? [] : ['Ctrl-C where the coordinator was started by hand']),
    ]
    super({
      code: 'demo_still_running',
      message: `spansync is already running for ${which}`,
      remedy: `use that demonstration, or end what an earlier one left behind: ${ways.join(', and ')}`,
    })
  }
}

/** An agent or the coordinator ended that should have gone on. */
export class ProcessEndedError extends SpansyncError {
  readonly how: string

  constructor({ title, how, lastWords, logFile }: Record<'title' | 'how' | 'lastWords' | 'logFile', string>) {
    super({
      code: 'demo_process_ended',
      message: `${title} ended by itself (${how}). It said last:\n${lastWords}`,
      remedy: `all that it said is in ${logFile}; start again when the cause is gone`,
    })
    this.how = how
  }
}

/** What carries the coordinator's messages is not on this machine. */
export class NoNatsServerError extends SpansyncError {
  constructor(cause: unknown) {
    super({
      code: 'demo_no_nats_server',
      message: 'there is no nats-server on this machine, which carries the messages of a coordinator',
      remedy:
        'install it (Debian and Ubuntu: apt install nats-server; macOS: brew install nats-server), then start again',
      cause,
    })
  }
}

/** Ctrl-C or a signal: what waits stops waiting. */
export class InterruptedError extends SpansyncError {
  constructor(reason: string) {
    super({ code: 'demo_interrupted', message: `interrupted (${reason})`, remedy: 'start again' })
  }
}
