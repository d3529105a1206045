import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { connectControl } from '@spansync/agent/control/client'
import { editConfig } from '@spansync/common/config/edit'
import { expect, test } from 'vitest'
import type { Fleet } from '../lab/fleet.ts'
import { parseGraph } from '../lab/graph.ts'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

const rules = { exclude: ['*.mkv'], maxSize: '1MB' }

// Whoever dials runs Unison, and either side may say what stays on its side of the link: all are tried.
const ways = [
  { sayer: 'server', other: 'phone', dial: 'phone' },
  { sayer: 'server', other: 'phone', dial: 'server' },
  { sayer: 'phone', other: 'server', dial: 'phone' },
  { sayer: 'phone', other: 'server', dial: 'server' },
] as const

for (const way of ways) {
  const { sayer, dial } = way
  describeLab(`rules of the ${sayer} for the link between phone and server, which the ${dial} dials`, () => {
    const fleet = useFleet(parseGraph(`graph filters { phone -- server [dial="${dial}"]; server -- laptop }`))
    test('only what they let pass does, until they go', () => heldBack(fleet(), way))
  })
}

async function heldBack(fleet: Fleet, { sayer, other }: (typeof ways)[number]): Promise<void> {
  const place = (node: string): Place => new Place(fleet.agent(node).folderPath)
  const [phone, server, laptop] = [place('phone'), place('server'), place('laptop')]
  const has = (node: string, path: string): Promise<unknown> =>
    until(() => place(node).exists(path), { deadlineMs: 15_000, what: `${path} is at ${node}` })
  const why = async (node: string, peer: string, path: string) =>
    (await connectControl(fleet.agent(node).home).why({ folder: 'f', path, peer })).peers[0]
  const heldBackAt = async (node: string, peer: string) => {
    const { folders } = await fleet.agent(node).glance()
    return folders[0]?.peers.find(({ node: name }) => name === peer)
  }
  const bytesAtPhone = async (): Promise<number> => {
    const { links } = await fleet.agent('phone').glance()
    return links.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)
  }
  await fleet.settle('laptop')
  await say(fleet, sayer, ['peers', other, 'policy'], rules)
  const before = await bytesAtPhone()

  // Large enough to be passed on as it comes, and a directory that would come whole.
  laptop.write('film.mkv', randomBytes(6_000_000)).write('big.bin', randomBytes(6_000_000)).write('doc.txt', 'x')
  for (let at = 0; at < 12; at++) {
    laptop.write(`../draft/${at}.txt`, `${at}`.padEnd(100_000)).write(`../draft/${at}.mkv`, `${at}`.padEnd(100_000))
  }
  laptop.rename('../draft', 'new')
  for (const path of ['doc.txt', 'new/11.txt']) await has('phone', path)
  for (const path of ['film.mkv', 'big.bin', 'new/11.mkv']) await has('server', path)
  await until(async () => (await heldBackAt('phone', 'server'))?.heldBack?.lacking.files === 14, {
    deadlineMs: 15_000,
    what: 'the phone knows what it lacks, and why',
  })
  await until(async () => (await heldBackAt('server', 'phone'))?.behind.files === 14, {
    deadlineMs: 15_000,
    what: 'so does the server, and counts nothing else',
  })
  expect(phone.list('new').filter((name) => name.endsWith('.mkv'))).toEqual([])
  expect([phone.exists('film.mkv'), phone.exists('big.bin')]).toEqual([false, false])
  expect((await bytesAtPhone()) - before).toBeLessThan(3_000_000)

  const [hereWhy, thereWhy] = [await why(sayer, other, 'film.mkv'), await why(other, sayer, 'film.mkv')]
  expect(hereWhy).toMatchObject({ state: 'blocked', explanations: [{ code: 'held_back' }] })
  expect(hereWhy?.explanations[0]?.where?.key).toBe(`peers.${other}.policy.exclude`)
  expect(thereWhy).toMatchObject({ state: 'blocked', explanations: [{ code: 'peer_policy' }] })
  // Which files they are only the one knows whose rules they are.
  expect(await why(sayer, other, 'doc.txt')).toMatchObject({ state: 'equal' })
  const waited = await fleet.agent('laptop').sync(3)
  expect(waited.code).not.toBe(0)
  const told = await fleet.agent('phone').attempt(['sync', '--wait', '--timeout', '3s'])
  expect(told.stderr + told.stdout).toMatch(/policy holds 14 files back/)

  // The other way, and what is no content: a deletion, a name.
  phone.write('own.mkv', 'mine').write('own.txt', 'ours')
  await has('laptop', 'own.txt')
  await until(async () => (await heldBackAt('server', 'phone'))?.heldBack?.lacking.files === 1, {
    deadlineMs: 15_000,
    what: 'the server knows of what the phone keeps to itself',
  })
  expect(server.exists('own.mkv')).toBe(false)
  laptop.remove('doc.txt').remove('new/3.mkv').write('small.txt', 'x')
  await has('phone', 'small.txt')
  await until(() => !phone.exists('doc.txt'), { deadlineMs: 15_000, what: 'it is deleted on the phone' })

  // Both change what is held back: nobody settles it before it may pass, and nothing is lost.
  phone.write('film.mkv', 'by the phone')
  laptop.write('big.bin', 'it fits now')
  await until(() => phone.exists('big.bin') && phone.read('big.bin') === 'it fits now', {
    deadlineMs: 15_000,
    what: 'what has become small enough comes',
  })
  expect(phone.read('film.mkv')).toBe('by the phone')
  const film = laptop.read('film.mkv')
  expect(server.read('film.mkv')).toBe(film)

  // Other rules, under which the same waits and nothing passes: both ends find their rest again.
  await say(fleet, sayer, ['peers', other, 'policy'], { exclude: ['*.mkv', '*.iso'] })
  const isAtRest = async (node: string, peer: string): Promise<boolean> => {
    const { behind, lacking, heldBack } = (await heldBackAt(node, peer)) ?? {}
    return isDeepStrictEqual({ behind, lacking }, heldBack)
  }
  await until(async () => (await isAtRest('server', 'phone')) && (await isAtRest('phone', 'server')), {
    deadlineMs: 15_000,
    what: 'each knows that nothing is lacked but what is held back',
  })
  expect(await why(sayer, other, 'small.txt')).toMatchObject({ state: 'equal' })

  await say(fleet, sayer, ['peers', other, 'policy'], undefined)
  await has('phone', 'new/11.mkv')
  await has('laptop', 'own.mkv')
  await fleet.untilEqual()
  const films = laptop.list().filter((name) => name.startsWith('film'))
  expect(new Set(films.map((name) => laptop.read(name)))).toEqual(new Set([film, 'by the phone']))
  expect((await heldBackAt('phone', 'server'))?.heldBack).toBeUndefined()
}

