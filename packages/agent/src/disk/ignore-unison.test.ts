import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { compileIgnore, defaultIgnorePatterns } from '@spansync/common/core/policy/ignore'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// The ignore patterns exist twice, as JavaScript and as Unison's own regular expressions. Here the real Unison copies a tree of
// strange names, and what arrives must be what the JavaScript form lets through.

const hasUnison = spawnSync('unison', ['-version']).status === 0

const names = [
  ...[
    'a',
    'b',
    'ab',
    'abc',
    'aXc',
    'a-c',
    'aéc',
    'a😀c',
    'a\u{1f000}c',
    'aéüc',
    'a\nb',
    'a b',
    ' x ',
    'x',
    '-x',
    '--',
    '->',
    'a->b',
  ],
  ...[
    'a+b.(c)|{d}$^',
    'aab.c',
    '[x]',
    ']x',
    '^x',
    '\\x',
    '*',
    '?',
    '!x',
    '#x',
    '#x#',
    '~$doc',
    'a~',
    '~a',
    '.~lock.x.odt#',
  ],
  ...[
    '.x',
    '.x.swp',
    'x.swp',
    '.DS_Store',
    'Thumbs.db',
    'thumbs.db',
    'x.tmp',
    'x.tmp2',
    'x.part',
    '.#x',
    '.nfs0001',
    'x.crdownload',
  ],
  ...[
    '.unison.x.unison.tmp',
    '.spansync',
    '.spansync2',
    'é',
    'ü',
    '\u{10ffff}',
    '¿',
    '\x01',
    '\x7f',
    '日本',
    "it's",
    '"q"',
    'Regex x',
  ],
  ...[
    'd/a',
    'd/x.tmp',
    'd/e/a',
    'd/e/f/a',
    'd/.spansync',
    'old/a',
    'docs/old/x',
    'docs/older',
    'y/docs/old',
    'name.d/x',
    'ünï/x',
  ],
]

const table: readonly (readonly string[])[] = [
  [],
  defaultIgnorePatterns,
  ...[
    'a',
    '*.tmp',
    'd/',
    '/a',
    'd/a',
    'd/**/a',
    'd/**',
    '**/a',
    '**/e/a',
    'docs/old',
    '/old',
    '*',
    'a*',
    '*c',
    'a*c',
    'a?c',
    'a??c',
  ],
  ...[
    '?',
    '??',
    '???',
    '[ab]',
    '[a-c]b',
    '[!a]',
    '[!a-z]',
    '[^a-zA-Z]x',
    '[]x]x',
    '[a-]x',
    '[-a]x',
    '[éü]',
    '[\\]\\-\\^]x',
    '[+-9]x',
  ],
  ...[
    '\\*',
    '\\?',
    '\\!x',
    '#*',
    'a+b.(c)|{d}$^',
    'a->b',
    '->',
    '--',
    '-x',
    ' x ',
    'a\\\\b',
    '\\\\x',
    'a b',
    'a\nb',
    '\\[x\\]',
    '日*',
  ],
  ...[
    '*é*',
    'aé*',
    'ünï',
    '.*',
    '*.*',
    '"q"',
    "it's",
    'Regex x',
    '*->*',
    '[-]>',
    '?*',
    '*?',
    'a?*',
    '{a,b}',
    'a|b',
    '\x01',
    '[\x01-\x1f]',
  ],
  ...['\x7f', '*.d/x', 'd/?/f', 'd/[!x]/f', '/*/a', '**/?/a', 'y/**/old', '.unison*'],
].map((given) => (typeof given === 'string' ? [given] : given))

describe.skipIf(!hasUnison)('ignore patterns and the real Unison', () => {
  let base: string
  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), 'spansync-ignore-'))
    for (const name of names) {
      mkdirSync(dirname(join(base, 'from', name)), { recursive: true })
      writeFileSync(join(base, 'from', name), name)
    }
  })
  afterAll(() => rmSync(base, { recursive: true }))

  const list = (root: string): string[] => {
    const found: string[] = []
    const walk = (path: string): void => {
      for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
        const child = path === '' ? entry.name : `${path}/${entry.name}`
        found.push(child)
        if (entry.isDirectory()) walk(child)
      }
    }
    walk('')
    return found.sort()
  }

  const copied = (unisonArguments: readonly string[], ...more: string[]): string[] => {
    for (const directory of ['to', 'home']) {
      rmSync(join(base, directory), { recursive: true, force: true })
      mkdirSync(join(base, directory))
    }
    const flags = ['-ui', 'text', '-batch', '-auto', '-silent', '-log=false', '-confirmbigdel=false']
    execFileSync('unison', [join(base, 'from'), join(base, 'to'), ...flags, ...unisonArguments, ...more], {
      env: { ...process.env, UNISON: join(base, 'home'), HOME: base },
      stdio: 'pipe',
    })
    return list(join(base, 'to'))
  }

  const expected = (patterns: readonly string[]): { kept: string[]; unisonArguments: readonly string[] } => {
    const { matcher, problems } = compileIgnore(patterns)
    expect(problems).toEqual([])
    const kept = list(join(base, 'from')).filter((path) => !matcher.matches(path))
    return { kept, unisonArguments: matcher.unisonArguments }
  }

  it.each(table.map((patterns) => [patterns]))('agree on %j', (patterns) => {
    const { kept, unisonArguments } = expected(patterns)
    expect(copied(unisonArguments)).toEqual(kept)
  })

  it('agree on random patterns', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      'c',
      'x',
      'é',
      '.',
      '-',
      '>',
      '?',
      '*',
      '**',
      '/',
      '[ab]',
      '[!a]',
      '[é😀]',
      '\\*',
      ' ',
      'd',
    )
    const pattern = fc
      .array(piece, { minLength: 1, maxLength: 5 })
      .map((pieces) => pieces.join(''))
      .filter((text) => compileIgnore([text]).problems.length === 0)
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 4 }), (patterns) => {
        const { kept, unisonArguments } = expected(patterns)
        expect(copied(unisonArguments)).toEqual(kept)
      }),
      { numRuns: 60 },
    )
  })

  it('agree on a path that is named with -path', () => {
    const { unisonArguments } = expected(['d'])
    expect(copied(unisonArguments, '-path', 'd/e/a', '-path', 'ab')).toEqual(['ab'])
  })
})
