import { exitCodes, SpansyncError } from '@spansync/common/runtime/errors'

/** Another process uses this home. */
export class CoordinatorRunsError extends SpansyncError {
  constructor(home: string) {
    super({
      code: 'coordinator_runs',
      message: `a coordinator already runs in ${home}`,
      remedy: 'stop it first, or use another home: spansync-coordinator --home DIR run',
    })
  }
}

/** The command needs a coordinator that runs, and none answers. */
export class NoCoordinatorError extends SpansyncError {
  constructor(where: string, problem?: SpansyncError) {
    const why = problem === undefined ? '' : `: ${problem.message}`
    super({
      code: 'coordinator_not_running',
      message: `no coordinator answers at ${where}${why}`,
      remedy: 'start it with `spansync-coordinator run`',
      exitCode: exitCodes.notRunning,
      cause: problem,
    })
  }
}

/** The coordinator cannot say what was asked for. */
export class OverviewError extends SpansyncError {
  constructor(problem: string) {
    super({
      code: 'overview_failed',
      message: `the coordinator could not answer: ${problem}`,
      remedy: 'see its log; see that it and this command are of the same version',
    })
  }
}
