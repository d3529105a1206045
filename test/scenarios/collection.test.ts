import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeAll, expect, test } from 'vitest'
import type { Fleet } from '../lab/fleet.ts'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

/** Every three seconds instead of every six hours. */
const often = '\nadvanced:\n  membersMinutes: 0.05\n'

describeLab('news of deletions is forgotten when everybody has it', () => {
  const fleet = useFleet('line', { start: false })
  const place = (node: string): Place => new Place(fleet().agent(node).folderPath)

  beforeAll(async () => {
    for (const { home } of fleet().agents) appendFileSync(join(home, 'config.yaml'), often)
    await Promise.all(fleet().agents.map((agent) => agent.start()))
    await fleet().connected()
  }, 60_000)

  test('a tombstone goes on every machine of a line, and the file stays away', async () => {
    place('a').write('one', '1').write('d/two', '2').write('kept', 'k')
    await fleet().settle('a')
    place('c').remove('one').remove('d')
    await fleet().follow('c')
    await untilForgotten(fleet(), ['a', 'b', 'c', 'd'])
    await fleet().agent('b').stop()
    await fleet().agent('b').start()
    await fleet().settle('a')
    expect(place('d').list()).toEqual(['kept'])
    expect(await fleet().agent('a').sync(10)).toBeTruthy()
  })

  test('one that is away for long still counts, and brings nothing back', async () => {
    place('a').write('old', 'o').write('kept', 'k')
    await fleet().settle('a')
    await fleet().agent('d').stop()
    place('a').remove('old').write('new', 'n')
    await fleet().follow('a', { only: ['a', 'b', 'c'] })
    await fleet().agent('d').start()
    await fleet().settle('a')
    expect(place('d').list()).toEqual(['kept', 'new'])
    await untilForgotten(fleet(), ['a', 'b', 'c', 'd'])
  })

  test('one that was removed no longer counts, and brings nothing back when it is taken in again', async () => {
    const [c, d] = [fleet().agent('c'), fleet().agent('d')]
    place('a').write('gone/1', '1').write('gone/2', '2').write('edited', 'e').write('kept', 'k')
    await fleet().settle('a')
    await d.stop()
    await c.command(['peer', 'remove', 'd'])
    place('a').remove('gone').remove('edited')
    await fleet().follow('a', { only: ['a', 'b', 'c'] })
    await untilForgotten(fleet(), ['a', 'b', 'c'])
    place('d').write('edited', 'while it was away')
    const address = `${fleet().lab.address('d', 'c')}:${d.port}`
    await c.addPeer('d', await d.id(), address)
    await d.start()
    await until(() => !place('d').list().includes('gone'), {
      deadlineMs: 30_000,
      what: 'd has learnt of the deletions',
    })
    await fleet().follow('d', { deadlineMs: 30_000 })
    expect(place('a').list()).toEqual(expect.arrayContaining(['edited', 'kept']))
    expect(place('a').list()).not.toContain('gone')
    expect(place('a').read('edited')).toBe('while it was away')
    await untilForgotten(fleet(), ['a', 'b', 'c', 'd'])
  })
})

async function untilForgotten(fleet: Fleet, names: readonly string[]): Promise<void> {
  const left = (): number[] => names.map((name) => tombstonesOf(fleet.agent(name).home))
  const what = (): string => `nobody has a tombstone; they have ${left()}`
  await until(() => left().every((count) => count === 0), { deadlineMs: 30_000, intervalMs: 100, what })
}

function tombstonesOf(home: string): number {
  const database = new DatabaseSync(join(home, 'index', 'f.sqlite'), { readOnly: true })
  try {
    return database.prepare('SELECT count(*) AS count FROM entry WHERE deleted = 1').get()?.count as number
  } finally {
    database.close()
  }
}
