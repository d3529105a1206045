import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { stuckMs, type Work } from '@spansync/common/core/policy/priority'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { expect, test } from 'vitest'
import { Precedence } from './precedence.ts'

const phone = 'phone' as NodeId
const nas = 'nas' as NodeId
const docs = 'docs' as FolderId
const films = 'films' as FolderId

function given(priorities: Readonly<Record<string, number>> = { docs: 1, films: 0 }) {
  const clock = new FakeClock()
  const work = new Map<string, Work>()
  const links: [NodeId, FolderId[]][] = [
    [phone, [docs, films]],
    [nas, [films]],
  ]
  let bytes = 0
  const precedence = new Precedence({
    clock,
    links: () => links,
    priorityOf: (folder) => priorities[folder] ?? 0,
    workOf: (folder, peer) => work.get(`${folder}/${peer}`) ?? 'none',
    bytes: () => () => bytes,
  })
  return {
    precedence,
    clock,
    links,
    say: (what: string, is: Work) => work.set(what, is),
    flow: (n: number) => (bytes += n),
  }
}

test('over a link that both use the lower one waits, and over another link it does not', () => {
  const { precedence, say } = given()
  for (const what of ['docs/phone', 'films/phone', 'films/nas']) say(what, 'now')
  precedence.look()
  expect(precedence.firstBefore(films, phone)).toBe(docs)
  expect(precedence.firstBefore(films, nas)).toBeUndefined()
  expect(precedence.firstBefore(docs, phone)).toBeUndefined()
})

test('it is news when there is something to pass, and when there no longer is', () => {
  const { precedence, say } = given()
  precedence.look()
  expect(precedence.isNews(docs)).toBe(false)
  say('films/phone', 'now')
  say('docs/phone', 'now')
  expect(precedence.isNews(docs)).toBe(true)
  precedence.look()
  expect(precedence.isNews(docs)).toBe(false)
  expect(precedence.firstBefore(films, phone)).toBe(docs)
  say('docs/phone', 'none')
  expect(precedence.isNews(docs)).toBe(true)
  precedence.look()
  expect(precedence.firstBefore(films, phone)).toBeUndefined()
})

test('among equals nothing is news, and nobody waits', () => {
  const { precedence, say } = given({ docs: 2, films: 2 })
  say('docs/phone', 'now')
  say('films/phone', 'now')
  precedence.look()
  expect(precedence.isNews(docs)).toBe(false)
  expect(precedence.firstBefore(films, phone)).toBeUndefined()
})

test('one that is stuck holds nobody up, until it gets on again', async () => {
  const { precedence, say, clock, flow } = given()
  say('docs/phone', 'now')
  say('films/phone', 'now')
  precedence.look()
  await clock.advance(stuckMs - 1)
  flow(20_000)
  precedence.look()
  await clock.advance(stuckMs - 1)
  precedence.look()
  expect(precedence.firstBefore(films, phone)).toBe(docs)
  await clock.advance(1)
  precedence.look()
  expect(precedence.firstBefore(films, phone)).toBeUndefined()
  flow(20_000)
  precedence.look()
  expect(precedence.firstBefore(films, phone)).toBe(docs)
})

test('a link that is gone is forgotten', () => {
  const { precedence, say, links } = given()
  say('docs/phone', 'now')
  say('films/phone', 'now')
  precedence.look()
  links.length = 0
  precedence.look()
  expect(precedence.firstBefore(films, phone)).toBeUndefined()
  expect(precedence.isNews(docs)).toBe(false)
})
