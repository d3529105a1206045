import { errnoOf, messageOf } from '@spansync/common/runtime/errors'
import { execa } from 'execa'
import type { Check } from '../control/api.ts'

/** 2.52 changed the protocol: what is older cannot talk to it. */
const oldest = [2, 52] as const

const install =
  'install Unison 2.52 or newer (Debian: apt install unison; macOS: brew install unison), or set unison.path in config.yaml'

/** Whether the Unison in use is there, starts, and is new enough. */
export async function checkUnison(program = 'unison'): Promise<Check> {
  const check = { id: 'unison', title: 'Unison' }
  try {
    const { stdout } = await execa(program, ['-version'], { timeout: 10_000, stdin: 'ignore' })
    const [, version = '', major = '0', minor = '0'] = /version ((\d+)\.(\d+)\S*)/.exec(stdout) ?? []
    if (version === '')
      return { ...check, result: 'fail', detail: `${program} does not say its version`, remedy: install }
    const detail = `${version} (${program})`
    const tooOld = Number(major) < oldest[0] || (Number(major) === oldest[0] && Number(minor) < oldest[1])
    return tooOld
      ? { ...check, result: 'fail', detail: `${detail} is too old`, remedy: install }
      : { ...check, result: 'ok', detail }
  } catch (error) {
    const missing = errnoOf(error) === 'ENOENT'
    return { ...check, result: 'fail', detail: missing ? `${program} is not there` : messageOf(error), remedy: install }
  }
}
