import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '@spansync/common/config/file'
import { expect, test } from 'vitest'
import { describeLab, useLab } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { type BareMachine, useMachines } from './bare-machine.ts'

const deadlineMs = 20_000

/** What `of` calls the machine with this id. */
function nameOf(of: BareMachine, id: string): string | undefined {
  return Object.entries(loadConfig(of.home).peers).find(([, peer]) => peer.id === id)?.[0]
}

async function rotate(machine: BareMachine): Promise<{ id: string; before: string }> {
  return JSON.parse((await machine.type('rotate', '--json')).stdout) as { id: string; before: string }
}

const run = (machine: BareMachine): Promise<unknown> => machine.invite()

describeLab('a new key', () => {
  const lab = useLab('triangle')
  const at = useMachines(lab)

  test('is taken by all members in place of the old one, with all that is set of the peer', async () => {
    const [a, b, c] = [at('a'), at('b'), at('c')]
    a.write('docs/letter.txt', 'Dear Ann')
    await b.type('join', await a.invite(a.path('docs')))
    await b.type('folder', 'accept', 'docs', b.path('docs'))
    await c.type('join', await b.invite())
    await c.type('folder', 'accept', 'docs', c.path('docs'))
    await until(() => a.isLinkedWith(c), { deadlineMs, what: 'the first is linked with the third' })
    await until(() => c.has('docs/letter.txt', 'Dear Ann'), { deadlineMs, what: 'the letter comes' })
    const old = await a.id()
    const name = nameOf(b, old) as string
    await b.type('peer', 'add', name, '--id', old, '--data-cap', '5GB', '--price-per-gb', '4')
    const before = loadConfig(b.home).peers[name]
    const { id } = await rotate(a)
    expect(id).not.toBe(old)
    for (const other of [b, c]) {
      await until(() => other.peers.includes(id) && !other.peers.includes(old), { deadlineMs, what: 'it is known' })
      await until(() => a.isLinkedWith(other), { deadlineMs, what: 'it is linked' })
    }
    expect(loadConfig(b.home).peers[name]).toEqual({ ...before, id })
    expect(existsSync(join(a.home, 'key.next.pem'))).toBe(false)
    a.write('docs/more.txt', 'with a new key')
    b.write('docs/answer.txt', 'to a new key')
    await until(() => c.has('docs/more.txt', 'with a new key'), { deadlineMs, what: 'what it writes comes' })
    await until(() => a.has('docs/answer.txt', 'to a new key'), { deadlineMs, what: 'what others write comes' })
  })

  test('deletions made before and after stay what they are', async () => {
    const [a, b, c] = [at('a'), at('b'), at('c')]
    rmSync(b.path('docs/letter.txt'))
    await until(() => !existsSync(a.path('docs/letter.txt')), { deadlineMs, what: 'it is gone at the first' })
    await until(() => !existsSync(c.path('docs/letter.txt')), { deadlineMs, what: 'it is gone at the third' })
    await rotate(b)
    rmSync(a.path('docs/more.txt'))
    await until(() => !existsSync(b.path('docs/more.txt')), { deadlineMs, what: 'it is gone at the second' })
    await until(() => !existsSync(c.path('docs/more.txt')), { deadlineMs, what: 'it is gone at the third' })
    for (const one of [a, b, c]) expect(existsSync(one.path('docs/letter.txt'))).toBe(false)
  })

  test('made while a member is away: it hears of it when it is back, from another member too', async () => {
    const [a, b, c] = [at('a'), at('b'), at('c')]
    await c.stop()
    const { id, before } = await rotate(a)
    await until(() => b.peers.includes(id), { deadlineMs, what: 'the second knows' })
    await a.stop()
    await run(c)
    await until(() => c.peers.includes(id) && !c.peers.includes(before), { deadlineMs, what: 'the third is told' })
    await run(a)
    await until(() => a.isLinkedWith(c), { deadlineMs, what: 'the first is linked with the third' })
  })

  test('whoever has stolen the old key gets nothing, and when he claims the place first somewhere, nobody has it', async () => {
    const [a, b, c] = [at('a'), at('b'), at('c')]
    const [stolen, own] = [`${a.home}.stolen`, `${a.home}.own`]
    await Promise.all([a.stop(), c.stop()])
    cpSync(a.home, stolen, { recursive: true })
    await run(a)
    await until(() => a.isLinkedWith(b), { deadlineMs, what: 'they are linked' })
    const { id, before } = await rotate(a)
    await until(() => a.isLinkedWith(b), { deadlineMs, what: 'they are linked again' })
    await a.stop()
    renameSync(a.home, own)
    renameSync(stolen, a.home)
    const log = (): string => readFileSync(join(b.home, 'agent.log'), 'utf8')
    const seen = (): number => log().split(before).length
    const count = seen()
    await run(a)
    b.write('docs/secret.txt', 'not for thieves')
    await until(() => seen() > count, { deadlineMs, what: 'the old key has knocked' })
    expect([a.has('docs/secret.txt', 'not for thieves'), b.peers.includes(before)]).toEqual([false, false])
    expect((await b.attempt('peer', 'add', 'again', '--id', before)).stderr).toMatch(/has a new key.*remedy/s)
    await b.stop()
    await run(c)
    const theirs = await rotate(a)
    await until(() => c.peers.includes(theirs.id), {
      deadlineMs,
      what: 'the third, who does not know better, takes it',
    })
    await run(b)
    await until(() => b.isLinkedWith(c), { deadlineMs, what: 'the second tells the third' })
    await until(() => log().includes('members.contested'), { deadlineMs, what: 'it is contested' })
    await until(async () => !(await c.isLinkedWith(a)), { deadlineMs, what: 'the third shuts it out' })
    expect([b.peers.includes(theirs.id), b.peers.includes(id)]).toEqual([false, true])
    expect((await b.attempt('status')).stdout).toMatch(/two keys claim to be that of .*spansync invite/s)
    await a.stop()
    rmSync(a.home, { recursive: true })
    renameSync(own, a.home)
    await a.type('join', await b.invite())
    for (const other of [b, c])
      await until(() => a.isLinkedWith(other), { deadlineMs, what: 'the right one is back everywhere' })
    for (const other of [b, c]) expect(other.peers).toHaveLength(2)
    await until(() => a.has('docs/secret.txt', 'not for thieves'), { deadlineMs, what: 'it has what it missed' })
  })
})

