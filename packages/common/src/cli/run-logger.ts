import pretty from 'pino-pretty'
import type { LogLevel } from '../runtime/log-levels.ts'
import { createLogger, type Logger } from '../runtime/logger.ts'
import { type Environment, wantsColor } from './shell.ts'

export interface RunLog {
  readonly level: LogLevel
  /** In every line; who is running. Left out for people, who know. */
  readonly fields: Readonly<Record<string, string>>
}

/** JSON lines, or, for a person at a terminal: time, level, sentence, and the fields behind it. */
export function createRunLogger(
  { stdout, env }: Pick<Environment, 'stdout' | 'env'>,
  { level, fields }: RunLog,
): Logger {
  if (!stdout.isTTY) return createLogger({ level, fields })
  const destination = pretty({
    colorize: wantsColor(stdout, env),
    destination: 1,
    sync: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: [...Object.keys(fields), 'component', 'pid', 'hostname'].join(','),
    messageFormat: '{if component}{component}: {end}{msg}',
    singleLine: true,
  })
  return createLogger({ level, fields, destination })
}
