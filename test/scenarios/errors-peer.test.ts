import { expect, test } from 'vitest'
import { SpansyncNode } from '../lab/spansync-node.ts'
import { describeLab, useLab } from '../lab/suite.ts'
import { couple, untilExplained } from './trouble.ts'

describeLab('errors with a peer', () => {
  const lab = useLab('pair')

  test('the fingerprint is another one: refused and explained, healed by the right one', async () => {
    await using two = await couple(lab(), { start: false })
    const stranger = new SpansyncNode(lab().node('b'), { instance: 'stranger', port: 4700 })
    await stranger.init()
    await two.a.command(['peer', 'remove', 'b'])
    await two.a.addPeer('b', await stranger.id(), `${lab().address('b', 'a')}:${two.b.port}`)
    await Promise.all([two.a.start(), two.b.start()])
    await untilExplained(two.a, /fingerprint|identity|certificate/i, /peer (add|remove)|spansync id/i)
    expect(two.at('b').exists('precious')).toBe(false)
    await two.a.command(['peer', 'remove', 'b'])
    await two.a.addPeer('b', await two.b.id(), `${lab().address('b', 'a')}:${two.b.port}`)
    await two.fleet.follow('a')
  })

  test('the peer does not know us', async () => {
    await using two = await couple(lab(), { start: false })
    await two.b.command(['peer', 'remove', 'a'])
    // In this order: a peer that is not there yet would be explained first, in other words.
    await two.b.start()
    await two.a.start()
    await untilExplained(two.a, /refus|reject|unknown|not know|trust|fingerprint/i, /peer add/i)
    expect(two.at('b').exists('precious')).toBe(false)
    await two.b.addPeer('a', await two.a.id())
    await two.fleet.follow('a')
  })

  test('nobody listens there: said, and retried quietly', async () => {
    await using two = await couple(lab(), { start: false })
    await two.a.start()
    await untilExplained(two.a, /refused|reach|ECONNREFUSED|no answer/i, /\S/)
    const { stderr, stdout } = await two.a.sync(5)
    expect(`${stderr}${stdout}`).toMatch(/\bb\b/)
    const lines = two.a.output().split('\n').length
    expect(lines, 'lines of log for a peer that is away').toBeLessThan(60)
  })

  test('the peer has no such folder', async () => {
    await using two = await couple(lab(), { start: false })
    await two.b.command(['folder', 'remove', 'f'])
    await Promise.all([two.a.start(), two.b.start()])
    await untilExplained(two.a, /not (hold|have|share|know)|no folder|no such folder|lacks/i, /folder add/i)
    two.expectNothingLost()
    await two.b.addFolder('f')
    await two.fleet.follow('a')
  })
})
