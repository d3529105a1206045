import { describe, expect, test } from 'vitest'
import type { FolderId } from '../core/causal/types.ts'
import { evaluate } from '../core/policy/evaluate.ts'
import { compileFilter } from '../core/policy/filter.ts'
import { mergeLayers } from '../core/policy/settings.ts'
import { parseWindow } from '../core/policy/windows.ts'
import { configProblems } from '../testing/config-problems.ts'
import { parseConfig } from './parse.ts'
import { policyLayers } from './policy-layers.ts'
import { initialConfig } from './template.ts'

const id = 'a'.repeat(64)
const parse = (text: string) => parseConfig({ file: '/etc/x/config.yaml', text })
const docs = 'docs' as FolderId

const full = `name: laptop
policy:
  settle: 2s
  windows: 23:00-06:00
  onMetered: false
  exclude: ['*.tmp']
  nodes:
    laptop: { onBattery: false }
    phone: { priority: 9 }
peers:
  phone:
    id: ${id}
    dataCap: 5GB
    policy:
      rates:
        - { during: [mon-fri 08:00-18:00, sat], send: 1mbit }
        - { receive: 2MB/s }
folders:
  docs:
    path: /docs
    ignore: ['*.iso']
    policy:
      direction: send-only
      windows: [mon 08:00-18:00, tue]
      timezone: Europe/Amsterdam
      networks: [{ ssid: Work }, { cidr: 10.0.0.0/8, interface: eth* }]
      maxSize: 20MB
      paused: 2027-01-31T08:00:00+01:00
      peers:
        phone:
          settle: 5m
          windows: always
`

test('every setting is decided by the narrowest place that says it, and its line is known', () => {
  const { config, lineOf } = parse(full)
  const policy = mergeLayers(policyLayers(config, { folder: docs, peer: 'phone' }, lineOf).settings)
  expect(policy).toMatchObject({
    settleMs: { value: 300_000, where: { level: 'link', key: 'folders.docs.policy.peers.phone.settle', line: 31 } },
    windows: { value: parseWindow('always'), where: { level: 'link', line: 32 } },
    onMetered: { value: false, where: { level: 'network', key: 'policy.onMetered', line: 5 } },
    onBattery: { value: false, where: { level: 'node', key: 'policy.nodes.laptop.onBattery', line: 8 } },
    priority: { value: 0, where: { level: 'default', key: '' } },
    direction: { value: 'send-only', where: { level: 'folder', key: 'folders.docs.policy.direction', line: 23 } },
    timezone: { value: 'Europe/Amsterdam' },
    networks: { value: [{ ssid: 'Work' }, { cidr: '10.0.0.0/8', interface: 'eth*' }] },
    dataCap: { value: { bytes: 5e9, warnPercent: 80 }, where: { level: 'link', key: 'peers.phone.dataCap', line: 13 } },
    paused: { value: { untilMs: Date.parse('2027-01-31T07:00Z') }, where: { line: 28 } },
    rates: { where: { level: 'link', key: 'peers.phone.policy.rates', line: 15 } },
  })
  expect(policy.rates.value).toMatchObject([
    { during: [...(parseWindow('mon-fri 08:00-18:00') ?? []), { from: 7200, to: 8640 }], sendBps: 125_000 },
    { receiveBps: 2_000_000 },
  ])
})

test('for the replica as a whole no link counts', () => {
  const { config } = parse(full)
  const { settleMs, windows, dataCap } = mergeLayers(policyLayers(config, { folder: docs }).settings)
  expect(settleMs).toEqual({ value: 2000, where: { level: 'network', key: 'policy.settle' } })
  expect(windows.value).toEqual([
    { from: 480, to: 1080 },
    { from: 1440, to: 2880 },
  ])
  expect(dataCap.value).toBeUndefined()
})

test('the filters of all places count together, with what the folder ignores', () => {
  const { config, lineOf } = parse(full)
  const filter = compileFilter(policyLayers(config, { folder: docs, peer: 'phone' }, lineOf).filters)
  const why = (path: string, size = 1) => filter.unwanted({ path, kind: 'file', size })
  expect(why('a.txt')).toBeUndefined()
  expect(why('a.tmp')).toMatchObject({ pattern: '*.tmp', where: { key: 'policy.exclude', line: 6 } })
  expect(why('a.iso')).toMatchObject({ pattern: '*.iso', where: { key: 'folders.docs.ignore', line: 21 } })
  expect(why('a.txt', 2e7 + 1)).toMatchObject({ rule: 'max_size', where: { line: 27 } })
})

