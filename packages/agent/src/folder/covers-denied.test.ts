import { chmodSync, mkdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { makeTestFolder } from '../disk/testing/test-folder.ts'
import { asUnprivileged } from '../disk/testing/unprivileged.ts'
import { isBare } from './covers.ts'

it('takes a directory for bare only when it can be seen to be', async () => {
  using folder = makeTestFolder()
  folder.write('file')
  mkdirSync(folder.at('closed/inner'), { recursive: true })
  await asUnprivileged(folder.base, async () => {
    chmodSync(folder.at('closed'), 0o600)
    expect(await isBare(folder.root, 'closed/inner')).toBe(false)
    expect(await isBare(folder.root, 'closed/none')).toBe(false)
    chmodSync(folder.at('closed'), 0o700)
    expect(await isBare(folder.root, 'closed/inner')).toBe(true)
    expect(await isBare(folder.root, 'none')).toBe(true)
    expect(await isBare(folder.root, 'file/below')).toBe(true)
  })
})
