import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Fleet } from '../lab/fleet.ts'
import type { SpansyncNode } from '../lab/spansync-node.ts'
import { describeLab, useFleet } from '../lab/suite.ts'
import { readTree, type TreeItem } from '../lab/tree.ts'
import { operations } from './operations.ts'
import { Place } from './place.ts'

/** All operations, each directory with its own writer, whose copy is what everybody must have in the end. */
async function everything(fleet: Fleet): Promise<void> {
  const writerOf = (index: number): SpansyncNode => fleet.agents[index % fleet.agents.length] as SpansyncNode
  const place = (index: number): Place => new Place(join(writerOf(index).folderPath, `all/${index}`))
  const settle = async (): Promise<void> => {
    const wanted = new Map<string, TreeItem>()
    for (const index of operations.keys()) {
      wanted.set(`${index}`, { kind: 'dir' })
      for (const [path, item] of readTree(place(index).directory)) wanted.set(`${index}/${path}`, item)
    }
    await fleet.untilEqual({ deadlineMs: 40_000, as: wanted, below: 'all' })
    await fleet.settle('a', { below: 'all' })
  }
  for (const [index, { prepare }] of operations.entries()) prepare?.(place(index))
  await settle()
  for (const [index, { act }] of operations.entries()) act(place(index))
  await settle()
}

describeLab('ring a-b-c-d-a', () => {
  const fleet = useFleet('ring')

  test('all operations at once, from all sides', async () => {
    await everything(fleet())
  })

  test('20 MB travel each hop once, and then nothing is sent', async () => {
    const { lab } = fleet()
    await lab.quiet(1000, 20_000)
    const payload = 20_000_000
    const before = lab.bytes()
    writeFileSync(join(fleet().agent('a').folderPath, 'random'), randomBytes(payload))
    await fleet().follow('a', { deadlineMs: 40_000, intervalMs: 200 })
    await lab.quiet(1000, 10_000)
    const ratio = (lab.bytes() - before) / (payload * 3)
    expect(ratio, 'bytes on all links / (payload × 3)').toBeLessThan(1.075)
    // A minute's 5 KB are for keepalive; ten seconds get their share and a little more, for the beat may fall inside.
    expect(await lab.bytesDuring(10_000), 'bytes in ten idle seconds').toBeLessThan(2500)
  })

  test('with any one link cut a change still reaches everybody', async () => {
    for (const { spec } of fleet().lab.links) {
      const link = fleet().lab.link(spec.a, spec.b)
      await link.setUp(false)
      writeFileSync(join(fleet().agent(spec.a).folderPath, `cut-${spec.a}-${spec.b}`), 'goes the other way round')
      await fleet().follow(spec.a)
      await link.setUp(true)
    }
  })
})

describeLab('star hub-{a,b,c}', () => {
  const fleet = useFleet('star')

  test('all operations at once, from all sides', async () => {
    await everything(fleet())
  })

  test('leaf to leaf through the hub', async () => {
    writeFileSync(join(fleet().agent('a').folderPath, 'from a'), 'a')
    await fleet().settle('a')
    writeFileSync(join(fleet().agent('c').folderPath, 'from a'), 'changed by c')
    await fleet().follow('c')
  })
})
