import { beforeEach, describe, expect, test } from 'vitest'
import type { TreeItem } from '../lab/tree.ts'
import { auditVersions } from './audit.ts'
import { Ledger } from './ledger.ts'

let ledger: Ledger
beforeEach(() => {
  ledger = new Ledger()
})

const file = (hash: string): TreeItem => ({ kind: 'file', size: 1, executable: false, hash })
const audit = (tree: Record<string, TreeItem>, kept: readonly string[] = []): string[] =>
  auditVersions({ ledger, tree: new Map(Object.entries(tree)), kept: new Set(kept) })

describe('a version that nobody replaced', () => {
  beforeEach(() => ledger.written('n1', 'd/x.txt', 'one'))

  test.each<[string, Record<string, TreeItem>, string[]]>([
    ['is the file', { 'd/x.txt': file('one') }, []],
    ['is a conflict copy', { 'd/x.txt': file('two'), 'd/x (conflict 2026-01-02 n1).txt': file('one') }, []],
    ['is kept', { 'd/x.txt': file('two') }, ['one']],
  ])('%s', (_, tree, kept) => {
    expect(audit(tree, kept)).toEqual([])
  })

  test.each<[string, Record<string, TreeItem>]>([
    ['is gone', {}],
    ['is overwritten', { 'd/x.txt': file('two') }],
    ['strayed to another name', { 'd/y.txt': file('one') }],
    ['is a copy of another file', { 'd/y (conflict 2026-01-02 n1).txt': file('one') }],
  ])('%s: lost', (_, tree) => {
    expect(audit(tree)).toEqual(['lost: "d/x.txt" as n1 wrote it (one)'])
  })

  test('a link counts as well', () => {
    ledger.written('n2', 'l', '-> there')
    expect(audit({ 'd/x.txt': file('one'), l: { kind: 'symlink', target: 'there' } })).toEqual([])
    expect(audit({ 'd/x.txt': file('one'), l: { kind: 'symlink', target: 'elsewhere' } })).toHaveLength(1)
  })
})

describe('a version that somebody who had seen it replaced', () => {
  beforeEach(() => {
    ledger.written('n1', 'x', 'one')
    ledger.replaced('x', 'one', true)
  })

  test('need not be anywhere, and may be in another place', () => {
    expect(audit({})).toEqual([])
    expect(audit({ y: file('one') })).toEqual([])
  })

  test('must not be there again', () => {
    expect(audit({ x: file('one') })).toEqual(['risen from the dead: "x" as n1 wrote it (one)'])
  })

  test('may be there when it was written again, or an index was lost', () => {
    ledger.historyLost = true
    expect(audit({ x: file('one') })).toEqual([])
    ledger.historyLost = false
    ledger.written('n2', 'x', 'one')
    expect(audit({ x: file('one') })).toEqual([])
  })

  test('may come once more when it was still arriving', () => {
    ledger.written('n1', 'z', 'two')
    ledger.replaced('z', 'two', false)
    expect(audit({ z: file('two') })).toEqual([])
  })
})
