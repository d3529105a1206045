import { type Duplex, duplexPair } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { LineSplitter, quote } from './monitor-protocol.ts'
import { MonitorStandIn, maxPendingPaths } from './monitor-stand-in.ts'

function attached(): {
  monitor: MonitorStandIn
  ask: (line: string) => Promise<void>
  said: () => string
  unison: Duplex
} {
  const monitor = new MonitorStandIn()
  const [near, unison] = duplexPair()
  let text = ''
  unison.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  monitor.attach(near)
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    monitor,
    unison,
    async ask(line) {
      unison.write(`${line}\n`)
      await settle()
      await settle()
    },
    said() {
      const all = text
      text = ''
      return all
    },
  }
}

describe('MonitorStandIn', () => {
  test('acknowledges the start scan and has nothing to say until told', async () => {
    const { monitor, ask, said } = attached()
    expect(monitor.phase).toBe('starting')
    await ask('VERSION 1')
    await ask('START 4e4c /root ')
    await ask('DIR d%20d')
    await ask('LINK l')
    await ask('DONE')
    expect(said()).toBe('VERSION 1\nOK\nOK\nOK\n')
    expect(monitor.phase).toBe('busy')
    await ask('WAIT 4e4c')
    expect(monitor.phase).toBe('waiting')
    expect(said()).toBe('')
  })

  test('a notice wakes Unison and gives the paths once', async () => {
    const { monitor, ask, said } = attached()
    const taken: (readonly string[])[] = []
    monitor.onTaken((paths) => taken.push(paths))
    await ask('WAIT 4e4c')
    monitor.notify(['a b', 'ü', 'a b'])
    await ask('DEBUG')
    expect(said()).toBe('CHANGES 4e4c\n')
    await ask('CHANGES 4e4c')
    expect(said()).toBe('RECURSIVE a%20b\nRECURSIVE %C3%BC\nDONE\n')
    expect(taken).toEqual([['a b', 'ü']])
    await ask('WAIT 4e4c')
    expect(said()).toBe('')
    await ask('CHANGES 4e4c')
    expect(said()).toBe('DONE\n')
  })

  test('staged paths wait for whoever starts the next cycle', async () => {
    const { monitor, ask, said } = attached()
    await ask('WAIT x')
    monitor.stage(['p'])
    await ask('DEBUG')
    expect(said()).toBe('')
    await ask('CHANGES x')
    expect(said()).toBe('RECURSIVE p\nDONE\n')
  })

  test('a notice during a cycle starts the next one', async () => {
    const { monitor, ask, said } = attached()
    await ask('CHANGES x')
    monitor.notify(['late'])
    expect(said()).toBe('DONE\n')
    await ask('WAIT x')
    expect(said()).toBe('CHANGES x\n')
    await ask('CHANGES x')
    expect(said()).toBe('RECURSIVE late\nDONE\n')
  })

  test('a reset drops what is pending: everything is scanned anyway', async () => {
    const { monitor, ask, said } = attached()
    monitor.stage(['p'])
    await ask('RESET x')
    await ask('CHANGES x')
    expect(said()).toBe('DONE\n')
  })

  test('refuses more paths than it may hold, and none of those it has', async () => {
    const monitor = new MonitorStandIn()
    const paths = Array.from({ length: maxPendingPaths }, (_, at) => `f${at}`)
    monitor.stage(paths)
    monitor.stage(['f7'])
    expect(() => monitor.stage(['one more'])).toThrowError(
      expect.objectContaining({ code: 'too_many_paths', retryable: true }),
    )
  })

  test('untilWaiting ends when Unison waits, and when it is gone', async () => {
    const { monitor, ask, unison } = attached()
    const waiting = monitor.untilWaiting()
    await ask('WAIT x')
    await waiting
    await monitor.untilWaiting()
    await ask('CHANGES x')
    const gone = monitor.untilWaiting()
    unison.destroy()
    monitor.close()
    await gone
    expect(monitor.phase).toBe('closed')
  })
})

test.each([
  ["plain-_.~!*'();:@&=+$,/?#[]", "plain-_.~!*'();:@&=+$,/?#[]"],
  [' ', '%20'],
  ['new\nline%', 'new%0Aline%25'],
  ['"\\^`{|}<>', '%22%5C%5E%60%7B%7C%7D%3C%3E'],
  ['日', '%E6%97%A5'],
])('quote(%j)', (path, quoted) => expect(quote(path)).toBe(quoted))

test('LineSplitter: whatever the chunks', () => {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line))
  for (const chunk of ['on', 'e\ntwo\n\nth', 'ree', '\n']) splitter.push(chunk)
  expect(lines).toEqual(['one', 'two', '', 'three'])
})
