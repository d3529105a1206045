import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SpansyncNode } from '../lab/spansync-node.ts'
import { describeLab, describeLong, useLab } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'
import { type Couple, couple, problemsOf } from './trouble.ts'

const many = 200
/** Renamed at once, by hand. */
const renamed = Number(process.env.SPANSYNC_FILES ?? 100_000)
const names = Array.from({ length: many }, (_, at) => `many/${Math.floor(at / 20)}/${at}`)

describeLab('many deletions at once', () => {
  const lab = useLab('pair')

  async function filled(): Promise<Couple> {
    const two = await couple(lab())
    for (let at = 0; at < many; at++) two.at('a').write(names[at] as string, `content ${at}`)
    await two.fleet.settle('a')
    return two
  }

  /** Also deleting the directories that are empty then. */
  function removeMost(place: Place, count = 150): void {
    for (const name of names.slice(0, count)) place.remove(name)
    for (let at = 0; at < 10; at++) if (place.list(`many/${at}`).length === 0) place.remove(`many/${at}`)
  }

  const left = (place: Place): number => names.filter((name) => place.exists(name)).length

  async function untilWaiting(agent: SpansyncNode, code: string): Promise<void> {
    const said = async (): Promise<boolean> => {
      const status = await agent.glance()
      return problemsOf(status).some((text) => text.includes(`"${code}"`))
    }
    await until(said, { deadlineMs: 20_000, intervalMs: 50, what: `${agent.name} says ${code}` })
    expect((await agent.folder()).state).toBe('waiting')
  }

  /** Something later has gone through, so what had not been held back would be there too. */
  async function otherWorkGoesOn(two: Couple, name: string): Promise<void> {
    two.at('b').write(name, 'of b')
    two.at('a').write(`${name} too`, 'of a')
    const passed = (): boolean => two.at('a').exists(name) && two.at('b').exists(`${name} too`)
    await until(passed, { deadlineMs: 20_000, intervalMs: 20, what: 'other work goes on' })
  }

  test('made here: nobody hears of them, also after a restart, until they are approved on both', async () => {
    await using two = await filled()
    removeMost(two.at('b'))
    await untilWaiting(two.b, 'deletions_waiting')
    await otherWorkGoesOn(two, 'one')
    expect(left(two.at('a'))).toBe(many)
    const waited = await two.b.attempt(['sync', 'f', '--wait', '--timeout', '2s'])
    expect(waited.code).not.toBe(0)
    expect(`${waited.stdout}${waited.stderr}`).toMatch(/spansync approve f/)
    await two.b.restart()
    await untilWaiting(two.b, 'deletions_waiting')
    await otherWorkGoesOn(two, 'two')
    expect(left(two.at('a'))).toBe(many)
    expect(await two.b.command(['approve', 'f'])).toMatchObject({ stdout: expect.stringMatching(/150 deletions/) })
    await untilWaiting(two.a, 'peer_deletions_waiting')
    await otherWorkGoesOn(two, 'three')
    expect(left(two.at('a'))).toBe(many)
    await two.a.restart()
    await untilWaiting(two.a, 'peer_deletions_waiting')
    expect(left(two.at('a'))).toBe(many)
    await two.a.command(['folder', 'approve', 'f'])
    await two.fleet.follow('b', { deadlineMs: 30_000 })
    expect(left(two.at('a'))).toBe(many - 150)
    expect((await two.a.folder()).state).not.toBe('waiting')
  })

  test('made here and reverted: they come back from the other machine', async () => {
    await using two = await filled()
    removeMost(two.at('b'))
    await untilWaiting(two.b, 'deletions_waiting')
    expect(await two.b.command(['revert', 'f'])).toMatchObject({
      stdout: expect.stringMatching(/150 files brought back/),
    })
    await two.fleet.follow('a', { deadlineMs: 30_000 })
    expect([left(two.at('a')), left(two.at('b'))]).toEqual([many, many])
    expect((await two.b.sync()).code).toBe(0)
    expect((await two.b.folder()).state).toBe('idle')
  })

  test('told by a peer and reverted: they stay, and come back there', async () => {
    await using two = await filled()
    removeMost(two.at('b'))
    await untilWaiting(two.b, 'deletions_waiting')
    await two.b.command(['approve', 'f'])
    await untilWaiting(two.a, 'peer_deletions_waiting')
    expect(await two.a.command(['revert', 'f'])).toMatchObject({ stdout: expect.stringMatching(/150 files kept/) })
    await two.fleet.follow('a', { deadlineMs: 30_000 })
    expect([left(two.at('a')), left(two.at('b'))]).toEqual([many, many])
    expect((await two.a.sync()).code).toBe(0)
  })

  test('everything in the root, and all put back: it goes on by itself; or reverted', async () => {
    await using two = await couple(lab())
    two.at('a').write('third', '3')
    await two.fleet.settle('a')
    await lab().node('b').exec(['sh', '-c', 'rm -rf "$0"/*', two.b.folderPath])
    await untilWaiting(two.b, 'root_emptied')
    two.at('b').write('precious', 'do not lose me').write('d/inside', 'nor me').write('third', '3')
    await until(async () => (await two.b.folder()).state === 'idle', { deadlineMs: 20_000, what: 'it goes on' })
    await lab().node('b').exec(['sh', '-c', 'rm -rf "$0"/*', two.b.folderPath])
    await untilWaiting(two.b, 'root_emptied')
    await two.b.command(['revert', 'f'])
    await two.fleet.follow('a', { deadlineMs: 30_000 })
    two.expectNothingLost('b')
    two.expectNothingLost('a')
  })

  test('a directory with everything in it, renamed: nothing waits', async () => {
    await using two = await filled()
    two.at('b').rename('many', 'moved')
    await two.fleet.follow('b', { deadlineMs: 60_000 })
    expect(new Place(join(two.a.folderPath, 'moved')).list()).toHaveLength(10)
    for (const agent of [two.a, two.b]) expect((await agent.folder()).state).not.toBe('waiting')
  })
})

describeLong('very many files', () => {
  const lab = useLab('pair')

  test(`${renamed} renamed by moving their directory: nothing waits at any time`, { timeout: 900_000 }, async () => {
    await using two = await couple(lab())
    for (let at = 0; at < renamed; at++) two.at('a').write(`many/${at % 1000}/${at}`, `content ${at}`)
    await two.fleet.follow('a', { deadlineMs: 400_000, intervalMs: 2000 })
    await two.b.sync(60)
    two.at('b').rename('many', 'moved')
    const states = new Set<string>()
    const isDone = async (): Promise<boolean> => {
      for (const agent of [two.a, two.b]) states.add((await agent.folder()).state)
      return two.at('a').exists(`moved/999/${renamed - 1}`) && !two.at('a').exists('many')
    }
    await until(isDone, { deadlineMs: 400_000, intervalMs: 200, what: 'the rename is at a' })
    await two.fleet.follow('b', { deadlineMs: 60_000, intervalMs: 2000 })
    expect([...states]).not.toContain('waiting')
  })
})