describeLab('a new key in a network of two', () => {
  const lab = useLab({ name: 'pair', nodes: ['a', 'b'], links: [{ a: 'a', b: 'b', dialer: 'a' }] })
  const at = useMachines(lab)

  test.each([
    ['the one that dials', 'a', 'b'],
    ['the one that is dialled', 'b', 'a'],
  ])('of %s, made while the other was away, is heard when that is back', async (_which, one, other) => {
    const [rotating, away] = [at(one), at(other)]
    if (!existsSync(rotating.home)) {
      rotating.write('docs/one.txt', 'one')
      await away.type('join', await rotating.invite(rotating.path('docs')))
      await away.type('folder', 'accept', 'docs', away.path('docs'))
      await until(() => away.has('docs/one.txt', 'one'), { deadlineMs, what: 'the file comes' })
    }
    await away.stop()
    const first = await rotate(rotating)
    // With the agent stopped, too: it is on the disk, and shown at the next start.
    await rotating.stop()
    const second = await rotate(rotating)
    expect(second.before).toBe(first.id)
    await run(rotating)
    await run(away)
    await until(() => away.peers.includes(second.id), { deadlineMs, what: 'the new key is known' })
    await until(() => rotating.isLinkedWith(away), { deadlineMs, what: 'they are linked' })
    expect(away.peers).toHaveLength(1)
    const file = `docs/from-${one}.txt`
    rotating.write(file, one)
    await until(() => away.has(file, one), { deadlineMs, what: 'a file comes' })
  })
})

describeLab('a new key without a member list', () => {
  const lab = useLab({ name: 'pair', nodes: ['a', 'b'], links: [{ a: 'a', b: 'b', dialer: 'a' }] })
  const at = useMachines(lab)

  test('is taken from the old one by a peer that trusts nobody else', async () => {
    const [a, b] = [at('a'), at('b')]
    for (const one of [a, b]) {
      one.write(`docs/${one.machine.name}.txt`, 'x')
      await one.type('init', '--name', one.machine.name)
      await one.type('folder', 'add', 'docs', one.path('docs'))
    }
    const id = async (one: BareMachine): Promise<string> => (await one.type('id')).stdout.trim()
    const place = `${lab().address('b', 'a')}:22070`
    await a.type('peer', 'add', 'b', place, '--id', await id(b))
    await b.type('peer', 'add', 'a', '--id', await id(a))
    for (const one of [a, b]) await one.run()
    await until(() => a.has('docs/b.txt', 'x') && b.has('docs/a.txt', 'x'), { deadlineMs, what: 'both have both' })
    for (const one of [a, b]) {
      const { before } = await rotate(one)
      const other = one === a ? b : a
      await until(() => other.isLinkedWith(one), { deadlineMs, what: 'they are linked again' })
      expect(other.peers).not.toContain(before)
    }
    a.write('docs/last.txt', 'y')
    await until(() => b.has('docs/last.txt', 'y'), { deadlineMs, what: 'the file comes' })
  })
})
