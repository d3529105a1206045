import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { operations } from './operations.ts'
import { Place } from './place.ts'

/** Who prepares and who acts, in turn: both directions, ends and middle. */
const writers = [
  ['a', 'd'],
  ['d', 'a'],
  ['b', 'c'],
  ['c', 'b'],
] as const

describeLab('line a-b-c-d', () => {
  const fleet = useFleet('line')
  const place = (node: string, directory: string): Place => new Place(join(fleet().agent(node).folderPath, directory))
  const numbered = operations.map((operation, index) => ({ ...operation, index }))

  describe('one change reaches every replica', () => {
    test.each(numbered)('$name', async ({ index, prepare, act }) => {
      const below = `operation ${index}`
      const [first, second] = writers[index % writers.length] ?? writers[0]
      if (prepare !== undefined) {
        prepare(place(first, below))
        await fleet().settle(first, { below, asked: [second] })
      }
      act(place(second, below))
      await fleet().follow(second, { below })
    })

    test('a changed permission alone, at the latest when asked to sync', async () => {
      place('a', 'mode').write('script', '#!/bin/sh\n')
      await fleet().settle('a', { below: 'mode', asked: ['a'] })
      place('a', 'mode').chmod('script', 0o755)
      expect((await fleet().agent('a').sync()).code).toBe(0)
      await fleet().follow('a', { below: 'mode' })
    })

    test('modification times are kept', async () => {
      place('a', 'times').save('old', 'x', 1_000_000_000)
      await fleet().follow('a', { below: 'times' })
      expect(lstatSync(place('d', 'times').at('old')).mtimeMs).toBe(1_000_000_000_000)
    })
  })

  test('file to directory to file and back, by different people', async () => {
    for (const [index, writer] of ['a', 'd', 'b', 'c'].entries()) {
      const here = place(writer, 'changing')
      if (index > 0) here.remove('x')
      here.write(index % 2 === 0 ? 'x' : 'x/inside', writer)
      await fleet().settle(writer, { below: 'changing' })
    }
  })

  test.each(['d', 'b'])('%s is away for all of it, then comes back', async (away) => {
    const below = `while ${away} was away`
    for (const [index, { prepare }] of operations.entries()) prepare?.(place('a', `${below}/${index}`))
    await fleet().settle('a', { below })
    await fleet().agent(away).stop()
    for (const [index, { act }] of operations.entries()) act(place('a', `${below}/${index}`))
    // With b away the line is cut: only a itself has the changes.
    if (away === 'd') await fleet().follow('a', { below })
    await fleet().agent(away).start()
    await fleet().follow('a', { below, deadlineMs: 30_000 })
  })

  test('changes made while the agent was not running', async () => {
    const below = 'made offline'
    for (const [index, { prepare }] of operations.entries()) prepare?.(place('c', `${below}/${index}`))
    await fleet().settle('c', { below })
    await fleet().agent('c').stop()
    for (const [index, { act }] of operations.entries()) act(place('c', `${below}/${index}`))
    await fleet().agent('c').start()
    await fleet().follow('c', { below, deadlineMs: 30_000 })
  })

  test('in the end all is equal, sync --wait answers 0, and status says so', async () => {
    await fleet().untilEqual()
    const { code } = await fleet().agent('b').sync()
    const { state, errors, conflicts } = await fleet().agent('b').folder()
    expect({ code, state, errors, conflicts }).toEqual({ code: 0, state: 'idle', errors: [], conflicts: 0 })
    const { links } = await fleet().agent('b').status()
    expect(links.map(({ node, up }) => `${node} ${up}`).sort()).toEqual(['a true', 'c true'])
  })

  test('an edit in the moment that a version arrives is not lost', async () => {
    const below = 'overtaking'
    const versions = Array.from({ length: 12 }, (_, index) => `version ${index + 10}`)
    const has = (node: string, version: string): boolean => {
      const here = place(node, below)
      return here.list().some((name) => here.read(name) === version)
    }
    for (const [index, version] of versions.entries()) {
      // Each end writes as soon as it sees the other's version, before its agent can know of it; the same size each time. The agent may
      // take that for a conflict, but every version must arrive, under whatever name.
      const [writer, reader] = index % 2 === 0 ? ['a', 'd'] : ['d', 'a']
      place(writer, below).write('f', version)
      await until(() => has(reader, version), { deadlineMs: 10_000, intervalMs: 1, what: `${version} at ${reader}` })
    }
    await fleet().untilEqual({ below })
    expect(has('b', versions.at(-1) ?? '')).toBe(true)
  })
})
