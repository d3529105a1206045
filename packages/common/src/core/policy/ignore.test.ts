import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileIgnore, defaultIgnorePatterns, type IgnoreMatcher } from './ignore.ts'

const compile = (...patterns: string[]): IgnoreMatcher => {
  const { matcher, problems } = compileIgnore(patterns)
  expect(problems).toEqual([])
  return matcher
}

describe('compileIgnore', () => {
  it.each<[pattern: string, ignored: string[], kept: string[]]>([
    ['name', ['name', 'a/name', 'a/name/b'], ['names', 'a/rename', 'nam']],
    ['*.ext', ['a.ext', '.ext', 'd/x.ext', 'x.ext/y'], ['a.ext2', 'ext', 'a/ext']],
    ['dir/', ['dir', 'dir/a', 'x/dir/a'], ['dirs']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b', 'a/b/c'], ['x/a/b', 'ab', 'a/xb']],
    ['/anchored', ['anchored', 'anchored/x'], ['x/anchored']],
    ['docs/old', ['docs/old', 'docs/old/x'], ['x/docs/old', 'docs/older']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'b/a/c']],
    ['**/x', ['x', 'a/x', 'a/b/x/c'], ['ax']],
    ['**/a/x', ['a/x', 'b/a/x'], ['ba/x']],
    ['a?c', ['abc', 'aéc', 'a😀c', 'a\nc'], ['ac', 'abbc', 'a/c']],
    ['a??c', ['abbc', 'aéüc'], ['aéc', 'a😀c']],
    ['[abc]x', ['ax', 'cx'], ['dx', 'x', 'abx']],
    ['[a-c0-2]', ['b', '1'], ['d', '3', '-']],
    ['[!a-c]x', ['dx', 'éx', '😀x', '-x', ']x', '^x'], ['ax', 'x', 'd/x']],
    ['[^a]', ['b'], ['a']],
    ['[]a]x', [']x', 'ax'], ['bx']],
    ['[a-]x', ['-x', 'ax'], ['bx']],
    ['[éü]x', ['éx', 'üx'], ['ax', 'x']],
    ['[\\]\\-]x', [']x', '-x'], ['ax', '\\x']],
    ['\\*', ['*', 'a/*'], ['x', '']],
    ['\\!important', ['!important'], ['important']],
    ['\\#x\\ ', ['#x '], ['#x']],
    ['a+b.(c)|{d}$^', ['a+b.(c)|{d}$^'], ['aab.c', 'a+bxc']],
    ['a->b', ['a->b', 'x/a->b'], ['a-b']],
    [' x ', [' x '], ['x']],
    ['a\\\\b', ['a\\b'], ['ab']],
    ['a**b', ['ab', 'axxb'], ['a/b']],
    ['ünï', ['ünï', 'x/ünï'], ['uni']],
  ])('%s', (pattern, ignored, kept) => {
    const matcher = compile(pattern)
    expect(ignored.filter((path) => !matcher.matches(path))).toEqual([])
    expect(kept.filter((path) => matcher.matches(path))).toEqual([])
  })

  it('always ignores the marker and temporary files of Unison', () => {
    const matcher = compile()
    const names = ['.spansync', '.spansync/folder.json', 'a/.unison.x.ab12.unison.tmp', '.unison.d.unison.tmp/x']
    expect(names.filter((name) => !matcher.matches(name))).toEqual([])
    expect(matcher.matches('a/.spansync')).toBe(false)
    expect(matcher.matches('.spansync2')).toBe(false)
  })

  it('has defaults for the usual temporary files', () => {
    const matcher = compile(...defaultIgnorePatterns)
    const temporary = ['a~', '.a.swp', '.~lock.x.odt#', '~$x.docx', 'd/.DS_Store', 'x.tmp', '.#a', '#a#', '.nfs0001']
    expect(temporary.filter((name) => !matcher.matches(name))).toEqual([])
    expect(['a', 'a.swp', '~a', '#a', 'a.part1', '.git', 'tmp'].filter((name) => matcher.matches(name))).toEqual([])
  })

  it.each([
    ['', 'empty'],
    ['/', 'empty'],
    ['!x', 'negation'],
    ['../x', 'parent_reference'],
    ['a/./b', 'parent_reference'],
    ['[abc', 'bad_class'],
    ['[]', 'bad_class'],
    ['[z-a]', 'bad_class'],
    ['[a/b]', 'bad_class'],
    ['[!é]', 'bad_class'],
    ['[à-é]', 'bad_class'],
    ['a\\', 'dangling_escape'],
    ['a\0', 'nul'],
  ])('refuses %j, says why, and keeps the others', (pattern, code) => {
    const { matcher, problems } = compileIgnore([pattern, 'good'])
    expect(problems).toEqual([expect.objectContaining({ pattern, code, remedy: expect.any(String) })])
    expect(matcher.matches('good')).toBe(true)
  })

  it('answers alike for a path and for a walk down to it', () => {
    const part = fc.constantFrom('a', 'b', 'a.tmp', 'é', 'x~')
    const patterns = fc.array(fc.constantFrom('a', '*.tmp', '/b/a', 'a/**/b', '?', '[!a]', 'b/'), { maxLength: 3 })
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), patterns, (parts, given) => {
        const { matcher } = compileIgnore(given)
        const walked = parts.some((name, at) => matcher.matchesEntry(parts.slice(0, at + 1).join('/'), name))
        expect(matcher.matches(parts.join('/'))).toBe(walked)
      }),
    )
  })
})
