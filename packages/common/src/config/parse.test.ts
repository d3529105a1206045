import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configProblems } from '../testing/config-problems.ts'
import { parseConfig } from './parse.ts'
import type { ConfigError } from './problems.ts'

const a = 'a'.repeat(64)
const b = 'b'.repeat(64)
const home = '/home/ann/.config/spansync'
const source = (text: string) => ({ file: '/etc/x/config.yaml', text, home })
const parse = (text: string) => parseConfig(source(text)).config

const problems = (text: string): string[] => configProblems(text, home)

test('the shortest configuration has every default', () => {
  expect(parse('name: laptop')).toEqual({
    name: 'laptop',
    mode: 'auto',
    peers: {},
    folders: {},
    versions: { days: 30, count: 50, maxBytes: 10 * 2 ** 30 },
    unison: { confine: true },
    advanced: { persistentPairs: 4, logLevel: 'info', membersMinutes: 360 },
  })
})

test('values get their units, paths and fingerprints their plain form, and nothing can be changed', () => {
  const config = parse(`
name: laptop
peers:
  nas: { id: '${a.toUpperCase()}', addresses: ['[::1]:1'], throughput: 10mbit, latency: 20ms, pricePerGb: 5 }
  phone: { id: ${b}, metered: true }
folders:
  docs: { path: ~/docs/, with: [nas], ignore: ['*.iso'] }
`)
  expect(config.peers.nas).toEqual({
    id: a,
    addresses: ['[::1]:1'],
    throughputBps: 1_250_000,
    latencyMs: 20,
    pricePerGb: 5,
    metered: false,
  })
  expect(config.peers.phone).toMatchObject({ id: b, addresses: [], metered: true })
  expect(Object.values(config.folders)[0]).toEqual({
    path: join(homedir(), 'docs'),
    names: 'auto',
    with: ['nas'],
    ignore: ['*.iso'],
    ignoreDefaults: true,
    rescanMinutes: 60,
    deletionGuard: { percent: 50, files: 100 },
  })
  expect(Object.isFrozen(config.peers.nas?.addresses)).toBe(true)
})

test('sections that are empty, as when all in them is commented out, mean nothing', () => {
  expect(parse('name: a\npeers:\nfolders:\n  # docs: {}\n')).toMatchObject({ peers: {}, folders: {} })
})

describe('one problem', () => {
  test.each<[string, string]>([
    ['name: a\n\n\npeeers: {}', 'unknown key `peeers` (config.yaml:4:1); did you mean `peers`?'],
    ['name: a\nxyzzy: 1', 'unknown key `xyzzy` (config.yaml:2:1)'],
    [
      `name: a\npeers:\n  nas:\n    id: ${a}\n    adresses: []`,
      'unknown key `peers.nas.adresses` (config.yaml:5:5); did you mean `addresses`?',
    ],
    ['mode: auto', '`name` is missing (config.yaml:1:1)'],
    ['name: a\nfolders:\n  docs:\n    ignore: []', '`folders.docs.path` is missing (config.yaml:3:3)'],
    ['name: 12', '`name` must be text, but is the number 12 (config.yaml:1:7)'],
    ['name: a\npeers: [x]', '`peers` must be a map of names and values, but is a list (config.yaml:2:1)'],
    ['name: a\npeers: 5', '`peers` must be a map of names and values, but is the number 5 (config.yaml:2:8)'],
    [
      'name: a\nmode: centralized',
      '`mode` must be one of auto, centralised, decentralised, but is the text "centralized" (config.yaml:2:7); did you mean `centralised`?',
    ],
    [
      'name: a\nlisten: nas',
      '`listen` must be host:port, such as 0.0.0.0:22070 or [::]:22070, but is the text "nas" (config.yaml:2:9)',
    ],
    ['name: a\nversions: { days: -1 }', '`versions.days` must be at least 0, but is the number -1 (config.yaml:2:19)'],
    [
      'name: a\nversions: { maxBytes: lots }',
      '`versions.maxBytes` must be a size such as 500MB or 10GiB, but is the text "lots" (config.yaml:2:23)',
    ],
    [
      'name: a\npeers: { nas: { id: abc } }',
      '`peers.nas.id` is the text "abc": a fingerprint has 64 hexadecimal digits, this one has 3 (config.yaml:2:21)',
    ],
    [
      `name: a\npeers: { nas: { id: ${a}, addresses: [nas] } }`,
      '`peers.nas.addresses[0]` must be host:port, such as nas.example.org:22070, but is the text "nas" (config.yaml:2:99)',
    ],
    [
      'name: a\nfolders: { docs: { path: docs } }',
      '`folders.docs.path` must be an absolute path, such as /home/ann/docs or ~/docs, but is the text "docs" (config.yaml:2:26)',
    ],
    [
      'name: a\nfolders: { docs: { path: /d, ignoreDefaults: maybe } }',
      '`folders.docs.ignoreDefaults` must be true or false, but is the text "maybe" (config.yaml:2:46)',
    ],
    [
      `name: a\npeers: { '-x': { id: ${a} } }`,
      '`peers.-x`: must be letters, digits, `.`, `_` and `-`, starting with a letter or a digit, at most 63 characters (config.yaml:2:10)',
    ],
    ['- a', 'the file must be a map of keys and values, but is a list (config.yaml:1:1)'],
    [
      'name: [a',
      'not valid YAML: flow sequence in block collection must be sufficiently indented and end with a ] (config.yaml:1:9)',
    ],
    ['name: a\nname: b', 'not valid YAML: map keys must be unique (config.yaml:2:1)'],
  ])('%j', (text, message) => expect(problems(text)).toEqual([message]))
})

