import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '@spansync/common/config/parse'
import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import { FakeClock } from '@spansync/common/runtime/fake-clock'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PolicyGate } from '../policy-gate.ts'
import { surroundingsWith } from '../surroundings.ts'
import { askWifi, type Wifi } from './ask.ts'
import { WifiNames } from './wifi-names.ts'

const docs = 'docs' as FolderId
const phone = 'a'.repeat(64) as NodeId
const link = { peer: phone, name: 'phone', dialed: true, localAddress: '127.0.0.1' } as Link

/** The loopback interface is told to be a Wi-Fi, and the tools are programs that this test writes. */
describe.skipIf(process.platform !== 'linux')('a folder that may only pass on a Wi-Fi of some name', () => {
  const clock = new FakeClock()
  let directory: string
  let names: WifiNames
  let gate: PolicyGate
  let heard = Promise.withResolvers<void>()

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'spansync-wifi-'))
    mkdirSync(join(directory, 'net', 'lo', 'wireless'), { recursive: true })
    mkdirSync(join(directory, 'bin'))
    names = new WifiNames({
      clock,
      ask: (name, signal) =>
        askWifi(name, {
          platform: 'linux',
          path: join(directory, 'bin'),
          netDirectory: join(directory, 'net'),
          signal,
        }),
      changed: () => heard.resolve(),
    })
    const text = `name: laptop\npeers: { phone: { id: ${phone} } }\nfolders: { docs: { path: /docs, policy: { networks: [{ ssid: Work }] } } }`
    const { config } = parseConfig({ file: 'config.yaml', text })
    gate = new PolicyGate({
      clock,
      config: () => config,
      nameOf: () => 'phone',
      usedBytes: () => 0,
      standing: () => undefined,
      surroundings: surroundingsWith((name, address) => names.of(name, address)),
      changed: () => undefined,
      failed: (error) => {
        throw error
      },
    })
  })
  afterEach(() => {
    names[Symbol.dispose]()
    rmSync(directory, { recursive: true })
  })

  const tool = (program: string, script: string): void => {
    const file = join(directory, 'bin', program)
    writeFileSync(file, `#!/bin/sh\n${script}\n`)
    chmodSync(file, 0o755)
  }
  const reason = () => gate.evaluate(docs, link).send.reasons[0]
  const next = async (act: () => unknown): Promise<void> => {
    heard = Promise.withResolvers()
    act()
    await heard.promise
  }

  it('is shut until the name is known, open on that one, and shut again on the next one', async () => {
    tool('iw', 'test "$*" = "dev lo link" && printf "Connected to 04:f0:21:1a:2b:3c (on lo)\\n\\tSSID: Work\\n"')
    await next(() => expect(gate.doorOf(docs, link)).toBe('shut'))
    expect(gate.doorOf(docs, link)).toBe('open')
    tool('iw', 'printf "Connected to 04:f0:21:1a:2b:3c (on lo)\\n\\tSSID: Cafe\\n"')
    await next(async () => {
      await clock.advance(5000)
      expect(gate.doorOf(docs, link)).toBe('open')
    })
    expect(gate.doorOf(docs, link)).toBe('shut')
    expect(reason()?.message).toBe('only allowed on SSID Work; this network is another one')
  })

  it('asks the next tool when one fails, and is shut while the machine is on none', async () => {
    tool('iw', 'echo "nl80211 not found." >&2; exit 1')
    tool('iwgetid', 'test "$*" = "lo --raw" && echo Work')
    await next(() => gate.doorOf(docs, link))
    expect(gate.doorOf(docs, link)).toBe('open')
    tool('iw', 'echo "Not connected."')
    await next(async () => {
      await clock.advance(5000)
      gate.doorOf(docs, link)
    })
    expect(gate.doorOf(docs, link)).toBe('shut')
  })

  it('is shut where nobody can tell, and says what to install', async () => {
    await next(() => gate.doorOf(docs, link))
    expect(gate.doorOf(docs, link)).toBe('shut')
    expect(reason()).toMatchObject({
      message:
        'only allowed on SSID Work; the name of the Wi-Fi on lo could not be found out (none of iw, iwgetid, nmcli is installed)',
      remedy: expect.stringContaining('install iw'),
    })
  })

  it('asks nobody about an interface that is no Wi-Fi', async () => {
    rmSync(join(directory, 'net'), { recursive: true })
    tool('iw', 'printf "Connected to 04:f0:21:1a:2b:3c (on lo)\\n\\tSSID: Work\\n"')
    await next(() => gate.doorOf(docs, link))
    expect(reason()?.message).toBe('only allowed on SSID Work; this network is another one')
  })
})

it('a network with another address is asked about anew, and a tool that hangs holds nobody up', () => {
  const asked: string[] = []
  const never = new Promise<never>(() => undefined)
  using names = new WifiNames({
    clock: new FakeClock(),
    ask: (name) => {
      asked.push(name)
      return never
    },
    changed: () => undefined,
  })
  for (const address of ['10.0.0.2', '10.0.0.2', '192.168.1.2']) {
    expect(names.of('wlan0', address)).toMatchObject({ unknown: { remedy: 'wait a moment' } })
  }
  expect(asked).toEqual(['wlan0', 'wlan0'])
})

describe('a name', () => {
  /** Each question is answered by hand, with a name. */
  function stage() {
    const clock = new FakeClock()
    const questions: ((ssid: string) => Promise<void>)[] = []
    const scene = { clock, questions, changes: 0 }
    const names = new WifiNames({
      clock,
      ask: () => {
        const { promise, resolve } = Promise.withResolvers<Wifi>()
        questions.push(async (ssid) => {
          resolve({ ssid })
          await clock.advance(0)
        })
        return promise
      },
      changed: () => {
        scene.changes++
      },
    })
    return Object.assign(scene, { names, now: () => names.of('wlan0', '192.168.1.2') })
  }
  const unknown = { unknown: { remedy: 'wait a moment' } }

  it('counts no longer once the machine has woken or changed its network, nor does an answer from before', async () => {
    const scene = stage()
    scene.now()
    await scene.questions[0]?.('Home')
    expect(scene.now()).toEqual({ ssid: 'Home' })
    await scene.clock.advance(5000)
    expect(scene.now()).toEqual({ ssid: 'Home' })
    scene.names.forget()
    expect(scene.now()).toMatchObject(unknown)
    await scene.questions[1]?.('Home')
    expect(scene.now()).toMatchObject(unknown)
    await scene.questions[2]?.('Cafe')
    expect(scene.now()).toEqual({ ssid: 'Cafe' })
    expect(scene.questions).toHaveLength(3)
  })

  it('counts no longer when it is old, and again when it is confirmed', async () => {
    const scene = stage()
    scene.now()
    await scene.questions[0]?.('Home')
    await scene.clock.advance(15_000)
    expect(scene.now()).toMatchObject(unknown)
    expect(scene.changes).toBe(1)
    await scene.questions[1]?.('Home')
    expect(scene.changes).toBe(2)
    expect(scene.now()).toEqual({ ssid: 'Home' })
  })
})
