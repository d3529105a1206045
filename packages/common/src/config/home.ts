import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export interface HomeQuery {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  /** The user's home directory. */
  readonly userHome?: string
}

/** The same for a coordinator: `$SPANSYNC_COORDINATOR_HOME`, else a directory beside the node's. */
export function resolveCoordinatorHome({ env, ...query }: HomeQuery): string {
  if (env.SPANSYNC_COORDINATOR_HOME) return resolve(env.SPANSYNC_COORDINATOR_HOME)
  const { SPANSYNC_HOME: _node, ...rest } = env
  return `${resolveHome({ env: rest, ...query })}-coordinator`
}

/** The directory that holds everything of a node: `$SPANSYNC_HOME`, else the platform's place for configuration. */
export function resolveHome({ env, platform, userHome = homedir() }: HomeQuery): string {
  if (env.SPANSYNC_HOME) return resolve(env.SPANSYNC_HOME)
  if (platform === 'win32') return join(env.APPDATA || join(userHome, 'AppData', 'Roaming'), 'Spansync')
  if (platform === 'darwin') return join(userHome, 'Library', 'Application Support', 'Spansync')
  // The XDG rules: a relative value is to be ignored.
  const base = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : join(userHome, '.config')
  return join(base, 'spansync')
}

export function configFileOf(home: string): string {
  return join(home, 'config.yaml')
}
