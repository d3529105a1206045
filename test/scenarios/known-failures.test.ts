import { closeSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { untilFollowed, untilUnused } from '../lab/coordinate.ts'
import { describeLab, describeLong, useCoordinator, useFleet } from '../lab/suite.ts'
import { readTree } from '../lab/tree.ts'
import { pause, until } from '../lab/until.ts'
import { Place } from './place.ts'

// What other synchronisers are known to get wrong, and no other file here has a name for. Deletions and who was away: deletions.test.ts;
// both sides at once: conflicts.test.ts; only the case of a name: names.test.ts, line.test.ts; a disk that is unmounted:
// errors-folder.test.ts; many files renamed: mass-deletion.test.ts.

/** For this long two machines save the same file. */
const savingMs = process.env.SPANSYNC_LONG ? 60_000 : 4000

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size
}

describeLab('two machines', () => {
  const fleet = useFleet('pair')
  const place = (node: string, below = ''): Place => new Place(join(fleet().agent(node).folderPath, below))

  async function settled(below: string): Promise<void> {
    await fleet().untilEqual({ below, deadlineMs: 30_000 })
    await fleet().lab.quiet(1000, 10_000)
    await fleet().untilEqual({ below })
    const { state, errors } = await fleet().agent('a').folder()
    expect({ state, errors }).toEqual({ state: 'idle', errors: [] })
  }

  test(`a file saved every 50 ms on both for ${savingMs / 1000} s`, { timeout: savingMs + 120_000 }, async () => {
    const below = 'saved'
    place('a', below).write('f', 'before')
    await fleet().settle('a', { below })
    const last = { a: '', b: '' }
    for (let at = 0; at < savingMs / 50; at += 1) {
      for (const node of ['a', 'b'] as const) {
        last[node] = `save ${at} of ${node}`
        place(node, below).write('f', last[node])
      }
      // The pace is what people and programs do; there is nothing to wait for.
      await pause(50)
    }
    await settled(below)
    const here = place('b', below)
    const contents = here.list().map((name) => here.read(name))
    // The last word of each is there, under one name or the other, and the file itself is one of them.
    expect(contents).toEqual(expect.arrayContaining([last.a, last.b]))
    expect([last.a, last.b]).toContain(here.read('f'))
  })

  test('a directory 300 levels deep', async () => {
    const below = 'deep'
    const path = Array.from({ length: 300 }, (_, at) => (at % 10 === 0 ? `level ${at}` : 'd'))
    place('a', below).write([...path, 'bottom'].join('/'), 'down here')
    await fleet().follow('a', { below, deadlineMs: 30_000 })
    place('b', below)
      .write([...path, 'bottom'].join('/'), 'seen')
      .write([...path.slice(0, 150), 'half way'].join('/'), 'x')
    await fleet().follow('b', { below })
    place('a', below).rename(path[0] as string, 'moved')
    await settled(below)
    expect(place('b', below).read(['moved', ...path.slice(1), 'bottom'].join('/'))).toBe('seen')
    place('b', below).remove('moved')
    await settled(below)
    expect([...readTree(place('a', below).directory).keys()]).toEqual([])
  })
})

describeLab('a ring that follows a coordinator, whose link a-d the plan leaves alone', () => {
  const fleet = useFleet('ring', {
    linkFlags: ({ a, b }) => [
      '--throughput',
      [a, b].sort().join('') === 'ad' ? '10mbit' : '100mbit',
      '--latency',
      '2ms',
    ],
  })
  const coordinator = useCoordinator(fleet, 'c')
  const place = (node: string): Place => new Place(fleet().agent(node).folderPath)

  test('deleted, and after a change of the plan two meet that never met', async () => {
    await untilUnused(coordinator(), 'a-d')
    place('a').write('f', 'x').write('d/one', '1').write('kept', 'k')
    await fleet().settle('a')
    await fleet().agent('d').stop()
    place('b').remove('f').remove('d')
    await fleet().follow('b')
    // From now on d can be reached from a only, and whoever deleted is not there.
    await fleet().lab.link('c', 'd').setUp(false)
    await fleet().agent('b').stop()
    await fleet().agent('d').start()
    await fleet().untilEqual({ deadlineMs: 30_000 })
    expect(place('d').list()).toEqual(['kept'])
    await fleet().agent('b').start()
    await fleet().lab.link('c', 'd').setUp(true)
    await untilFollowed(fleet(), coordinator())
    await fleet().untilEqual()
    expect(place('b').list()).toEqual(['kept'])
  })
})

describeLong('a large file with nothing in it', () => {
  const fleet = useFleet('pair')

  test('2 GB, of which 2 MB are data: equal, and quickly', { timeout: 600_000 }, async () => {
    const [source, copy] = ['a', 'b'].map((node) => join(fleet().agent(node).folderPath, 'disk.img')) as [
      string,
      string,
    ]
    const link = fleet().lab.link('a', 'b')
    const before = link.bytes()
    const file = openSync(source, 'w')
    ftruncateSync(file, 2 ** 31)
    writeSync(file, Buffer.alloc(1_000_000, 'begin'), 0, 1_000_000, 1_000_000)
    writeSync(file, Buffer.alloc(1_000_000, 'end'), 0, 1_000_000, 2 ** 31 - 2_000_000)
    closeSync(file)
    const start = performance.now()
    await until(() => sizeOf(copy) === 2 ** 31, { deadlineMs: 200_000, intervalMs: 100, what: 'it is at b' })
    const tookMs = performance.now() - start
    const sent = link.bytes() - before
    await fleet().lab.node('b').exec(['cmp', source, copy])
    console.log(
      `2 GB sparse: ${(tookMs / 1000).toFixed(1)} s, ${sent} bytes, ${statSync(copy).blocks * 512} on the disk`,
    )
    expect(sent).toBeLessThan(40_000_000)
  })
})
