import { wantsColor } from '@spansync/common/cli/shell'
import type { Config } from '@spansync/common/config/schema'
import { createLogger, type Logger } from '@spansync/common/runtime/logger'
import pretty from 'pino-pretty'
import type { Context } from './context.ts'

/** JSON lines, or, for a person at a terminal: time, level, node, sentence, and the fields behind it. */
export function createRunLogger(context: Pick<Context, 'stdout' | 'env'>, config: Config): Logger {
  const { stdout, env } = context
  const settings = { level: config.advanced.logLevel, fields: { node: config.name } }
  if (!stdout.isTTY) return createLogger(settings)
  const destination = pretty({
    colorize: wantsColor(stdout, env),
    destination: 1,
    sync: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'node,component,pid,hostname',
    messageFormat: '{if component}{component}: {end}{msg}',
    singleLine: true,
  })
  return createLogger({ ...settings, destination })
}
