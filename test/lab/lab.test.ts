import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Lab } from './lab.ts'
import { inNamespace, isAlive } from './processes.ts'
import { describeLab } from './suite.ts'
import { copyOverTcp } from './tcp-copy.ts'
import { until } from './until.ts'

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

describeLab('lab', () => {
  test.each(['line', 'ring', 'star', 'home-work', 'pair'])(
    '%s: neighbours reach each other, others do not',
    async (name) => {
      await using lab = await Lab.create(name)
      for (const { spec } of lab.links) {
        const ping = ['ping', '-c', '1', '-W', '2', lab.address(spec.b, spec.a)]
        expect((await lab.node(spec.a).exec(ping)).stdout).toContain('1 received')
      }
      if (name === 'line') {
        const far = await lab.node('a').exec(['ping', '-c', '1', '-W', '1', lab.address('c', 'b')], { check: false })
        expect(far.code).not.toBe(0)
      }
      expect(lab.bytes()).toBeGreaterThan(0)
    },
  )

  test('rates hold, change, and bytes are counted', async () => {
    await using lab = await Lab.create('home-work')
    const fast = await copyOverTcp(lab, 'l1', 's', 4_000_000)
    expect(fast.bitsPerSecond / 100e6).toBeGreaterThan(0.8)
    expect(fast.bitsPerSecond / 100e6).toBeLessThan(1.05)
    expect(fast.ratio).toBeGreaterThan(1.02)
    expect(fast.ratio).toBeLessThan(1.08)
    const slow = await copyOverTcp(lab, 'l1', 'r', 200_000)
    expect(slow.bitsPerSecond / 2e6).toBeGreaterThan(0.7)
    expect(slow.bitsPerSecond / 2e6).toBeLessThan(1.3)
    await lab.link('l1', 's').setRate('10mbit')
    const slower = await copyOverTcp(lab, 's', 'l1', 1_000_000)
    expect(slower.bitsPerSecond / 10e6).toBeLessThan(1.2)
  })

  test('nothing is sent over links that nobody uses', async () => {
    await using lab = await Lab.create('ring')
    expect(await lab.bytesDuring(1500)).toBe(0)
  })

  test('a link goes down and up, an address changes', async () => {
    await using lab = await Lab.create('pair')
    const ping = (to: string): Promise<number | null> =>
      lab
        .node('a')
        .exec(['ping', '-c', '1', '-W', '1', to], { check: false })
        .then(({ code }) => code)
    await lab.link('a', 'b').setUp(false)
    expect(await ping(lab.address('b', 'a'))).not.toBe(0)
    await lab.link('b', 'a').setUp(true)
    expect(await ping(lab.address('b', 'a'))).toBe(0)
    const old = lab.address('b', 'a')
    await lab.link('a', 'b').setAddress('b', 5)
    expect(lab.address('b', 'a')).not.toBe(old)
    expect(await ping(lab.address('b', 'a'))).toBe(0)
    expect(await ping(old)).not.toBe(0)
  })

  test('disposal ends every program, also one that left its parent, and removes the files', async () => {
    const lab = await Lab.create('pair')
    const [{ id }, { directory }] = [lab.node('a').namespace, lab]
    const child = lab.node('a').spawn(['sleep', '1000'])
    await lab.node('a').exec(['sh', '-c', 'setsid -f sleep 1001 > /dev/null 2>&1'])
    expect(inNamespace(id).length).toBe(3 + 1)
    await lab[Symbol.asyncDispose]()
    expect([isAlive(child.pid), inNamespace(id).length, existsSync(directory)]).toEqual([false, 0, false])
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test.each(['SIGINT', 'SIGKILL'] as const)(
    '%s to the process that made a lab leaves nothing behind',
    async (signal) => {
      const { stdout } = spawnSync(process.execPath, [program('./abandoned-lab.ts'), signal], { encoding: 'utf8' })
      const { directory, namespaces, pids } = JSON.parse(stdout) as Record<string, string[]> & { pids: number[] }
      expect(pids.length).toBeGreaterThan(1)
      await until(() => (namespaces ?? []).every((id) => inNamespace(id).length === 0), {
        deadlineMs: 5000,
        what: 'no process',
      })
      await until(() => !existsSync(String(directory)), { deadlineMs: 5000, what: `${directory} is gone` })
      expect(pids.filter(isAlive)).toEqual([])
    },
  )
})
