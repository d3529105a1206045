import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeLab, useFleet } from '../lab/suite.ts'
import { Place } from './place.ts'

const copyName = /^(.*) \(conflict \d{4}-\d{2}-\d{2} (a|b|c|d)\)(\.[^.]*)?$/

describeLab('both sides of a cut link b-c', () => {
  const fleet = useFleet('line')
  const place = (node: string, directory: string): Place => new Place(join(fleet().agent(node).folderPath, directory))

  /** `before` is known to all; then the link is cut, `left` happens at a and `right` at d, each half settles, and the link is back. */
  async function apart(
    directory: string,
    acts: Record<'before' | 'left' | 'right', (here: Place) => unknown>,
  ): Promise<Place> {
    const link = fleet().lab.link('b', 'c')
    acts.before(place('a', directory))
    await fleet().settle('a', { below: directory })
    await link.setUp(false)
    acts.left(place('a', directory))
    acts.right(place('d', directory))
    await fleet().follow('a', { below: directory, only: ['a', 'b'] })
    await fleet().follow('d', { below: directory, only: ['c', 'd'] })
    await link.setUp(true)
    await fleet().untilEqual({ below: directory, deadlineMs: 30_000 })
    // Equal for a moment is not settled: nothing may be in flight that changes it again.
    await fleet().lab.quiet(1000, 10_000)
    await fleet().untilEqual({ below: directory })
    return place('c', directory)
  }

  test('two edits: the later wins everywhere, the other is one conflict copy everywhere', async () => {
    const here = await apart('two edits', {
      before: (at) => at.write('plan.txt', 'common'),
      left: (at) => at.save('plan.txt', 'from a, longer', 1_700_000_000),
      right: (at) => at.save('plan.txt', 'from d', 1_700_000_100),
    })
    const [copy = '', ...others] = here.list().filter((name) => name !== 'plan.txt')
    expect(others).toEqual([])
    expect(copy).toMatch(/^plan \(conflict \d{4}-\d{2}-\d{2} (a|b|c|d)\)\.txt$/)
    expect([here.read('plan.txt'), here.read(copy)]).toEqual(['from d', 'from a, longer'])
    expect((await fleet().agent('a').command(['conflicts'])).stdout).toContain('plan')
  })

  test('two new files of one name, without an extension', async () => {
    const here = await apart('two new', {
      before: (at) => at.write('other', 'x'),
      left: (at) => at.write('README', 'left'),
      right: (at) => at.write('README', 'right'),
    })
    const copies = here.list().filter((name) => copyName.test(name))
    expect(copies).toHaveLength(1)
    expect([here.read('README'), here.read(copies[0] ?? '')].sort()).toEqual(['left', 'right'])
  })

  test('the same edit on both sides is no conflict', async () => {
    const here = await apart('same edit', {
      before: (at) => at.write('f', 'before'),
      left: (at) => at.write('f', 'the same'),
      right: (at) => at.write('f', 'the same'),
    })
    expect([here.list(), here.read('f')]).toEqual([['f'], 'the same'])
  })

  test('an edit beats a deletion, with no copy', async () => {
    const here = await apart('edit and delete', {
      before: (at) => at.write('f', 'before').write('g', 'before'),
      left: (at) => at.remove('f').write('g', 'edited at a'),
      right: (at) => at.write('f', 'edited at d').remove('g'),
    })
    expect([here.list(), here.read('f'), here.read('g')]).toEqual([['f', 'g'], 'edited at d', 'edited at a'])
  })

  test('a file added to a directory that the other side deleted survives', async () => {
    const here = await apart('add and delete', {
      before: (at) => at.write('d/old', 'x'),
      left: (at) => at.remove('d'),
      right: (at) => at.write('d/new', 'kept'),
    })
    expect(here.read('d/new')).toBe('kept')
    expect(here.exists('d/old')).toBe(false)
  })

  test('a directory renamed while the other side adds a file in it: all is there, and nothing twice', async () => {
    const here = await apart('rename and add', {
      before: (at) => at.write('d/old', 'x').write('d/e/deep', 'y'),
      left: (at) => at.rename('d', 'renamed'),
      right: (at) => at.write('d/new', 'added').write('d/e/newer', 'added, too'),
    })
    const contents = ['renamed/old', 'renamed/e/deep', 'd/new', 'd/e/newer'].map((name) => here.read(name))
    expect(contents).toEqual(['x', 'y', 'added', 'added, too'])
    expect([here.exists('d/old'), here.exists('d/e/deep'), here.list().some((name) => copyName.test(name))]).toEqual([
      false,
      false,
      false,
    ])
  })

  test('a file here, a directory there: the directory keeps the name, the file is kept beside it', async () => {
    const here = await apart('kinds', {
      before: (at) => at.write('other', 'x'),
      left: (at) => at.write('thing.txt', 'the file'),
      right: (at) => at.write('thing.txt/inside', 'in the directory'),
    })
    expect(here.read('thing.txt/inside')).toBe('in the directory')
    const copies = here.list().filter((name) => copyName.test(name))
    expect(copies.map((name) => here.read(name))).toEqual(['the file'])
  })

  test('deleted on both sides, renamed on both sides: no conflict', async () => {
    const here = await apart('both', {
      before: (at) => at.write('gone', 'x').write('old', 'y'),
      left: (at) => at.remove('gone').rename('old', 'new'),
      right: (at) => at.remove('gone').rename('old', 'new'),
    })
    expect(here.list()).toEqual(['new'])
  })

  test('an edit of a conflict that was already seen wins without another copy', async () => {
    const before = place('a', 'two edits').list().length
    place('b', 'two edits').write('plan.txt', 'merged by hand')
    await fleet().follow('b', { below: 'two edits' })
    expect(place('d', 'two edits').list()).toHaveLength(before)
  })
})
