import { mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takeAway, withTemporary } from './place.ts'
import { lstat, signatureOf } from './stat.ts'
import { makeTestFolder, type TestFolder } from './testing/test-folder.ts'

let folder: TestFolder
let full: string
beforeEach(() => {
  folder = makeTestFolder()
  mkdirSync(join(folder.root, 'd'))
  full = join(folder.root, 'd/x')
})
afterEach(() => folder[Symbol.dispose]())

const moveDirectory = (): void => renameSync(join(folder.root, 'd'), join(folder.root, 'm'))
const moved = (): string[] => readdirSync(join(folder.root, 'm'))

describe.runIf(process.platform === 'linux')('where somebody moves the directory meanwhile', () => {
  function take(destroy: (taken: string) => void): void {
    writeFileSync(full, 'content')
    takeAway(full, signatureOf(lstat(full) as NonNullable<ReturnType<typeof lstat>>), destroy)
  }

  it('what is being taken away goes', () => {
    take((taken) => {
      moveDirectory()
      unlinkSync(taken)
    })
    expect(moved()).toEqual([])
  })

  it('what cannot be taken away is in it under its name', () => {
    const failing = (): void =>
      take(() => {
        moveDirectory()
        throw new Error('it cannot be kept')
      })
    expect(failing).toThrow('it cannot be kept')
    expect(readFileSync(join(folder.root, 'm/x'), 'utf8')).toBe('content')
    expect(moved()).toEqual(['x'])
  })

  it.each([
    ['fails', 'the rest fails'],
    ['ends', undefined],
  ])('no temporary file is left when the work %s', (_how, failure) => {
    const work = (): void =>
      withTemporary(full, (temporary) => {
        writeFileSync(temporary, 'half')
        moveDirectory()
        if (failure) throw new Error(failure)
      })
    if (failure) expect(work).toThrow(failure)
    else work()
    expect(moved()).toEqual([])
  })
})
