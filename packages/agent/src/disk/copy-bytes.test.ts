import { chmodSync, existsSync, lstatSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { patience } from '@spansync/common/testing/patience'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { copyBytes } from './copy-bytes.ts'
import { makeTestFolder, type TestFolder } from './testing/test-folder.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeTestFolder()
})
afterEach(() => folder[Symbol.dispose]())

describe('copyBytes', () => {
  it.each([0, 1, 256 << 10, (256 << 10) + 1, 3 << 20])('copies %i bytes and the permissions', (size) => {
    const content = Buffer.alloc(size, 'some bytes, and others')
    writeFileSync(folder.at('a'), content)
    chmodSync(folder.at('a'), 0o4750)
    copyBytes(folder.at('a'), folder.at('b'))
    expect(readFileSync(folder.at('b')).equals(content)).toBe(true)
    expect(statSync(folder.at('b')).mode & 0o7777).toBe(0o4750)
  })

  it('overwrites nothing', () => {
    folder.write('a', 'one')
    folder.write('b', 'two')
    expect(() => copyBytes(folder.at('a'), folder.at('b'))).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    expect(readFileSync(folder.at('b'), 'utf8')).toBe('two')
  })

  it('leaves nothing where nothing is to be copied', () => {
    expect(() => copyBytes(folder.at('a'), folder.at('b'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    expect(existsSync(folder.at('b'))).toBe(false)
  })

  it('ends although somebody cuts the file short meanwhile', async () => {
    const [from, to] = [folder.at('a'), folder.at('b')]
    folder.write('a', '')
    truncateSync(from, 2 ** 31)
    const module = JSON.stringify(join(import.meta.dirname, 'copy-bytes.ts'))
    const script = `import { copyBytes } from ${module}; copyBytes(...process.argv.slice(1))`
    const argv = ['--conditions=spansync-source', '--input-type=module', '--eval', script, from, to]
    // In a process of its own: a thread that does not come back could not be ended.
    const copying = execa(process.execPath, argv, { timeout: 20_000, killSignal: 'SIGKILL', reject: false })
    const isUnderWay = (): boolean => (lstatSync(to, { throwIfNoEntry: false })?.size ?? 0) > 0
    await vi.waitUntil(isUnderWay, { ...patience, interval: 1 })
    truncateSync(from, 10)
    expect(await copying).toMatchObject({ exitCode: 0, timedOut: false })
    expect(statSync(to).size).toBeLessThan(2 ** 31)
  })
})
