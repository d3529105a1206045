import { type DestinationStream, type Logger, type LoggerOptions, pino, stdSerializers } from 'pino'
import { SpansyncError } from './errors.ts'
import type { LogLevel } from './log-levels.ts'

export type { Logger } from 'pino'

export interface LoggerSettings {
  readonly level?: LogLevel
  /** On every line, such as `{ node: 'laptop' }`. */
  readonly fields?: Readonly<Record<string, unknown>>
  /** Default: standard output, written synchronously so that the last lines before an exit are not lost. A program with a
   *  terminal hands in a pretty printer. */
  readonly destination?: DestinationStream
}

/** JSON lines: `time` as ISO text, `level` as a word, `event` and the data in fields, the remedy or a sentence as `msg`. Make a
 *  child per component: `log.child({ component: 'index' })`. */
export function createLogger(settings: LoggerSettings = {}): Logger {
  const options: LoggerOptions = {
    level: settings.level ?? 'info',
    base: settings.fields === undefined ? null : { ...settings.fields },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: serializeError },
  }
  return settings.destination === undefined ? pino(options) : pino(options, settings.destination)
}

export const silentLogger: Logger = pino({ level: 'silent' })

/** Foreseen errors need no stack; anything else is a fault, and the stack says where. */
export function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (!(error instanceof SpansyncError)) return stdSerializers.err(error)
  const { name, code, message, remedy, retryable, cause } = error
  const causeText = cause instanceof Error ? cause.message : undefined
  return { type: name, code, message, remedy, retryable, ...(causeText === undefined ? {} : { cause: causeText }) }
}
