import type fs from 'node:fs'
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StatSignature } from '@spansync/common/core/causal/types'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { removeKeeping, replaceKeeping } from './keep.ts'
import type { KeptPlace } from './kept-place.ts'
import { signatureOf } from './stat.ts'

/** What somebody else does right after the system has done this, once. */
let after: Partial<Record<'rename' | 'fsync', () => void>> = {}
/** And right before the next second name is given. */
let beforeLink = (): void => {}
let hasLinks = true
let flushFails = false

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>()
  const then = (call: keyof typeof after): void => {
    const work = after[call]
    delete after[call]
    work?.()
  }
  const refusal = (code: string): Error => Object.assign(new Error(code), { code })
  return {
    ...real,
    renameSync: (from: string, to: string) => {
      real.renameSync(from, to)
      then('rename')
    },
    fsyncSync: (descriptor: number) => {
      if (flushFails && real.fstatSync(descriptor).isDirectory()) throw refusal('EIO')
      real.fsyncSync(descriptor)
      then('fsync')
    },
    linkSync: (from: string, to: string) => {
      if (!hasLinks) throw refusal('EPERM')
      beforeLink()
      real.linkSync(from, to)
    },
  }
})

const shm = '/dev/shm'
let base: string
let home: string
let moveDirectory: () => void

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'spansync-race-'))
  home = mkdtempSync(join(existsSync(shm) ? shm : base, 'spansync-race-'))
  mkdirSync(join(base, 'd'))
  writeFileSync(at('d/a'), 'old')
  writeFileSync(at('new'), 'new one')
  const { renameSync } = await vi.importActual<typeof fs>('node:fs')
  moveDirectory = () => renameSync(at('d'), at('m'))
})
afterEach(() => {
  after = {}
  beforeLink = () => {}
  hasLinks = true
  flushFails = false
  for (const directory of [base, home]) rmSync(directory, { recursive: true, force: true })
})

function keepBeside(): void {
  rmSync(home, { recursive: true })
  home = join(base, 'home')
}

const at = (path: string): string => join(base, path)
const read = (path: string): string => readFileSync(at(path), 'utf8')
const signature = (): StatSignature => signatureOf(lstatSync(at('d/a')))
const place = (): KeptPlace => ({ directory: join(home, 'versions'), atMs: 0, path: 'd/a' })
/** Under the name that a person knows, wherever the file is held. */
const changed = expect.objectContaining({
  code: 'changed',
  message: expect.stringMatching(/^\/(?!proc).*\/d\/a changed/),
})

/** Contents of all files below, whatever their names. */
function contentsBelow(directory: string): string[] {
  if (!existsSync(directory)) return []
  const files = readdirSync(directory, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile())
  return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')).sort()
}
const versions = (): string[] => contentsBelow(home)

describe.runIf(existsSync(shm))('while a version is kept on another disk', () => {
  it('somebody moves the directory: the new one is in it, and the old one is kept', () => {
    // The first gives the copy its name, the second puts the new file in place.
    after.rename = () => {
      after.rename = moveDirectory
    }
    replaceKeeping(at('new'), at('d/a'), signature(), place())
    expect([read('m/a'), versions(), readdirSync(at('m'))]).toEqual(['new one', ['old'], ['a']])
  })

  it('somebody saves twice in the last instant: both edits are somewhere', () => {
    after.rename = () => {
      // The copy is whole, and what is there goes now.
      after.rename = () => {
        const [taken] = readdirSync(at('d'))
        appendFileSync(at(`d/${taken}`), ' and an edit')
        writeFileSync(at('d/a'), 'another edit')
      }
    }
    expect(() => removeKeeping(at('d/a'), signature(), place())).toThrow(changed)
    expect([read('d/a'), readdirSync(at('d'))]).toEqual(['another edit', ['a']])
    expect(versions()).toEqual(['old', 'old and an edit'])
  })

  it.each(['remove', 'replace'])('somebody edits what is being copied: %s', (what) => {
    const expected = signature()
    after.fsync = () => appendFileSync(at('d/a'), ' and an edit')
    const keep = (): void =>
      what === 'remove'
        ? removeKeeping(at('d/a'), expected, place())
        : replaceKeeping(at('new'), at('d/a'), expected, place())
    expect(keep).toThrow(changed)
    expect([contentsBelow(at('d')), versions()]).toEqual([['old and an edit'], []])
  })

  it('its name cannot be flushed: it is no version, and nothing has gone', () => {
    flushFails = true
    expect(() => removeKeeping(at('d/a'), signature(), place())).toThrow('EIO')
    expect([read('d/a'), versions()]).toEqual(['old', []])
  })
})

describe('where there are no hard links', () => {
  beforeEach(() => {
    hasLinks = false
    keepBeside()
  })

  it('the old one is kept', () => {
    replaceKeeping(at('new'), at('d/a'), signature(), place())
    expect([read('d/a'), versions()]).toEqual(['new one', ['old']])
  })

  it('an edit that is made meanwhile stays', () => {
    const expected = signature()
    after.fsync = () => appendFileSync(at('d/a'), ' and an edit')
    expect(() => replaceKeeping(at('new'), at('d/a'), expected, place())).toThrow(changed)
    expect([read('d/a'), versions()]).toEqual(['old and an edit', []])
  })
})

describe('on the same disk', () => {
  beforeEach(keepBeside)

  it('what is edited as it goes comes back', () => {
    after.rename = () => {
      const [version] = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('/a'))
      appendFileSync(join(home, version as string), ' and an edit')
    }
    expect(() => removeKeeping(at('d/a'), signature(), place())).toThrow(changed)
    expect([contentsBelow(at('d')), versions()]).toEqual([['old and an edit'], []])
  })

  it('what is saved anew before it is replaced stays, and is no version', async () => {
    const { renameSync } = await vi.importActual<typeof fs>('node:fs')
    const expected = signature()
    writeFileSync(at('saving'), 'saved')
    beforeLink = () => renameSync(at('saving'), at('d/a'))
    expect(() => replaceKeeping(at('new'), at('d/a'), expected, place())).toThrow(changed)
    expect([read('d/a'), versions()]).toEqual(['saved', []])
  })

  it('what is saved anew as it is replaced stays', () => {
    const expected = signature()
    after.rename = () => writeFileSync(at('d/a'), 'saved over the new one')
    replaceKeeping(at('new'), at('d/a'), expected, place())
    expect([read('d/a'), versions()]).toEqual(['saved over the new one', ['old']])
  })
})
