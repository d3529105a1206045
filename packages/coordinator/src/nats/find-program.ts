import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { NatsServerMissingError } from './errors.ts'

/** Debian puts it where only root's PATH leads. */
const usualPlaces = ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']

/** The path of nats-server. Throws NatsServerMissingError. */
export async function findNatsServer(path = process.env.PATH ?? ''): Promise<string> {
  const name = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server'
  const directories = [...path.split(delimiter).filter((directory) => directory !== ''), ...usualPlaces]
  for (const directory of directories) {
    const file = join(directory, name)
    if (await isProgram(file)) return file
  }
  throw new NatsServerMissingError(directories.join(', '))
}

async function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}