test('a reason names the line of the rule', () => {
  const { config, lineOf } = parse('name: a\nfolders:\n  docs:\n    path: /d\n    policy:\n      paused: true\n')
  const policy = mergeLayers(policyLayers(config, { folder: docs }, lineOf).settings)
  const link = { metered: false, usedThisMonthBytes: 0 }
  const { reasons } = evaluate(policy, { now: 0, zone: 'UTC', flow: 'send', link, onBattery: false })
  expect(reasons).toMatchObject([{ rule: 'paused', where: { key: 'folders.docs.policy.paused', line: 6 } }])
})

describe('one problem', () => {
  const windowText =
    'must be a time such as 23:00-06:00, mon-fri 08:00-18:00 or sat,sun; one that passes midnight belongs to the day it begins'
  test.each<[string, string]>([
    ['{ windws: always }', 'unknown key `policy.windws` (config.yaml:2:11); did you mean `windows`?'],
    ['{ windows: 8-18 }', `\`policy.windows\` ${windowText}, but is the text "8-18" (config.yaml:2:20)`],
    ['{ windows: [sat, mond] }', `\`policy.windows[1]\` ${windowText}, but is the text "mond" (config.yaml:2:26)`],
    ['{ windows: 7 }', '`policy.windows` must be a text or a list of texts, but is the number 7 (config.yaml:2:20)'],
    [
      '{ timezone: Europe/Amsterdm }',
      '`policy.timezone` must be a time zone such as Europe/Amsterdam, but is the text "Europe/Amsterdm" (config.yaml:2:21)',
    ],
    [
      '{ networks: [{ cidr: 10.0.0.0/99 }] }',
      '`policy.networks[0].cidr` must be an address or a range such as 192.168.1.0/24, but is the text "10.0.0.0/99" (config.yaml:2:30)',
    ],
    ['{ networks: [{ sid: Work }] }', 'unknown key `policy.networks[0].sid` (config.yaml:2:24); did you mean `ssid`?'],
    [
      '{ rates: [{ send: fast }] }',
      '`policy.rates[0].send` must be a rate such as 10mbit or 1.2MB/s, but is the text "fast" (config.yaml:2:27)',
    ],
    [
      '{ exclude: [type:movie] }',
      '`policy.exclude[0]` must be a pattern or one of type:archive, type:audio, type:document, type:image, type:video, but is the text "type:movie" (config.yaml:2:21)',
    ],
    [
      "{ exclude: ['!a'] }",
      '`policy.exclude[0]` is the text "!a": ignore pattern "!a": exceptions (a leading !) are not supported; write narrower patterns, or \\! when the name really begins with an exclamation mark (config.yaml:2:21)',
    ],
    [
      '{ direction: send }',
      '`policy.direction` must be one of send-receive, send-only, receive-only, but is the text "send" (config.yaml:2:22)',
    ],
    [
      '{ paused: tomorrow }',
      '`policy.paused` must be true, false, or the time until which it lasts, such as 2027-01-31T08:00:00+01:00, but is the text "tomorrow" (config.yaml:2:19)',
    ],
    ['{ settle: 5 }', '`policy.settle` must be text, but is the number 5 (config.yaml:2:19)'],
    ['{ nodes: { b: {} } }', '`policy.nodes.b` names an unknown machine `b` (config.yaml:2:20)'],
    [
      '{ nodes: { a: { windos: always } } }',
      'unknown key `policy.nodes.a.windos` (config.yaml:2:25); did you mean `windows`?',
    ],
  ])('%s', (policy, message) => {
    expect(configProblems(`name: a\npolicy: ${policy}`)).toEqual([message])
  })

  test('in a folder and in a peer', () => {
    expect(
      configProblems(
        `name: a\npeers: { nas: { id: ${id}, policy: { x: 1 } } }\nfolders:\n  d:\n    path: /d\n    policy:\n      peers:\n        nsa: { onMetered: 1 }\n`,
      ),
    ).toEqual([
      expect.stringContaining('unknown key `peers.nas.policy.x` (config.yaml:2:'),
      '`folders.d.policy.peers.nsa` names an unknown peer `nsa` (config.yaml:8:9); did you mean `nas`?',
      '`folders.d.policy.peers.nsa.onMetered` must be true or false, but is the number 1 (config.yaml:8:27)',
    ])
  })
})

test('the first configuration shows what can be said', () => {
  const text = initialConfig({ name: 'a', listen: '0.0.0.0:1' })
  expect(text).toMatch(/# policy:\n.*# {3}windows: {2}# When it may sync/s)
  expect(configProblems(text)).toEqual([])
})
