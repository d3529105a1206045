import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { SpansyncNode } from '../lab/spansync-node.ts'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

describeLab('what a disk loses comes back from the others', () => {
  const fleet = useFleet('line')
  const agent = (name: string): SpansyncNode => fleet().agent(name)
  const place = (name: string): Place => new Place(agent(name).folderPath)

  test('content that changed without a trace is found by an audit, and healed when asked for', async () => {
    place('a').write('photo', 'right bytes').write('other', 'o')
    await fleet().settle('a')
    await agent('b').stop()
    rot(agent('b'), 'photo', 'wrong bytes')
    await agent('b').start()
    await fleet().connected()
    await fleet().agent('b').sync(10)
    const found = await agent('b').attempt(['audit', 'f', '--json'])
    expect(found.code).toBe(1)
    expect(JSON.parse(found.stdout).folders[0].damaged).toEqual([{ path: 'photo', state: 'found' }])
    expect(place('b').read('photo')).toBe('wrong bytes')
    expect(place('a').list()).toEqual(['other', 'photo'])
    const healed = await agent('b').command(['audit', 'f', '--fix', '--json'])
    expect(JSON.parse(healed.stdout).folders[0].damaged).toEqual([{ path: 'photo', state: 'healing' }])
    await until(() => place('b').read('photo') === 'right bytes', { deadlineMs: 20_000, what: 'b has the right bytes' })
    await until(() => place('a').list().length === 3, { deadlineMs: 20_000, what: 'a has the copy' })
    await fleet().settle('b')
    const copy = place('d')
      .list()
      .find((name) => name.includes('conflict')) as string
    expect(place('d').read(copy)).toBe('wrong bytes')
    expect((await agent('b').command(['audit', 'f'])).stdout).toContain('as the index says')
  })

  test('a file that a power cut has emptied or cut short is fetched again, and is no edit', async () => {
    place('a').write('empty', 'all of it').write('short', 'all of this, too').write('edited', 'before')
    await fleet().settle('a')
    await agent('c').crash()
    tear(agent('c'), 'empty', 0)
    tear(agent('c'), 'short', 5)
    place('c').write('edited', 'with a new time')
    await agent('c').start()
    await until(() => place('c').read('empty') === 'all of it' && place('c').read('short') === 'all of this, too', {
      ...{ deadlineMs: 30_000, what: 'c has all of both' },
    })
    await fleet().follow('c', { deadlineMs: 30_000 })
    expect(place('a').read('empty')).toBe('all of it')
    expect(place('a').read('edited')).toBe('with a new time')
    expect(
      place('a')
        .list()
        .filter((name) => name.startsWith('short')),
    ).toHaveLength(2)
    expect(
      place('a')
        .list()
        .filter((name) => name.startsWith('empty')),
    ).toHaveLength(1)
  })

  test('one version with two contents is found by comparing hash trees, and both contents are kept', async () => {
    place('a').write('twice', 'content one').write('d/e/f', 'x')
    await fleet().settle('a')
    await agent('d').stop()
    rot(agent('d'), 'twice', 'content two', true)
    await agent('d').start()
    await fleet().connected()
    await agent('d').sync(10)
    const found = await agent('c').attempt(['audit', 'f', '--json'])
    const { damaged, peers } = JSON.parse(found.stdout).folders[0]
    expect(found.code).toBe(1)
    expect(damaged).toEqual([])
    expect(peers).toContainEqual({ node: 'd', state: 'differs', paths: ['twice'] })
    expect(peers).toContainEqual({ node: 'b', state: 'equal', paths: [] })
    await agent('c').attempt(['audit', 'f', '--fix'])
    const kept = (name: string): string[] =>
      place(name)
        .list()
        .filter((one) => one.startsWith('twice'))
        .map((one) => place(name).read(one))
        .sort()
    await until(() => kept('a').length === 2, { deadlineMs: 30_000, what: 'a has both' })
    await fleet().settle('a')
    expect(kept('d')).toEqual(['content one', 'content two'])
  })
})

/** Other bytes of the same number, with nothing in the file system to show for it; and with nothing in the index either, when `known`. */
function rot(agent: SpansyncNode, path: string, content: string, known = false): void {
  const file = join(agent.folderPath, path)
  const { mtimeMs } = lstatSync(file)
  expect(readFileSync(file).length).toBe(content.length)
  writeFileSync(file, content)
  utimesSync(file, mtimeMs / 1000, mtimeMs / 1000)
  const after = lstatSync(file)
  const index = new DatabaseSync(join(agent.home, 'index', 'f.sqlite'))
  index
    .prepare('UPDATE entry SET stat_mtime_us = ?, stat_ctime_us = ?, stat_inode = ? WHERE path = ?')
    .run(Math.round(after.mtimeMs * 1000), Math.round(after.ctimeMs * 1000), after.ino, path)
  if (known) {
    const hash = createHash('sha256').update(content).digest()
    index.prepare('UPDATE entry SET hash = ? WHERE path = ?').run(hash, path)
  }
  index.close()
}

/** As after a power cut: the name, the inode and the time are there, the bytes are not. */
function tear(agent: SpansyncNode, path: string, bytes: number): void {
  const file = join(agent.folderPath, path)
  const { mtimeMs } = lstatSync(file)
  truncateSync(file, bytes)
  utimesSync(file, mtimeMs / 1000, mtimeMs / 1000)
}
