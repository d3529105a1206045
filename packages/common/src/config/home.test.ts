import { expect, test } from 'vitest'
import { resolveHome } from './home.ts'

test.each([
  [{ SPANSYNC_HOME: '/srv/node' }, 'linux', '/srv/node'],
  [{}, 'linux', '/home/ann/.config/spansync'],
  [{ XDG_CONFIG_HOME: '/x' }, 'linux', '/x/spansync'],
  [{ XDG_CONFIG_HOME: 'relative' }, 'linux', '/home/ann/.config/spansync'],
  [{ SPANSYNC_HOME: '' }, 'linux', '/home/ann/.config/spansync'],
  [{}, 'darwin', '/home/ann/Library/Application Support/Spansync'],
  [{ APPDATA: '/appdata' }, 'win32', '/appdata/Spansync'],
] as const)('%j on %s: %s', (env, platform, expected) => {
  expect(resolveHome({ env, platform, userHome: '/home/ann' })).toBe(expected)
})
