import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemClock } from '@spansync/common/runtime/clock'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBridge } from '../bridge.ts'
import type { ServeOptions } from '../server.ts'
import { TestPair } from '../testing/test-pair.ts'
import { locate } from '../version.ts'
import { bubblewrap } from './bubblewrap.ts'
import { buildJail, findJail } from './find-jail.ts'
import type { Builder, Jail, JailPlaces } from './jail.ts'
import { namespaces } from './namespaces.ts'

let outside: string
beforeAll(() => {
  // In no place that programs need.
  outside = mkdtempSync(join(tmpdir(), 'spansync-outside-'))
  writeFileSync(join(outside, 'secret'), 'of somebody else')
})
afterAll(() => rmSync(outside, { recursive: true, force: true }))

const isLinux = process.platform === 'linux'
const isRoot = process.getuid?.() === 0
const kinds: [string, Builder][] = [
  ['of bubblewrap’s', bubblewrap],
  ['of the system’s own tools', namespaces],
]

test.runIf(isLinux)('there is one on this system, also without bubblewrap, and none without any tool', async () => {
  const tools = mkdtempSync(join(outside, 'tools-'))
  expect(await findJail([])).toBeDefined()
  expect(await findJail([], tools)).toBeUndefined()
  for (const tool of ['sh', 'mkdir', 'mount', 'umount', 'pivot_root', 'unshare', 'setpriv']) {
    // One is found where a user's PATH does not lead.
    if (tool !== 'pivot_root') symlinkSync(await locate(tool, process.env.PATH ?? ''), join(tools, tool))
  }
  const argv = (await findJail([], tools))?.({ writable: [] })(['true'], []) ?? []
  expect(argv.join(' ')).toMatch(/\bunshare .* true$/s)
})

function run(jail: Jail | undefined, places: JailPlaces, argv: readonly string[], asWhom: readonly string[] = []) {
  const [program = '', ...rest] = [...asWhom, ...(jail?.(places)(argv, []) ?? [])]
  return execa(program, rest, { all: true, reject: false, timeout: 30_000, input: 'of the far end' })
}

/** What the shell prints in a jail that shows `root`. */
async function inside(jail: Jail | undefined, root: string, commands: string, asWhom?: string[]): Promise<string> {
  const { all } = await run(jail, { writable: [], readable: [root] }, ['/bin/sh', '-c', commands, root], asWhom)
  return all ?? ''
}