describe('how the parts fit together', () => {
  const peers = `peers: { nas: { id: ${a} } }`
  test.each<[string, string]>([
    [
      `name: a\n${peers}\nfolders: { docs: { path: /d, with: [nsa] } }`,
      '`folders.docs.with[0]` names an unknown peer `nsa` (config.yaml:3:37); did you mean `nas`?',
    ],
    [
      `name: a\npeers: { x: { id: ${a} }, y: { id: ${a} } }`,
      'peers `x` and `y` have the same fingerprint (config.yaml:2:96)',
    ],
    [`name: nas\n${peers}`, 'the peer `nas` has the name of this machine (config.yaml:2:10)'],
    [
      'name: a\nfolders: { x: { path: /d }, y: { path: /d/e } }',
      'folder `y` is inside folder `x` (/d/e and /d) (config.yaml:2:40)',
    ],
    [
      'name: a\nfolders: { x: { path: /d/e }, y: { path: /d } }',
      'folder `x` is inside folder `y` (/d and /d/e) (config.yaml:2:42)',
    ],
    [
      'name: a\nfolders: { x: { path: /d }, y: { path: /d/ } }',
      'folders `x` and `y` are the same directory /d (config.yaml:2:40)',
    ],
  ])('%j', (text, message) => expect(problems(text)).toEqual([message]))

  test('a folder may not hold the private key, nor be among the files of spansync', () => {
    expect(problems('name: a\nfolders: { x: { path: /home/ann } }')[0]).toContain('and with it the private key')
    expect(problems('name: a\nfolders: { x: { path: /home/ann/.config/spansync/docs } }')[0]).toContain(
      'is inside spansync',
    )
  })
  test('names that only begin alike are not nested', () => {
    expect(problems('name: a\nfolders: { x: { path: /d }, y: { path: /d2 }, z: { path: /..d } }')).toEqual([])
  })
})

test('all problems are listed at once, in the order of the file', () => {
  const text = `
name: 7
peers:
  nas: { id: short, addresses: [bad] }
folders:
  docs: { path: relative, with: [nobody] }
verions: {}
`
  expect(problems(text).map((line) => /config\.yaml:(\d+)/.exec(line)?.[1])).toEqual(['2', '4', '4', '6', '6', '7'])
  try {
    parse(text)
  } catch (error) {
    expect(error).toMatchObject({
      code: 'config_invalid',
      exitCode: 2,
      remedy: 'correct /etc/x/config.yaml, then try again',
    })
    expect((error as ConfigError).message).toContain('6 problems in config.yaml:\n  `name` must be text')
  }
})

test('names that objects have anyway are no keys', () => {
  expect(problems('name: a\nconstructor: 1')).toEqual(['unknown key `constructor` (config.yaml:2:1)'])
  expect(problems(`name: a\nfolders: { docs: { path: /d, with: [constructor] } }`)).toHaveLength(1)
})

test('a folder can guard its files against deletion in its own way, or not at all', () => {
  const guardOf = (value: string) => parse(`name: a\nfolders:\n  docs:\n    path: /docs\n    deletionGuard: ${value}\n`)
  expect(Object.values(guardOf('off').folders)[0]).toMatchObject({ deletionGuard: 'off' })
  expect(Object.values(guardOf('{ percent: 20 }').folders)[0]).toMatchObject({
    deletionGuard: { percent: 20, files: 100 },
  })
  expect(() => guardOf('perhaps')).toThrow(/must be off, or have percent and files/)
  expect(() => guardOf('{ percent: 200 }')).toThrow(/percent` must be at most 100/)
})
