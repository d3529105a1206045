import { connectControl } from '@spansync/agent/control/client'
import { loadConfig } from '@spansync/common/config/file'
import { expect, test } from 'vitest'
import { describeLab, useLab } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { useMachines } from './bare-machine.ts'

describeLab('joining', () => {
  const lab = useLab('triangle')
  const at = useMachines(lab)

  test('two bare machines are equal in under a minute, with three commands', async () => {
    const [a, b] = [at('a'), at('b')]
    a.write('docs/letter.txt', 'Dear Ann')
    const begun = performance.now()
    const { stdout: code } = await a.type('invite', a.path('docs'))
    const joined = await b.type('join', code.trim())
    const accepted = await b.type('folder', 'accept', 'docs', b.path('docs'))
    await until(() => b.has('docs/letter.txt', 'Dear Ann'), { deadlineMs: 20_000, what: 'the letter comes' })
    expect(performance.now() - begun).toBeLessThan(60_000)
    expect(joined.stdout).toContain('spansync folder accept docs')
    expect(accepted.stdout).toContain('folder docs accepted from')
    b.write('docs/answer.txt', 'Dear Bob')
    await until(() => a.has('docs/answer.txt', 'Dear Bob'), { deadlineMs: 20_000, what: 'the answer comes' })
  })

  test('the third joins through the second, and is known to the first', async () => {
    const [a, b, c] = [at('a'), at('b'), at('c')]
    const code = await b.invite()
    const joined = await c.type('join', code)
    expect(joined.stdout).toMatch(/docs {2}2 files/)
    await c.type('folder', 'accept', 'docs', c.path('docs'))
    await until(() => c.has('docs/letter.txt', 'Dear Ann'), { deadlineMs: 20_000, what: 'the letter comes' })
    await until(() => a.isLinkedWith(c), { deadlineMs: 20_000, what: 'the first is linked with the third' })
    expect(c.peers.sort()).toEqual([await a.id(), await b.id()].sort())
  })

  test('a code that was used, one that is mistyped, and one of a machine that was started again', async () => {
    const [a, b, c] = [at('a'), at('b'), at('c')]
    const used = await a.invite()
    await c.type('join', used)
    const again = await c.attempt('join', used)
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/does not take this invitation.*remedy: run `spansync invite`/s),
    })
    const mistyped = await c.attempt('join', `${used.slice(0, 5)}${used[5] === '2' ? '3' : '2'}${used.slice(6)}`)
    expect(mistyped).toMatchObject({ code: 2, stderr: expect.stringMatching(/mistyped.*remedy: /s) })
    const old = await b.invite()
    await connectControl(b.home).stop()
    await b.invite()
    expect((await c.attempt('join', old)).stderr).toContain('does not take this invitation')
  })

  test('whoever is removed gets nothing more from anybody, until it is invited again', async () => {
    const [a, b, c] = [at('a'), at('b'), at('c')]
    await until(() => b.isLinkedWith(c), { deadlineMs: 20_000, what: 'the second is linked with the third' })
    const id = await c.id()
    const [third] = Object.entries(loadConfig(a.home).peers).filter(([, peer]) => peer.id === id)
    await a.type('remove', third?.[0] ?? '')
    await until(() => !b.peers.includes(id), { deadlineMs: 10_000, what: 'the second knows of it' })
    expect(a.peers).not.toContain(id)
    expect((await a.attempt('peer', 'add', 'again', '--id', id)).stderr).toMatch(/was removed.*spansync invite/s)
    a.write('docs/secret.txt', 'not for c')
    await until(() => b.has('docs/secret.txt', 'not for c'), { deadlineMs: 20_000, what: 'the second has it' })
    expect([await a.isLinkedWith(c), await b.isLinkedWith(c), c.has('docs/secret.txt', 'not for c')]).toEqual([
      false,
      false,
      false,
    ])
    await c.type('join', await b.invite())
    await until(() => c.has('docs/secret.txt', 'not for c'), { deadlineMs: 20_000, what: 'the third has it after all' })
    await until(() => a.isLinkedWith(c), { deadlineMs: 20_000, what: 'the first takes it in again' })
  })
})
