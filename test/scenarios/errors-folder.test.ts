import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { untilEqual } from '../lab/replicas.ts'
import { SpansyncNode } from '../lab/spansync-node.ts'
import { describeLab, useLab } from '../lab/suite.ts'
import { until } from '../lab/until.ts'
import { Place } from './place.ts'
import { type Couple, couple, problemsOf, untilExplained } from './trouble.ts'

describeLab('errors with a folder', () => {
  const lab = useLab('pair')

  async function refused(agent: SpansyncNode, args: string[], cause: RegExp, remedy: RegExp): Promise<void> {
    const { code, stdout, stderr } = await agent.attempt(args)
    expect(code).not.toBe(0)
    expect(`${stderr}${stdout}`).toMatch(cause)
    expect(`${stderr}${stdout}`).toMatch(remedy)
  }

  /** While `b` is in trouble: what `a` does is not lost, and is at `b` when the trouble is over. */
  async function heals(two: Couple, cure: () => unknown): Promise<void> {
    two.at('a').write('meanwhile', 'written while b was in trouble')
    two.expectNothingLost()
    await cure()
    await two.fleet.follow('a', { deadlineMs: 30_000 })
    two.expectNothingLost('b')
  }

  test('the path does not exist', async () => {
    await using two = await couple(lab(), { start: false })
    await refused(
      two.a,
      ['folder', 'add', 'g', join(lab().directory, 'no/such')],
      /no\/such/,
      /mkdir|create|path|exist/i,
    )
  })

  test('two folders inside each other', async () => {
    await using two = await couple(lab(), { start: false })
    await refused(two.a, ['folder', 'add', 'g', join(two.a.folderPath, 'd')], /inside|within|nested|below/i, /\S/)
    await refused(
      two.a,
      ['folder', 'add', 'g', join(two.a.folderPath, '..')],
      /inside|within|nested|below|contains/i,
      /\S/,
    )
  })

  test('the directory belongs to another folder', async () => {
    await using two = await couple(lab())
    const stranger = new SpansyncNode(lab().node('a'), {
      instance: 'stranger',
      port: 4700,
      folderPath: two.a.folderPath,
    })
    await stranger.init()
    await refused(stranger, ['folder', 'add', 'g', two.a.folderPath], /\bf\b/, /\S/)
    two.expectNothingLost()
  })

  test('the path is gone, then back', async () => {
    await using two = await couple(lab())
    const elsewhere = `${two.b.folderPath}-moved`
    renameSync(two.b.folderPath, elsewhere)
    await untilExplained(two.b, /missing|not exist|gone|ENOENT|not found/i, /mount|path|folder (add|remove)/i)
    await heals(two, () => {
      rmSync(two.b.folderPath, { recursive: true, force: true })
      renameSync(elsewhere, two.b.folderPath)
    })
  })

  test('the marker is gone, then back', async () => {
    await using two = await couple(lab())
    const [marker, kept] = [join(two.b.folderPath, '.spansync'), join(lab().node('b').directory, 'kept-marker')]
    renameSync(marker, kept)
    await untilExplained(two.b, /\.spansync|marker/i, /mount|folder add|restore/i)
    await heals(two, () => renameSync(kept, marker))
  })

  test('the disk is unmounted, then mounted again', async () => {
    await using two = await couple(lab(), { start: false })
    const disk = join(two.b.folderPath, '../disk-of-b')
    await lab()
      .node('b')
      .exec([
        'sh',
        '-c',
        'mkdir "$0" && cp -a "$1/." "$0" && find "$1" -mindepth 1 -delete && mount --bind "$0" "$1"',
        disk,
        two.b.folderPath,
      ])
    await two.a.start()
    await two.b.start()
    await two.fleet.follow('a')
    await lab().node('b').exec(['umount', '-l', two.b.folderPath])
    await untilExplained(two.b, /\.spansync|marker|mount/i, /mount|folder add|restore/i)
    await heals(two, () => lab().node('b').exec(['mount', '--bind', disk, two.b.folderPath]))
  })

  test('everything is gone at once, with the marker: nothing is deleted elsewhere', async () => {
    await using two = await couple(lab())
    await lab().node('b').exec(['find', two.b.folderPath, '-mindepth', '1', '-delete'])
    await untilExplained(two.b, /\.spansync|marker|empt/i, /mount|folder add|restore/i)
    two.at('a').write('meanwhile', 'x')
    two.expectNothingLost()
  })

  test('everything but the marker is gone at once: the agent asks before it deletes everywhere', async () => {
    await using two = await couple(lab())
    await lab().node('b').exec(['sh', '-c', 'rm -rf "$0"/*', two.b.folderPath])
    await untilExplained(two.b, /empt/i, /\S/)
    two.expectNothingLost()
  })

  test('the folder is in another directory now, with only some of its files: the others are fetched, not deleted', async () => {
    await using two = await couple(lab())
    const elsewhere = `${two.b.folderPath}-elsewhere`
    mkdirSync(elsewhere)
    writeFileSync(join(elsewhere, 'own'), 'was here before')
    await two.b.command(['folder', 'remove', 'f'])
    await two.b.addFolder('f', elsewhere)
    const there = new Place(elsewhere)
    const what = (): string => `the files of a are at b's new place: ${there.list('.')}`
    await until(() => there.exists('d/inside') && two.at('a').exists('own'), { deadlineMs: 20_000, what })
    two.expectNothingLost()
    expect(there.read('precious')).toBe('do not lose me')
  })

  test('what only one machine ignores stays there when a peer deletes its directory, and nobody waits for it', async () => {
    await using two = await couple(lab())
    await two.b.addFolder('f', two.b.folderPath, '--ignore', '*.iso')
    two.at('b').write('d/big.iso', 'mine alone')
    two.at('a').write('film.iso', 'not for b').write('beside', 'x')
    await until(() => two.at('b').exists('beside'), { deadlineMs: 15_000, what: 'the file beside it is at b' })
    expect((await two.a.sync(20)).code).toBe(0)
    two.at('a').remove('d')
    await until(() => !two.at('b').exists('d/inside'), { deadlineMs: 15_000, what: 'b deletes what it shares' })
    expect((await two.b.sync(20)).code).toBe(0)
    expect([two.at('b').read('d/big.iso'), two.at('b').exists('film.iso')]).toEqual(['mine alone', false])
  })

  test('sockets and FIFOs are left alone and do not disturb the others', async () => {
    await using two = await couple(lab())
    const socket = `require('net').createServer().listen('socket', () => console.log('ready'))`
    await lab()
      .node('a')
      .exec(['mkfifo', join(two.a.folderPath, 'd/pipe')])
    await using server = lab().node('a').spawn([process.execPath, '-e', socket], { cwd: two.a.folderPath })
    await until(() => server.output().includes('ready'), { deadlineMs: 5000, what: 'the socket is there' })
    two.at('a').write('d/beside', 'x')
    await until(() => two.at('b').exists('d/beside'), { deadlineMs: 15_000, what: 'the file beside them is at b' })
    expect((await two.a.sync(20)).code).toBe(0)
    expect([two.at('b').list('d'), two.at('b').exists('socket')]).toEqual([['beside', 'inside'], false])
  })

  test('a name that is no UTF-8 does not stop the others', async () => {
    await using two = await couple(lab())
    await lab()
      .node('a')
      .exec(['sh', '-c', 'echo x > "$(printf "bad\\377name")"; echo y > good'], { cwd: two.a.folderPath })
    await until(() => two.at('b').exists('good'), { deadlineMs: 15_000, what: 'the good name is at b' })
    // The system's watches do not say such a name; a scan finds it.
    await two.a.sync(20)
    const equal = await untilEqual([two.a, two.b], { deadlineMs: 2000 }).catch(() => undefined)
    if (equal === undefined) await untilExplained(two.a, /bad/, /rename|name/i)
  })

  test('the disk is full at the receiver, then larger', async () => {
    await using two = await couple(lab(), { start: false })
    await lab()
      .node('b')
      .exec([
        'sh',
        '-c',
        'cp -a "$0/." "$0-save" && mount -t tmpfs -o size=3m none "$0" && cp -a "$0-save/." "$0"',
        two.b.folderPath,
      ])
    await two.a.start()
    await two.b.start()
    await two.fleet.follow('a')
    two.at('a').write('large', Buffer.alloc(6_000_000, 'large '))
    await until(
      async () =>
        /space|full|ENOSPC/i.test([...problemsOf(await two.a.glance()), ...problemsOf(await two.b.glance())].join()),
      {
        deadlineMs: 30_000,
        intervalMs: 300,
        what: 'an agent says that the disk is full',
      },
    )
    two.at('a').write('small', 'goes through all the same')
    await until(() => two.at('b').exists('small'), { deadlineMs: 30_000, what: 'a small file is still synced' })
    await heals(two, () => lab().node('b').exec(['mount', '-o', 'remount,size=30m', two.b.folderPath]))
    const left = await lab().node('b').exec(['find', two.b.folderPath, '-name', '.unison.*'])
    expect(left.stdout).toBe('')
  })
})