describeLab('rules for one of two ways', () => {
  const fleet = useFleet(parseGraph('graph ring { phone -- server; server -- laptop; laptop -- phone }'))

  test('what one link does not let pass comes over the other, and all is equal', async () => {
    const place = (node: string): Place => new Place(fleet().agent(node).folderPath)
    await fleet().settle('laptop')
    await say(fleet(), 'phone', ['folders', 'f', 'policy', 'peers', 'server'], { exclude: ['type:video'] })
    place('server').write('film.mkv', randomBytes(200_000)).write('doc.txt', 'x')
    await fleet().untilEqual()
    expect((await fleet().agent('server').sync(20)).code).toBe(0)
    expect(place('phone').read('film.mkv')).toBe(place('server').read('film.mkv'))
  })
})

describeLab("deletions that are not meant, on the link's one end", () => {
  const fleet = useFleet(parseGraph('graph revert { phone -- server [dial="server"] }'))

  test('are reverted but for what the other end holds back', async () => {
    const [phone, server] = ['phone', 'server'].map((node) => new Place(fleet().agent(node).folderPath)) as [
      Place,
      Place,
    ]
    for (let at = 0; at < 120; at++) server.write(`doc${at}`, `${at}`)
    server.write('film.mkv', randomBytes(200_000))
    await fleet().settle('server')
    await say(fleet(), 'server', ['peers', 'phone', 'policy'], { exclude: ['*.mkv'] })
    for (const name of phone.list()) phone.remove(name)
    await until(async () => (await fleet().agent('phone').folder()).state === 'waiting', {
      deadlineMs: 20_000,
      what: 'the phone asks',
    })
    const { stdout } = await fleet().agent('phone').attempt(['revert', 'f'])
    expect(stdout).toMatch(/120 files brought back/)
    expect(phone.list().length).toBe(120)
    expect([phone.exists('film.mkv'), server.exists('film.mkv')]).toEqual([false, true])
  })
})

async function say(fleet: Fleet, node: string, path: readonly string[], value: object | undefined): Promise<void> {
  const taken = (): number => fleet.agent(node).output().split('"policy.filter"').length
  const before = taken()
  await editConfig(fleet.agent(node).home, (editor) => {
    if (value === undefined) editor.remove(path)
    else editor.set(path, value)
  })
  await until(() => taken() > before, { deadlineMs: 10_000, what: `${node} has taken the rules` })
}
