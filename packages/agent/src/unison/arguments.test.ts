import { describe, expect, test } from 'vitest'
import { backupSuffix } from '../versions/unison-backups.ts'
import {
  escapeRegex,
  oneShotArguments,
  persistentArguments,
  type RunSettings,
  remoteRootOf,
  unisonEnvironment,
} from './arguments.ts'

const settings: RunSettings = {
  localRoot: '/a',
  remoteRoot: remoteRootOf('/tmp/s/u'),
  ignore: ['Name *.tmp'],
  way: { kind: 'plain', bulk: false },
  run: { paths: ['x y', '-dash'] },
  backup: false,
}

function follows(argv: readonly string[], ...sequence: string[]): boolean {
  return argv.some((_, at) => sequence.every((word, offset) => argv[at + offset] === word))
}

describe('oneShotArguments', () => {
  test('always guards the sentinel, keeps times and asks nothing', () => {
    const argv = oneShotArguments(settings)
    expect(argv.slice(0, 2)).toEqual(['/a', 'socket://{/tmp/s/u}/'])
    for (const word of ['-batch', '-times', '-confirmbigdel=false', '-silent']) expect(argv).toContain(word)
    expect(follows(argv, '-mountpoint', '.spansync')).toBe(true)
    expect(follows(argv, '-ignore', 'Name *.tmp')).toBe(true)
    expect(follows(argv, '-path', 'x y', '-path', '-dash')).toBe(true)
    for (const word of ['-force', '-backup', '-ignorelocks', '-ignorearchives', '-fastcheck'])
      expect(argv).not.toContain(word)
  })
  test.each([
    [{ way: { kind: 'force', winner: 'local' } as const }, ['-force', '/a']],
    [{ way: { kind: 'force', winner: 'remote' } as const }, ['-force', 'socket://{/tmp/s/u}/']],
    [{ way: { kind: 'plain', bulk: true } as const }, ['-xferbycopying=false', '-rsync=false', '-maxthreads', '200']],
    [
      { backup: true },
      ['-backup', 'Regex .*', '-backuploc', 'central', '-backupprefix', '', '-backupsuffix', backupSuffix],
    ],
    [{ rescan: true }, ['-fastcheck', 'false']],
    [{ ignoreLocks: true }, ['-ignorelocks']],
    [{ ignoreArchives: true }, ['-ignorearchives']],
    [{ preferences: { ignoreCase: true } }, ['-ignorecase', 'true']],
  ])('%j', (change, sequence) => {
    expect(follows(oneShotArguments({ ...settings, ...change }), ...sequence)).toBe(true)
  })
  test('only some names of a directory', () => {
    const argv = oneShotArguments({ ...settings, run: { directory: 'a+b', names: ['*', 'x.y'] } })
    const expected = [
      '-path',
      'a+b',
      '-ignore',
      'Regex a\\+b/.+',
      '-ignorenot',
      'Regex a\\+b/\\*',
      '-ignorenot',
      'Regex a\\+b/x\\.y',
    ]
    expect(follows(argv, ...expected)).toBe(true)
  })
  test('only some names of the root', () => {
    const argv = oneShotArguments({ ...settings, run: { directory: '', names: ['x'] } })
    expect(follows(argv, '-path', '', '-ignore', 'Regex .+', '-ignorenot', 'Regex x')).toBe(true)
  })
})

test('persistentArguments: watches, says when it is done, and keeps to its scope', () => {
  const argv = persistentArguments({ ...settings, scope: ['d'] })
  expect(follows(argv, '-repeat', 'watch', '-path', 'd')).toBe(true)
  expect(argv).not.toContain('-silent')
})

test('escapeRegex', () => expect(escapeRegex('a.b*(c)[d]{e}\\f')).toBe('a\\.b\\*\\(c\\)\\[d\\]\\{e\\}\\\\f'))

describe('unisonEnvironment', () => {
  const base = { nodeId: 'n1', unisonDir: '/u', home: '/root-of-folder', searchPath: '/bin' }
  test('is the whole environment', () => {
    expect(unisonEnvironment(base)).toEqual({
      PATH: '/bin',
      HOME: '/root-of-folder',
      UNISON: '/u',
      UNISONLOCALHOSTNAME: 'n1',
      LC_ALL: 'C',
    })
  })
  test('the stand-in comes first', () => expect(unisonEnvironment({ ...base, monitorDir: '/m' }).PATH).toBe('/m:/bin'))
  test('each host has its own backups', () => {
    expect(unisonEnvironment({ ...base, backupDir: '/b' })).toMatchObject({ UNISONBACKUPDIR: '/b' })
  })
})
