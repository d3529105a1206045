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

/** Agents of an earlier demonstration, or of one in another terminal. */
export class StillRunningError extends SpansyncError {
  constructor(agents: readonly { readonly home: string; readonly pid: number }[]) {
    const which = agents.map(({ home, pid }) => `${home} (process ${pid})`).join(', ')
    super({
      code: 'demo_still_running',
      message: `spansync is already running for ${which}`,
      remedy: `use that demonstration, or end what an earlier one left behind: kill ${agents.map(({ pid }) => pid).join(' ')}`,
    })
  }
}

/** An agent ended that should have gone on. */
export class AgentEndedError extends SpansyncError {
  constructor({ name, how, lastWords, logFile }: Record<'name' | 'how' | 'lastWords' | 'logFile', string>) {
    super({
      code: 'demo_agent_ended',
      message: `the agent of ${name} ended by itself (${how}). It said last:\n${lastWords}`,
      remedy: `all that it said is in ${logFile}; start again when the cause is gone`,
    })
  }
}

/** Ctrl-C or a signal: what waits stops waiting. */
export class InterruptedError extends SpansyncError {
  constructor(reason: string) {
    super({ code: 'demo_interrupted', message: `interrupted (${reason})`, remedy: 'start again' })
  }
}
