import { afterEach, describe, expect, it } from 'vitest'
import { createDiskWorker, type DiskWorker } from './disk-worker.ts'
import { createDisks } from './disks.ts'
import { makeTestFolder, type TestFolder } from './testing/test-folder.ts'

afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
  for (const one of folders.splice(0)) one[Symbol.dispose]()
})

const open: DiskWorker[] = []
const folders: TestFolder[] = []

function makeFolder(): TestFolder {
  const folder = makeTestFolder()
  folders.push(folder)
  return folder
}

/** Folders on the disks that the numbers stand for, and how many workers there came to be. */
function makeDisks(numbers: Map<string, number | undefined>): { disks: DiskWorker; made: () => number } {
  let made = 0
  const make = (): DiskWorker => {
    made++
    return createDiskWorker()
  }
  const disks = createDisks(make, (root) => numbers.get(root))
  open.push(disks)
  return { disks, made: () => made }
}

describe('createDisks', () => {
  it('does not hold up one disk for another that does not answer', async () => {
    const [stuck, well, beside] = [makeFolder(), makeFolder(), makeFolder()]
    const released = Promise.withResolvers<void>()
    const makeStuck = (): DiskWorker => {
      const worker = createDiskWorker()
      return { ...worker, observe: (...all) => released.promise.then(() => worker.observe(...all)) }
    }
    let made = 0
    const numbers = new Map([stuck, well, beside].map(({ root }, at) => [root, at % 2]))
    const disks = createDisks(
      () => (made++ === 0 ? makeStuck() : createDiskWorker()),
      (root) => numbers.get(root),
    )
    open.push(disks)
    const answered: string[] = []
    const look = (name: string, { root }: TestFolder): Promise<unknown> =>
      disks.observe(root, ['none']).then(() => answered.push(name))
    const held = [look('stuck', stuck), look('beside', beside)]
    await look('well', well)
    expect(answered).toEqual(['well'])
    released.resolve()
    await Promise.all(held)
    expect(answered).toEqual(['well', 'stuck', 'beside'])
  })

  it('does what is asked of one root in order, though its disk is mounted in the midst of it', async () => {
    const folder = makeFolder()
    const numbers = new Map([[folder.root, 1]])
    const { disks, made } = makeDisks(numbers)
    const make = disks.perform(folder.root, [{ op: 'mkdir', path: 'd' }])
    numbers.set(folder.root, 2)
    const inside = disks.perform(folder.root, [{ op: 'mkdir', path: 'd/e' }])
    expect(await Promise.all([make, inside])).toMatchObject([[{ code: 'done' }], [{ code: 'done' }]])
    expect(made()).toBe(1)
  })

  it('makes no more workers than there are disks at a time', async () => {
    const [a, b] = [makeFolder(), makeFolder()]
    const numbers = new Map<string, number | undefined>()
    const { disks, made } = makeDisks(numbers)
    const look = async (left: number | undefined, right: number): Promise<number> => {
      numbers.set(a.root, left).set(b.root, right)
      for (const { root } of [a, b])
        expect(await disks.observe(root, ['none'])).toEqual([{ path: 'none', disk: undefined }])
      return made()
    }
    expect(await look(1, 1)).toBe(1)
    expect(await look(2, 1)).toBe(2)
    // Not mounted: its root lies on the other disk, or is not there; and then on a disk with a new number.
    expect(await look(1, 1)).toBe(2)
    expect(await look(undefined, 1)).toBe(2)
    expect(await look(3, 1)).toBe(2)
    expect(await look(3, 4)).toBe(2)
  })

  it('finds out by itself', async () => {
    const folder = makeFolder()
    await using disks = createDisks()
    expect(await disks.observe(folder.root, ['none'])).toEqual([{ path: 'none', disk: undefined }])
    expect(await disks.perform(folder.root, [{ op: 'mkdir', path: 'd' }])).toMatchObject([{ code: 'done' }])
  })
})
