import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { editConfig } from '@spansync/common/config/edit'
import { expect, test } from 'vitest'
import { parseGraph } from '../lab/graph.ts'
import { describeLab, useFleet } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'

describeLab('a configuration that changes while it is in use', () => {
  const fleet = useFleet(parseGraph('graph live { laptop -- server [rate="20mbit" delay="2ms"]; laptop -- other }'))
  const place = (node: string): Place => new Place(fleet().agent(node).folderPath)
  const home = (): string => fleet().agent('laptop').home
  const file = (): string => join(home(), 'config.yaml')

  /** Unisons that work for the server. */
  const atWork = (): number[] =>
    fleet()
      .agent('server')
      .tree()
      .filter(({ name, state }) => name.startsWith('unison') && state !== 'Z')
      .map(({ pid }) => pid)

  test('what it does not concern goes on: a transfer is not begun anew', async () => {
    const link = fleet().lab.link('laptop', 'server')
    const size = 10_000_000
    const before = link.bytes()
    place('laptop').write('large', randomBytes(size))
    await until(() => link.bytes() > before + 1_000_000, { deadlineMs: 15_000, what: 'the transfer is under way' })
    const running = atWork()
    const said = fleet().agent('laptop').output().length
    const taken = (): number => fleet().agent('laptop').output().split('"config.taken"').length

    const edits: ((editor: Parameters<Parameters<typeof editConfig>[1]>[0]) => void)[] = [
      (editor) => editor.set(['folders', 'second'], { path: join(place('laptop').directory, '../second') }),
      (editor) => editor.set(['folders', 'second', 'policy'], { windows: 'sat', exclude: ['*.iso'] }),
      (editor) => editor.set(['peers', 'other', 'policy'], { rates: [{ send: '1mbit' }] }),
      (editor) => editor.set(['versions', 'days'], 7),
      (editor) => editor.remove(['folders', 'second']),
    ]
    for (const edit of edits) {
      const takenBefore = taken()
      await editConfig(home(), edit)
      await until(() => taken() > takenBefore, { deadlineMs: 5000, what: 'the edit is in force' })
    }
    // Most of it may come ahead of its session.
    expect(
      atWork().filter((pid) => running.includes(pid)),
      'what ran still runs',
    ).toEqual(running)
    expect(fleet().agent('laptop').output().slice(said)).not.toMatch(/"(link\.down|folder\.closed)"/)
    await fleet().untilEqual({ deadlineMs: 30_000 })
    expect(link.bytes() - before).toBeLessThan(size * 1.15)
  })

  test('a bad edit is refused with file, line and cause, and the old settings stay', async () => {
    const good = readFileSync(file(), 'utf8')
    writeFileSync(file(), good.replace('days: 7', 'days: soon'))
    const line = good.split('\n').findIndex((text) => text.includes('days: 7')) + 1
    const errors = async (): Promise<string> => JSON.stringify((await fleet().agent('laptop').glance()).errors ?? [])
    await until(async () => (await errors()) !== '[]', { deadlineMs: 5000, what: 'status names the edit' })
    expect(await errors()).toContain('`versions.days` must be a number')
    expect(await errors()).toContain(`config.yaml:${line}:`)

    place('laptop').write('meanwhile', 'x')
    await until(() => place('server').exists('meanwhile'), { deadlineMs: 10_000, what: 'it syncs as before' })

    const command = await fleet().agent('laptop').attempt(['folder', 'list'])
    expect([command.code, command.stderr]).toEqual([2, expect.stringContaining(`config.yaml:${line}`)])

    writeFileSync(file(), good)
    await until(async () => (await errors()) === '[]', { deadlineMs: 5000, what: 'the good one is in force again' })
  })

  test('what is edited while the agent starts is in force when it has started', async () => {
    const agent = fleet().agent('other')
    await agent.stop()
    const daemon = agent.launch()
    const isStarting = (): boolean => daemon.output().includes('"agent.starting"')
    await until(isStarting, { deadlineMs: 20_000, intervalMs: 2, what: 'it has read its configuration' })
    await editConfig(agent.home, (editor) => editor.set(['folders', 'early'], { path: join(agent.home, '../early') }))
    const isOpen = async (): Promise<boolean> => (await agent.glance()).folders.some(({ id }) => id === 'early')
    await until(isOpen, { deadlineMs: 20_000, what: 'it has taken the edit' })
  })
})
