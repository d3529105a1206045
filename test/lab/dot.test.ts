import { expect, test } from 'vitest'
import { parseDot } from './dot.ts'
import { loadGraph, parseDelay, parseGraph, parseRate } from './graph.ts'

const edges = (text: string): string[] => parseDot(text).edges.map(({ from, to }) => `${from}-${to}`)

test.each([
  ['a chain', 'graph { a -- b -- c }', ['a-b', 'b-c']],
  ['a group', 'graph g { hub -- { a b; c } }', ['hub-a', 'hub-b', 'hub-c']],
  ['a named group', 'graph { subgraph s { a b } -- { c } }', ['a-c', 'b-c']],
  ['arrows', 'digraph { b -> a; c->b }', ['b-a', 'c-b']],
  ['quotes and comments', 'strict graph "x" { // one\n "a b" -- "c\\"d" /* two\n */ # three\n }', ['a b-c"d']],
  ['settings', 'graph { rankdir=LR; node [shape=box]; graph [size="1,2"]\n a -- b }', ['a-b']],
])('reads %s', (_, text, wanted) => {
  expect(edges(text)).toEqual(wanted)
})

test('defaults hold inside their braces, and an edge can override them', () => {
  const { edges: found, nodes } = parseDot(`graph {
    edge [rate="1mbit" delay=2ms]
    { edge [rate="5mbit"] a -- b }
    b -- c [delay="9ms", dial=c]
    a [label="A machine"] }`)
  expect(found.map(({ attributes }) => attributes)).toEqual([
    { rate: '5mbit', delay: '2ms' },
    { rate: '1mbit', delay: '9ms', dial: 'c' },
  ])
  expect(nodes.get('a')).toEqual({ label: 'A machine' })
})

test.each([
  ['graph {\n a -- }', 'line 2: expected a name, found "}"'],
  ['graph { a -- b', 'expected a name, found the end of the file'],
  ['digraph { a -- b }', 'found "--"'],
  ['graph { a -- b } x', 'expected the end of the file'],
  ['graph { a -- "b }', 'cannot read "\\""'],
])('says what is wrong with %j', (text, message) => {
  expect(() => parseDot(text)).toThrow(message)
})

test('the lower name dials unless the graph says otherwise', () => {
  const dialers = (text: string): string[] => parseGraph(text).links.map(({ a, b, dialer }) => `${a}-${b}:${dialer}`)
  expect(dialers('graph { b -- a  b -- c [dial=c] }')).toEqual(['a-b:a', 'b-c:c'])
  expect(dialers('digraph { b -> a -> c }')).toEqual(['a-b:b', 'a-c:a'])
})

test('units', () => {
  expect([parseRate('100mbit'), parseRate('2.5Mbit'), parseRate('9600bit')]).toEqual([1e8, 2.5e6, 9600])
  expect([parseDelay('1ms'), parseDelay('500us'), parseDelay('2s')]).toEqual([1, 0.5, 2000])
  expect(() => parseRate('fast')).toThrow('write it like 100mbit')
  expect(() => parseGraph('graph { a -- b a -- b }')).toThrow('cannot be joined twice')
})

test.each([
  ['line', 4, 3],
  ['ring', 4, 4],
  ['triangle', 3, 3],
  ['star', 4, 3],
  ['home-work', 4, 4],
  ['pair', 2, 1],
])('the graph %s', (name, nodes, links) => {
  const graph = loadGraph(name)
  expect([graph.nodes.length, graph.links.length]).toEqual([nodes, links])
})
