import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeLab, useLab } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { couple, expectRefusal, pathWithoutUnison, untilExplained } from './trouble.ts'

describeLab('errors when an agent starts', () => {
  const lab = useLab('pair')

  const withoutUnison = (standIn?: string): NodeJS.ProcessEnv => ({
    PATH: pathWithoutUnison(join(lab().directory, standIn === undefined ? 'bin' : 'bin-old'), standIn),
  })

  test.each([
    ['is missing', undefined, /unison/i, /install|apt/i],
    ['is too old', '#!/bin/sh\necho "unison version 2.48.4 (ocaml 4.11.1)"\n', /2\.48/, /2\.52/],
  ])('Unison %s', async (_, standIn, cause, remedy) => {
    await using two = await couple(lab(), { start: false })
    const { env } = two.a
    two.a.env = { ...env, ...withoutUnison(standIn) }
    two.a.launch()
    await two.b.start()
    await untilExplained(two.a, cause, remedy)
    two.expectNothingLost()
    await two.a.stop()
    two.a.env = env
    await two.a.start()
    await two.fleet.follow('a')
  })

  test('the port is in use', async () => {
    await using two = await couple(lab(), { start: false })
    const listen = `require('net').createServer().listen(${two.b.port}, '0.0.0.0', () => console.log('ready'))`
    await using squatter = lab().node('b').spawn([process.execPath, '-e', listen])
    await until(() => squatter.output().includes('ready'), { deadlineMs: 5000, what: 'the port is taken' })
    two.b.launch()
    await untilExplained(two.b, new RegExp(`\\b${two.b.port}\\b`), /listen|port/i)
    await squatter.killTree()
    if (two.b.alive) await two.b.stop()
    await Promise.all([two.a.start(), two.b.start()])
    await two.fleet.follow('a')
  })

  test('a second daemon on the same home', async () => {
    await using two = await couple(lab())
    const second = await two.a.attempt(['run'], { timeoutMs: 15_000 })
    expect(second.code).not.toBe(0)
    expect(`${second.stderr}${second.stdout}`).toMatch(/already|another|second/i)
    two.at('a').write('later', 'the first one still works')
    await two.fleet.follow('a')
  })

  test('the settings are no YAML', async () => {
    await using two = await couple(lab(), { start: false })
    const file = join(two.a.home, 'config.yaml')
    const good = readFileSync(file, 'utf8')
    appendFileSync(file, 'folders: [ {id: x\n')
    await expectRefusal(two.a.launch(), /config\.yaml(:\d+|.*line \d+)/s, /\S/)
    writeFileSync(file, good)
    await Promise.all([two.a.start(), two.b.start()])
    await two.fleet.follow('a')
  })

  test('a key that does not exist: file, line and the nearest one that does', async () => {
    await using two = await couple(lab(), { start: false })
    const file = join(two.a.home, 'config.yaml')
    const line = readFileSync(file, 'utf8').trimEnd().split('\n').length + 1
    writeFileSync(file, `${readFileSync(file, 'utf8').trimEnd()}\nfoldrs: []\n`)
    await expectRefusal(two.a.launch(), new RegExp(`config\\.yaml(:${line}\\b|.*line ${line}\\b)`, 's'), /\bfolders\b/)
    two.expectNothingLost()
  })

  test('settings that break while the agent runs: it says so and goes on with the old ones', async () => {
    await using two = await couple(lab())
    const file = join(two.a.home, 'config.yaml')
    const good = readFileSync(file, 'utf8')
    appendFileSync(file, '\nfoldrs: []\n')
    await until(() => two.a.output().includes('foldrs'), {
      deadlineMs: 10_000,
      what: () => `a complaint\n${two.a.output()}`,
    })
    two.at('a').write('still', 'works')
    await two.fleet.follow('a')
    writeFileSync(file, good)
  })

  test('the index is damaged or gone: rebuilt, nothing deleted', async () => {
    await using two = await couple(lab())
    for (const damage of ['garbage', 'gone'] as const) {
      await two.b.stop()
      const files = await lab()
        .node('b')
        .exec(['find', two.b.home, '-regex', '.*\\.\\(sqlite\\|db\\)3?\\(-wal\\|-shm\\)?'])
      const names = files.stdout.trim().split('\n')
      expect(names[0], 'the index lies in a .sqlite or .db file').not.toBe('')
      if (damage === 'garbage') for (const name of names) writeFileSync(name, Buffer.alloc(8192, 'no database '))
      else
        await lab()
          .node('b')
          .exec(['rm', '-f', ...names])
      two.at('a').write(`written at a: ${damage}`, 'x')
      two.at('b').write(`written at b: ${damage}`, 'y')
      await two.b.start()
      await two.fleet.untilEqual()
      expect(two.at('a').list()).toEqual(
        expect.arrayContaining(['d', 'precious', `written at a: ${damage}`, `written at b: ${damage}`]),
      )
    }
    two.expectNothingLost('b')
  })

  test('exit codes: 2 for wrong use, 3 when no agent runs', async () => {
    await using two = await couple(lab(), { start: false })
    const codes = [['frobnicate'], ['peer', 'add', 'x'], ['status'], ['sync'], ['status', '--json']].map(
      async (args) => {
        const { code, stderr } = await two.a.attempt(args)
        expect(stderr).not.toBe('')
        return code
      },
    )
    expect(await Promise.all(codes)).toEqual([2, 2, 3, 3, 3])
  })
})
