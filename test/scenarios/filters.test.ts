import { randomBytes } from 'node:crypto'
import { connectControl } from '@spansync/agent/control/client'
import { editConfig } from '@spansync/common/config/edit'
import { expect, test } from 'vitest'
import { parseGraph } from '../lab/graph.ts'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

// The phone takes part in some files only. Whoever dials runs Unison, so both ways are tried.
const ways = [
  ['the phone dials', 'graph filters { phone -- server [dial="phone"]; server -- laptop }'],
  ['the phone is dialled', 'graph filters { phone -- server [dial="server"]; server -- laptop }'],
] as const

for (const [how, text] of ways) {
  describeLab(`rules for files where ${how}`, () => filters(text))
}

function filters(text: string): void {
  const fleet = useFleet(parseGraph(text))
  const place = (node: string): Place => new Place(fleet().agent(node).folderPath)
  const has = (node: string, path: string, what: string): Promise<unknown> =>
    until(() => place(node).exists(path), { deadlineMs: 15_000, what })
  const rule = (value: object | undefined): Promise<void> =>
    editConfig(fleet().agent('phone').home, (editor) => {
      if (value === undefined) editor.remove(['folders', 'f', 'policy'])
      else editor.set(['folders', 'f', 'policy'], value)
    })
  const whyOnPhone = async (path: string): Promise<string | undefined> => {
    const { peers } = await connectControl(fleet().agent('phone').home).why({ folder: 'f', path })
    return peers[0]?.explanations[0]?.where?.key
  }

  test('a leaf gets what it wants, keeps what it has, and all of it when the rules go', async () => {
    const [phone, server, laptop] = [place('phone'), place('server'), place('laptop')]
    await rule({ include: ['*.pdf', 'type:image'], maxSize: '1MB' })
    await until(async () => (await whyOnPhone('any.txt')) === 'folders.f.policy.include', {
      deadlineMs: 10_000,
      what: 'the rules are in force',
    })

    // Larger than what goes in parcels: Unison would bring the directory whole.
    const text = (at: number): string => `${at}`.padEnd(300_000)
    for (let at = 0; at < 12; at++) {
      laptop.write(`../draft/${at}.pdf`, text(at)).write(`../draft/${at}.txt`, text(at))
    }
    laptop.rename('../draft', 'new')
    laptop.write('new/deep/film.jpg', randomBytes(2_000_000)).write('new/deep/cat.JPG', 'x').write('last.pdf', 'x')
    for (const path of ['new/11.pdf', 'new/deep/cat.JPG', 'last.pdf'])
      await has('phone', path, `${path} is on the phone`)
    await has('server', 'new/11.txt', 'the server has everything')
    expect((await fleet().agent('phone').sync(20)).code).toBe(0)
    expect(phone.list('new').filter((name) => name.endsWith('.txt'))).toEqual([])
    expect(phone.exists('new/deep/film.jpg')).toBe(false)
    expect(await whyOnPhone('new/deep/film.jpg')).toBe('folders.f.policy.maxSize')

    // It grows out of what the phone takes, and back.
    laptop.write('last.pdf', randomBytes(1_500_000)).write('beside.pdf', 'x')
    await has('phone', 'beside.pdf', 'the file beside it is on the phone')
    expect((await fleet().agent('phone').sync(20)).code).toBe(0)
    expect(phone.read('last.pdf')).toBe('x')
    laptop.write('last.pdf', 'small again')
    await until(() => phone.read('last.pdf') === 'small again', {
      deadlineMs: 15_000,
      what: 'what is small again comes',
    })

    // What the phone itself writes. What it shares already, it goes on sharing.
    phone.write('own.txt', 'mine').write('large.pdf', randomBytes(1_500_000))
    phone.write('own.pdf', 'ours').write('new/1.pdf', randomBytes(1_500_000))
    await has('laptop', 'own.pdf', 'what the phone shares is on the laptop')
    await until(() => laptop.read('new/1.pdf') === phone.read('new/1.pdf'), {
      deadlineMs: 15_000,
      what: 'it has grown',
    })
    expect([server.exists('own.txt'), server.exists('large.pdf')]).toEqual([false, false])
    expect(await whyOnPhone('large.pdf')).toBe('folders.f.policy.maxSize')

    // A conflict with something that the phone has not taken is settled, and both versions are kept.
    laptop.write('last.pdf', randomBytes(1_500_000)).write('again.pdf', 'x')
    await has('phone', 'again.pdf', 'the file beside it is on the phone')
    phone.write('last.pdf', 'by the phone')
    const copies = (): string[] => laptop.list().filter((name) => name.startsWith('last (conflict'))
    await until(() => copies().length === 1 && laptop.read('last.pdf') === 'by the phone', {
      deadlineMs: 20_000,
      what: 'the phone won, and the other version is kept',
    })
    expect((await fleet().agent('phone').sync(20)).code).toBe(0)

    await rule(undefined)
    for (const path of ['new/11.txt', 'new/deep/film.jpg']) await has('phone', path, `${path} has come`)
    await has('laptop', 'own.txt', 'what the phone kept to itself is on the laptop')
    await fleet().untilEqual()
    expect(laptop.list('.').filter((name) => name.includes('conflict'))).toHaveLength(1)
  })
}

describeLab('the same rules for files everywhere', () => {
  const fleet = useFleet(parseGraph('graph same { a -- b; b -- c }'))
  const place = (node: string): Place => new Place(fleet().agent(node).folderPath)

  test('what is shared grows everywhere, what is new and too large stays, and conflicts are settled', async () => {
    for (const node of ['a', 'b', 'c']) {
      await editConfig(fleet().agent(node).home, (editor) => editor.set(['policy'], { maxSize: '100kB' }))
      await until(() => fleet().agent(node).output().includes('"config.taken"'), {
        deadlineMs: 10_000,
        what: 'the rules are in force',
      })
    }
    place('a').write('log', 'begun')
    await fleet().untilEqual()
    place('a').write('log', randomBytes(200_000)).write('film', randomBytes(200_000))
    await until(() => place('c').read('log') === place('a').read('log'), { deadlineMs: 15_000, what: 'it has grown' })
    expect((await fleet().agent('a').sync(20)).code).toBe(0)
    expect(['b', 'c'].map((node) => place(node).exists('film'))).toEqual([false, false])

    // Its time is older than that of the other version.
    await fleet().lab.link('b', 'c').setUp(false)
    place('c').save('log', 'written by c', 1_000_000_000)
    place('a').write('log', randomBytes(300_000))
    await until(() => place('b').read('log').length > 100_000 && place('b').read('log') === place('a').read('log'), {
      deadlineMs: 15_000,
      what: 'the new version is at b',
    })
    await fleet().lab.link('b', 'c').setUp(true)
    const copies = (node: string): string[] =>
      place(node)
        .list()
        .filter((name) => name.startsWith('log (conflict'))
    await until(() => copies('a').length === 1 && copies('c').length === 1, {
      deadlineMs: 20_000,
      what: 'both versions are at both ends',
    })
    expect((await fleet().agent('a').sync(20)).code).toBe(0)
    expect(place('a').read(copies('a')[0] ?? '')).toBe('written by c')
  })
})
