import { basename } from 'node:path'
import { exitCodes, SpansyncError } from '../runtime/errors.ts'

/** One thing that is wrong in a configuration file. Lines and columns count from 1. */
export interface ConfigProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** Dotted, such as `folders.docs.path`; '' for the file as a whole. */
  readonly key: string
  readonly message: string
  /** The nearest thing that would have been right. */
  readonly suggestion?: string
}

/** ``unknown key `peeers` (config.yaml:4:1); did you mean `peers`?`` */
export function formatProblem(problem: ConfigProblem): string {
  const place = `${basename(problem.file)}:${problem.line}:${problem.column}`
  const hint = problem.suggestion === undefined ? '' : `; did you mean \`${problem.suggestion}\`?`
  return `${problem.message} (${place})${hint}`
}

/** The configuration file does not say what it could mean. Lists every problem at once. */
export class ConfigError extends SpansyncError {
  readonly problems: readonly ConfigProblem[]

  constructor(file: string, problems: readonly ConfigProblem[], cause?: unknown) {
    const lines = problems.map(formatProblem)
    const message =
      lines.length === 1 ? `${lines[0]}` : [`${lines.length} problems in ${basename(file)}:`, ...lines].join('\n  ')
    super({
      code: 'config_invalid',
      message,
      remedy: `correct ${file}, then try again`,
      exitCode: exitCodes.usage,
      cause,
    })
    this.problems = problems
  }
}

/** There is no configuration file in this home. */
export class NotInitialisedError extends SpansyncError {
  constructor(file: string, program = 'spansync') {
    super({
      code: 'not_initialised',
      message: `there is no configuration at ${file}`,
      remedy: `run \`${program} init\` first, or name the right directory with --home`,
      exitCode: exitCodes.usage,
    })
  }
}
