import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf, UsageError } from '@spansync/common/runtime/errors'
import { callersDirectory } from './places.ts'

export const help = `Usage: npm start [-- OPTIONS]

Runs three agents, laptop — server — desktop, and a coordinator on this machine and shows what happens in their folders.

  --check           in a fresh ./demo: changes files and kills the coordinator by itself, verifies every replica, prints the times
  --dir DIRECTORY   instead of ./demo
  --help            this text
`

export interface Options {
  readonly check: boolean
  readonly help: boolean
  /** Absolute. */
  readonly directory?: string
}

/** Throws UsageError. */
export function parseOptions(args: readonly string[]): Options {
  const { check, dir, help } = parse(args)
  if (dir === '') throw new UsageError('the directory is empty', 'name one: npm start -- --dir DIRECTORY')
  return { check, help, ...(dir === undefined ? {} : { directory: resolve(callersDirectory(), dir) }) }
}

function parse(args: readonly string[]) {
  const options = {
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
    dir: { type: 'string' },
  } as const
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new UsageError(messageOf(error), 'see npm start -- --help')
  }
}
