import { chmodSync, existsSync, lstatSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { patience } from '@spansync/common/testing/patience'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { copyBytes, copyUntilEnd } from './copy-bytes.ts'
import { makeTestFolder, type TestFolder } from './testing/test-folder.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeTestFolder()
})
afterEach(() => folder[Symbol.dispose]())

describe.each([
  ['copyBytes', copyBytes],
  ['copyUntilEnd', copyUntilEnd],
])('%s', (_, copyBytes) => {
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
})

describe('copyUntilEnd', () => {
  /** In a process of its own: a thread that does not come back could not be ended. */
  function copying(from: string, to: string, limits = ''): Promise<{ exitCode?: number; timedOut: boolean }> {
    const module = JSON.stringify(join(import.meta.dirname, 'copy-bytes.ts'))
    const script = `import { copyUntilEnd } from ${module}; copyUntilEnd(...process.argv.slice(1))`
    const argv = [process.execPath, '--conditions=spansync-source', '--input-type=module', '--eval', script, from, to]
    const options = { timeout: 20_000, killSignal: 'SIGKILL', reject: false } as const
    return execa('sh', ['-c', `${limits} exec "$@"`, 'sh', ...argv], options)
  }

  it('ends although somebody cuts the file short meanwhile', async () => {
    const [from, to] = [folder.at('a'), folder.at('b')]
    folder.write('a', '')
    truncateSync(from, 2 ** 31)
    const copied = copying(from, to)
    const isUnderWay = (): boolean => (lstatSync(to, { throwIfNoEntry: false })?.size ?? 0) > 0
    await vi.waitUntil(isUnderWay, { ...patience, interval: 1 })
    truncateSync(from, 10)
    expect(await copied).toMatchObject({ exitCode: 0, timedOut: false })
    expect(statSync(to).size).toBeLessThan(2 ** 31)
  })

  it('leaves nothing of a copy for which there is no room', async () => {
    folder.write('a', 'x'.repeat(300_000))
    const result = await copying(folder.at('a'), folder.at('b'), 'ulimit -f 100; trap "" XFSZ;')
    expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('EFBIG') })
    expect(folder.names()).toEqual(['a'])
  })
})