describe.runIf(isLinux).each(kinds)('a jail %s', (_kind, build) => {
  let jail: Jail | undefined
  beforeAll(async () => {
    jail = await buildJail(build, [])
  })

  test('shows what it is told to, and no user, device, process or other place', async () => {
    const root = await mkdir(join(outside, 'shown'), { recursive: true }).then(() => join(outside, 'shown'))
    await write(root, 'x', 'content\n')
    const commands = `cat '${root}/x'; cat; echo; ls -a '${outside}' /etc /tmp; ls /dev | tr '\\n' ' '; kill -0 ${process.pid}`
    const said = await inside(jail, root, commands)
    expect(said).toMatch(/^content\nof the far end\n/)
    expect(said).not.toMatch(/secret|passwd|vitest|[hsv]da/)
    expect(said).toMatch(/no such process/i)
  })

  test('leaves nobody any right but over files', async () => {
    const commands = `mknod '/tmp/disk' b 8 0; mount -t tmpfs tmpfs /tmp; umount '${outside}'; touch /made`
    const said = await inside(jail, outside, commands)
    expect(said).toMatch(/mknod: .*not permitted/)
    expect(said.match(/must be superuser|permission denied|not permitted|read-only/gi)?.length).toBeGreaterThanOrEqual(
      4,
    )
  })

  test.runIf(isRoot)('changes nothing of what is only shown, nor of a disk in it, whatever its name', async () => {
    const root = join(outside, 'a 1\\c\td\n2')
    await write(root, 'disk/x', '')
    const withDisk = [
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs tmpfs "$0/disk" && touch "$0/disk/y" && exec "$@"',
      root,
    ]
    const commands = `cd "$0" && ls disk; touch z disk/z; ls . disk`
    const said = await inside(jail, root, commands, withDisk)
    expect(said.match(/read-only file system/gi)).toHaveLength(2)
    expect(said.match(/\b[xyz]\b/g)).toEqual(['y', 'z', 'z', 'y'])
  })

  test.runIf(isRoot)(
    'lets nobody in by a device, shows /tmp as it is told to, and makes nothing that is not there',
    async () => {
      const root = mkdtempSync(join(outside, 'devices-'))
      execFileSync('mknod', [join(root, 'zero'), 'c', '1', '5'])
      expect(await inside(jail, root, 'head -c 1 "$0/zero"')).toMatch(/denied|not permitted/i)
      const reading = ['/bin/sh', '-c', 'head -c 1 "$0/zero"', root]
      expect((await run(jail, { writable: [root] }, reading)).all).toMatch(/denied/i)
      expect(await inside(jail, '/tmp', 'touch "$0/made here"')).toMatch(/read-only/i)
      const gone = join(root, 'gone')
      const { failed, stderr } = await run(jail, { writable: [root, gone] }, ['/bin/true'])
      expect([failed, existsSync(gone), stderr]).toEqual([true, false, expect.stringContaining('gone')])
    },
  )

  test.runIf(isRoot)('leaves root its rights over the files of others', async () => {
    const root = mkdtempSync(join(outside, 'of-others-'))
    await write(root, 'x', 'content\n')
    await chown(join(root, 'x'), 65_534, 65_534)
    await chmod(join(root, 'x'), 0)
    const commands = 'cat "$0/x" && chmod 600 "$0/x" && chown 1:1 "$0/x"'
    const ended = await run(jail, { writable: [root] }, ['/bin/sh', '-c', commands, root])
    expect(ended).toMatchObject({ failed: false, stdout: 'content' })
  })

  test('ends with the process that made it', async () => {
    const argv = jail?.({ writable: [] })(['/bin/sh', '-c', 'echo started; exec sleep 1000'], []) ?? []
    const parent = execa('sh', ['-c', '"$@" & wait', 'sh', ...argv], { reject: false, timeout: 30_000 })
    await once(parent.stdout, 'data')
    parent.kill('SIGKILL')
    // Whatever is left in the jail holds the pipe.
    expect((await parent).timedOut).toBe(false)
  })

  /** What a serving Unison of `pair` is let to see. */
  const seeing = (pair: TestPair, readOnly = false): Partial<ServeOptions> => {
    const own = [pair.unisonDir('b'), pair.backupDir('b')]
    const wrap = jail?.(readOnly ? { writable: own, readable: [pair.b] } : { writable: [pair.b, ...own] })
    return { wrap }
  }

  test.each([
    ['reads nothing beside the folder', 'secret', () => outside, false],
    // The same without a jail: what is tried would work.
    ['else it would', 'secret', () => outside, true],
    ['reads nothing of the system’s configuration', 'passwd', () => '/etc', false],
  ])('%s', async (_what, name, where, comes) => {
    await using pair = await TestPair.create()
    await ask(pair, where(), comes ? {} : seeing(pair), '-path', name)
    expect(readdirSync(pair.a).includes(name)).toBe(comes)
  })

  test.each([
    ['writes nothing beside the folder', false],
    ['else it would', true],
  ])('%s', async (_what, works) => {
    await using pair = await TestPair.create()
    const target = mkdtempSync(join(outside, 'target-'))
    await write(pair.a, 'planted', 'by a member')
    await ask(pair, target, works ? {} : seeing(pair), '-path', 'planted', '-force', pair.a)
    expect(readdirSync(target)).toEqual(works ? ['planted'] : [])
  })

  test('that only gives lets nothing be changed in the folder itself', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'x', 'new')
    await write(pair.b, 'x', 'old')
    const forced = { paths: ['x'], way: { kind: 'force', winner: 'local' } } as const
    const result = await pair.run({ ...forced, connect: async () => pair.connect(seeing(pair, true)) })
    expect([result.outcome === 'done', await readFile(join(pair.b, 'x'), 'utf8')]).toEqual([false, 'old'])
    const other = await pair.run({ ...forced, connect: async () => pair.connect(seeing(pair)) })
    expect([other.outcome, await readFile(join(pair.b, 'x'), 'utf8')]).toEqual(['done', 'new'])
  })

  test('gives, and so does one at the dialling end', async () => {
    await using pair = await TestPair.create()
    await write(pair.b, 'd/x', 'content')
    const wrap = jail?.({ writable: [pair.a, pair.unisonDir('a'), pair.backupDir('a')] })
    const connect = async () => pair.connect(seeing(pair, true))
    const result = await pair.run({ paths: ['d'], way: { kind: 'force', winner: 'remote' }, connect, wrap })
    expect([result.outcome, await readFile(join(pair.a, 'd/x'), 'utf8')]).toEqual(['done', 'content'])
  })

  test('goes on running, and hears what its agent says', async () => {
    await using pair = await TestPair.create()
    await write(pair.a, 'x', '1')
    await write(pair.b, 'x', '1')
    const wrap = jail?.({ writable: [pair.a, pair.unisonDir('a'), pair.backupDir('a')] })
    const monitor = pair.serverMonitor
    const run = await pair.open({ wrap, connect: async () => pair.connect({ ...seeing(pair), monitor }) })
    await run.ready()
    await write(pair.b, 'x', '22')
    monitor.stage(['x'])
    await run.sync(['x'])
    expect(await readFile(join(pair.a, 'x'), 'utf8')).toBe('22')
    await run.close()
  })
})

test.runIf(isLinux && isRoot)('a jail of the system’s own tools needs no rights', async () => {
  const root = join(outside, 'of all')
  await write(root, 'x', 'content\n')
  const ground = {
    present: ['/usr', '/lib', '/lib64', '/bin'],
    searchPath: `${process.env.PATH}:/usr/sbin`,
    isRoot: false,
  }
  const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
  await chmod(outside, 0o755)
  await chown(root, 65_534, 65_534)
  await chown(join(root, 'x'), 65_534, 65_534)
  const said = await inside(
    await namespaces(ground),
    root,
    'cd "$0" && cat x; touch x; mount -t tmpfs tmpfs /tmp; mkdir /made',
    asNobody,
  )
  expect(said).toMatch(/^content\ntouch: .*read-only.*\nmount: .*\nmkdir: .*read-only/is)
})

async function write(root: string, path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content)
}

/** A member whose Unison asks for whatever root it likes. */
async function ask(pair: TestPair, root: string, serving: Partial<ServeOptions>, ...more: string[]): Promise<string> {
  const { signal } = pair.abort
  const connect = async () => pair.connect(serving)
  await using bridge = await openBridge({ connect, clock: systemClock, onProgress: () => {}, signal })
  const remote = `socket://{${bridge.socketPath}}/${root}`
  const argv = [pair.a, remote, '-ui', 'text', '-batch', '-auto', '-confirmbigdel=false', '-ignorearchives', ...more]
  const env = { UNISON: pair.unisonDir('a'), HOME: pair.unisonDir('a'), UNISONLOCALHOSTNAME: 'node-a' }
  const { all } = await execa(pair.unison.path, argv, { env, all: true, reject: false, timeout: 30_000 })
  return all ?? ''
}
