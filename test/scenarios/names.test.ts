import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

const composed = 'caf\u00e9'
const decomposed = 'cafe\u0301'

describeLab('a machine whose disk does not tell some names apart', () => {
  const fleet = useFleet('line', { start: false })
  const place = (name: string): Place => new Place(fleet().agent(name).folderPath)

  /** The last of the line is one; it says so, for no file system here would. */
  beforeAll(async () => {
    const file = join(fleet().agent('d').home, 'config.yaml')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace(/^( +)path: .*$/m, '$&\n$1names: caseless'))
    await Promise.all(fleet().agents.map((agent) => agent.start()))
    await fleet().connected()
  }, 60_000)

  test('holds one of them, says which ones it cannot hold and what to do, and goes on with the rest', async () => {
    place('a').write('Report', 'first').write('Dir/one', '1').write(composed, 'c')
    await fleet().settle('a')
    place('a').write('report', 'second').write('dir/two', '2').write(decomposed, 'd').write('rest', 'r')
    await fleet().follow('a', { only: ['a', 'b', 'c'] })
    await until(() => place('d').exists('rest'), { deadlineMs: 20_000, what: 'd has the rest' })
    expect(place('d').list()).toEqual(['Dir', 'Report', composed, 'rest'].sort())
    expect(place('d').read('Report')).toBe('first')
    const [folder] = (await fleet().agent('d').glance()).folders
    const taken = folder?.errors.filter(({ code }) => code === 'name_taken') ?? []
    expect(taken.map(({ path }) => path).sort()).toEqual(['dir', 'dir/two', 'report', decomposed].sort())
    for (const { message, remedy } of taken)
      expect([message, remedy]).toEqual([expect.stringContaining('does not tell'), expect.stringContaining('rename')])
    place('d').write('Report', 'edited there')
    await until(() => place('a').read('Report') === 'edited there', { deadlineMs: 20_000, what: 'a has the edit of d' })
    expect(place('a').read('report')).toBe('second')
  })

  test('gets all when a person has renamed what was in the way', async () => {
    place('a').rename('report', 'report 2').rename('dir', 'other dir').rename(decomposed, 'coffee')
    await fleet().settle('a', { deadlineMs: 30_000 })
    expect(place('d').list()).toEqual(['Dir', 'Report', composed, 'coffee', 'other dir', 'report 2', 'rest'].sort())
    expect((await fleet().agent('d').status()).folders[0]?.errors).toEqual([])
  })

  test('takes part in a rename of nothing but the case', async () => {
    place('a').rename('Report', 'REPORT').rename('Dir', 'DIR')
    await fleet().settle('a', { deadlineMs: 30_000 })
    expect(place('d').list()).toContain('REPORT')
    expect(place('d').list('DIR')).toEqual(['one'])
    place('d').rename('REPORT', 'Report')
    await fleet().settle('d', { deadlineMs: 30_000 })
    expect(
      place('a')
        .list()
        .filter((name) => name.toLowerCase() === 'report'),
    ).toEqual(['Report'])
  })
})
