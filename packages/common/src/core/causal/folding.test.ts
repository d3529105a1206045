import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyPath } from '../../testing/arbitraries.ts'
import { foldName, NamesInUse } from './folding.ts'

const both = { ignoresCase: true, ignoresForm: true }
const caseOnly = { ignoresCase: true, ignoresForm: false }
const formOnly = { ignoresCase: false, ignoresForm: true }

describe('foldName', () => {
  it.each([
    ['A.txt', 'a.TXT', true, false],
    ['é', 'e\u0301', false, true],
    ['É', 'e\u0301', false, false],
    ['straße', 'STRASSE', true, false],
    ['ſ', 's', true, false],
    ['Σίσυφος', 'ΣΊΣΥΦΟΣ', true, false],
    ['a', 'b', false, false],
    ['a b', 'a  b', false, false],
  ])('%s and %s', (left, right, ignoringCase, ignoringForm) => {
    expect(foldName(left, caseOnly) === foldName(right, caseOnly)).toBe(ignoringCase)
    expect(foldName(left, formOnly) === foldName(right, formOnly)).toBe(ignoringForm)
  })

  it('takes É in two characters for é in one where neither counts', () => {
    expect(foldName('E\u0301', both)).toBe(foldName('é', both))
  })

  it('folds what is folded no further', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const once = foldName(path, both)
        expect(foldName(once, both)).toBe(once)
        expect(once.split('/')).toHaveLength(path.split('/').length)
      }),
    )
  })
})

describe('NamesInUse', () => {
  it('finds what is in the way, be it a directory above, and nothing else', () => {
    const names = new NamesInUse(both)
    for (const path of ['Docs/Report', 'x']) names.addWithParents(path)
    expect(names.twinOf('Docs/report')).toBe('Docs/Report')
    expect(names.twinOf('docs/other')).toBe('Docs')
    expect(names.twinOf('docs')).toBe('Docs')
    expect(['Docs', 'Docs/Report', 'Docs/new', 'x', 'y'].map((path) => names.twinOf(path))).toEqual(
      Array(5).fill(undefined),
    )
    names.delete('Docs/report')
    expect(names.twinOf('Docs/report')).toBe('Docs/Report')
    names.delete('Docs/Report')
    expect(names.twinOf('Docs/report')).toBeUndefined()
  })
})
