import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { editConfig } from '@spansync/common/config/edit'
import { loadConfig } from '@spansync/common/config/file'
import type { NodeId } from '@spansync/common/core/causal/types'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { replacePeerId } from './peers.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'spansync-peers-'))
})
afterEach(() => rm(home, { recursive: true }))

const id = (digit: string): NodeId => digit.repeat(64) as NodeId

it('a new key changes nothing that is said of the peer’s addresses, and those that it names come first', async () => {
  const file = join(home, 'config.yaml')
  const priced = '{ address: "nas.example.org:22070", metered: true, pricePerGb: 4, dataCap: 5GB }'
  const peer = `id: ${id('a')}, addresses: ["192.168.1.7:22070", ${priced}]`
  writeFileSync(file, `name: own\npeers:\n  server: { ${peer} }\n`)
  const before = loadConfig(home).peers.server
  const addresses = ['new.example.org:1', 'nas.example.org:22070']
  await editConfig(home, (editor) => replacePeerId(editor, 'server', { id: id('b'), addresses }))
  expect(loadConfig(home).peers.server).toEqual({
    ...before,
    id: id('b'),
    addresses: [...addresses, '192.168.1.7:22070'],
  })
  expect(before?.priced).toHaveLength(1)
  expect(readFileSync(file, 'utf8')).toContain('5GB')
})
