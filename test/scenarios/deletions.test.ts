import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

describeLab('what was deleted stays deleted, whoever was away', () => {
  const fleet = useFleet('ring')
  const place = (node: string, directory: string): Place => new Place(join(fleet().agent(node).folderPath, directory))
  const stop = (...names: string[]): Promise<unknown> => Promise.all(names.map((name) => fleet().agent(name).stop()))
  const start = (...names: string[]): Promise<unknown> => Promise.all(names.map((name) => fleet().agent(name).start()))
  const cut = (a: string, b: string): Promise<void> => fleet().lab.link(a, b).setUp(false)
  const mend = (a: string, b: string): Promise<void> => fleet().lab.link(a, b).setUp(true)

  /** Equal, quiet, still equal: a file that rises does so a moment later. */
  async function settled(below: string): Promise<void> {
    await fleet().untilEqual({ below, deadlineMs: 30_000 })
    await fleet().lab.quiet(1000, 10_000)
    await fleet().untilEqual({ below })
  }

  async function everywhere(directory: string): Promise<void> {
    place('a', directory).write('f', 'x').write('d/one', '1').write('d/two', '2').write('kept', 'k')
    await fleet().settle('a', { below: directory })
  }

  test('one was away; the others met meanwhile', async () => {
    const below = 'one away'
    await everywhere(below)
    await stop('d')
    place('a', below).remove('f').remove('d')
    await fleet().follow('a', { below })
    place('b', below).write('kept', 'edited')
    await fleet().follow('b', { below })
    await start('d')
    await settled(below)
    expect(place('d', below).list()).toEqual(['kept'])
  })

  test('the two that meet have never met before, and the one that deleted is gone', async () => {
    const below = 'never met'
    await cut('c', 'd')
    await everywhere(below)
    await stop('d')
    place('a', below).remove('f').remove('d')
    await fleet().follow('a', { below, only: ['a', 'b', 'c'] })
    await stop('a')
    await mend('c', 'd')
    await start('d')
    await fleet().follow('c', { below, only: ['b', 'c', 'd'] })
    expect(place('d', below).list()).toEqual(['kept'])
    await start('a')
    await settled(below)
    expect(place('a', below).list()).toEqual(['kept'])
  })

  test('deleted in one half of a split ring, other things done in the other half', async () => {
    const below = 'split'
    await everywhere(below)
    await cut('b', 'c')
    await cut('a', 'd')
    place('a', below).remove('f').remove('d')
    place('c', below).write('new', 'n').write('kept', 'edited by c')
    await fleet().follow('a', { below, only: ['a', 'b'] })
    await fleet().follow('c', { below, only: ['c', 'd'] })
    await mend('a', 'd')
    await settled(below)
    await mend('b', 'c')
    await settled(below)
    expect(place('b', below).list()).toEqual(['kept', 'new'])
    expect(place('a', below).read('kept')).toBe('edited by c')
  })

  test('a chain of half meetings: no two that know of it are there at once', async () => {
    const below = 'chain'
    await everywhere(below)
    await stop('b', 'c', 'd')
    place('a', below).remove('f').remove('d')
    await start('b')
    await fleet().follow('a', { below, only: ['a', 'b'] })
    await stop('a')
    await start('c')
    await fleet().follow('b', { below, only: ['b', 'c'] })
    await stop('b')
    await start('d')
    await fleet().follow('c', { below, only: ['c', 'd'] })
    await stop('c')
    await start('a', 'b', 'c')
    await settled(below)
    expect(place('a', below).list()).toEqual(['kept'])
  })

  test('deleted and made again with other content while one was away: the new one, no copy', async () => {
    const below = 'again'
    await everywhere(below)
    await stop('c')
    place('a', below).remove('f')
    await fleet().follow('a', { below })
    place('b', below).write('f', 'a new life')
    await fleet().follow('b', { below })
    await start('c')
    await settled(below)
    expect([place('c', below).list(), place('c', below).read('f')]).toEqual([['d', 'f', 'kept'], 'a new life'])
  })

  test('deleted here and, before they met, deleted there too', async () => {
    const below = 'twice'
    await everywhere(below)
    await stop('d')
    place('a', below).remove('d')
    place('d', below).remove('d')
    await fleet().follow('a', { below })
    await start('d')
    await settled(below)
    expect(place('d', below).list()).toEqual(['f', 'kept'])
  })

  test('renamed while one was away: the old name does not come back', async () => {
    const below = 'renamed'
    await everywhere(below)
    await stop('b')
    place('c', below).rename('d', 'e').rename('f', 'g')
    await fleet().follow('c', { below })
    await start('b')
    await settled(below)
    expect(place('b', below).list()).toEqual(['e', 'g', 'kept'])
  })

  test('deleted while the one that was receiving it is dead: what it had received stays deleted', async () => {
    const below = 'killed'
    await everywhere(below)
    // So many that the others are less than half of the folder, and nobody is asked.
    for (let at = 0; at < 500; at++) place('a', below).write(`rest/${at}`, '')
    await fleet().settle('a', { below })
    const names = Array.from({ length: 400 }, (_, index) => `many/${index}`)
    for (const name of names) place('a', below).write(name, `${name} `.repeat(3000))
    const received = (): number =>
      place('b', `${below}/many`)
        .list()
        .filter((name) => !name.startsWith('.')).length
    await until(() => received() > 20, { deadlineMs: 20_000, intervalMs: 1, what: 'b has some of the files' })
    await fleet().agent('b').crash()
    await fleet().follow('a', { below, only: ['a', 'c', 'd'] })
    for (const name of names) place('a', below).remove(name)
    await fleet().follow('a', { below, only: ['a', 'c', 'd'] })
    // The others are down when b looks at what it has, so that nobody tells it what that is.
    await stop('a', 'c', 'd')
    await start('b')
    await until(async () => (await fleet().agent('b').status()).folders.every(({ state }) => state === 'idle'), {
      ...{ deadlineMs: 20_000, what: 'b has looked at its folder' },
    })
    await start('a', 'c', 'd')
    await settled(below)
    const left = place('b', `${below}/many`).list()
    expect(left.filter((name) => !name.startsWith('.unison.'))).toEqual([])
  })
})
