import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../ports.ts'
import { systemClock } from '../runtime/clock.ts'
import { errnoOf, SpansyncError } from '../runtime/errors.ts'
import { configFileOf } from './home.ts'
import { type ParsedConfig, parseConfig } from './parse.ts'
import { NotInitialisedError } from './problems.ts'
import type { Config } from './schema.ts'

/** Nobody takes this long to write a small file: what is left over after it was left by a process that died. */
const staleAfterMs = 10_000
const retryMs = 20

/** Another process holds the configuration file and does not let go. */
export class ConfigBusyError extends SpansyncError {
  constructor(lock: string) {
    super({
      code: 'config_busy',
      message: `another command is changing the configuration (${lock})`,
      remedy: 'wait for it to end, then try again',
      retryable: true,
    })
  }
}

export function configExists(home: string): boolean {
  return statSync(configFileOf(home), { throwIfNoEntry: false }) !== undefined
}

/** Reads and checks config.yaml. Throws NotInitialisedError or ConfigError. */
export function loadConfig(home: string): Config {
  return readConfig(home).config
}

export function readConfig(home: string): ParsedConfig {
  const file = configFileOf(home)
  return parseConfig({ file, text: readConfigText(file), home })
}

/** Throws NotInitialisedError; `program` is who should have been initialised. */
export function readConfigText(file: string, program?: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw new NotInitialisedError(file, program)
    throw error
  }
}

/** Creates the home (0700) and writes a new config.yaml. */
export async function createConfig(home: string, text: string, clock: Clock = systemClock): Promise<void> {
  parseConfig({ file: configFileOf(home), text, home })
  await writeNewConfig(home, text, clock)
}

/** The same for a text that has been checked. */
export async function writeNewConfig(home: string, text: string, clock: Clock = systemClock): Promise<void> {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  await replaceConfig(home, () => text, clock)
}

/** Writes what `make` answers (undefined: nothing) in place of config.yaml: whole or not at all, on the disk before it counts, readable only by its
 *  owner. The new file is the lock too (as in git): only one process can create it, so no edit of another command is lost. */
export async function replaceConfig(
  home: string,
  make: () => string | undefined,
  clock: Clock = systemClock,
): Promise<void> {
  // Many keep their configuration elsewhere and link to it: the link must stay.
  const file = realPathOf(configFileOf(home))
  const temporary = `${file}.new`
  const handle = await openExclusive(temporary, clock)
  let written = false
  try {
    const text = make()
    if (text === undefined) return
    writeSync(handle, text)
    fsyncSync(handle)
    // Somebody took it for the leftover of a dead process, and may be writing his own by now.
    if (!isSameFile(handle, temporary)) throw new ConfigBusyError(temporary)
    written = true
  } finally {
    closeSync(handle)
    if (!written) rmSync(temporary, { force: true })
  }
  renameSync(temporary, file)
  syncDirectory(dirname(file))
}

function isSameFile(handle: number, path: string): boolean {
  return fstatSync(handle).ino === statSync(path, { throwIfNoEntry: false })?.ino
}

function realPathOf(file: string): string {
  try {
    return realpathSync(file)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return file
    throw error
  }
}

async function openExclusive(path: string, clock: Clock): Promise<number> {
  const until = clock.now() + staleAfterMs + 1000
  for (;;) {
    try {
      return openSync(path, 'wx', 0o600)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
    const age = clock.wallNow() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? clock.wallNow())
    if (age > staleAfterMs) rmSync(path, { force: true })
    else if (clock.now() > until) throw new ConfigBusyError(path)
    else await clock.sleep(retryMs)
  }
}

/** A rename survives a power cut only when its directory is written too. Windows cannot open directories, and need not. */
function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(directory, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
