import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { settingsOver, writeAddresses } from './addresses.ts'
import { editConfig } from './edit.ts'
import { loadConfig } from './file.ts'
import type { PeerConfig } from './schema.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'spansync-addresses-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function write(addresses: string): void {
  const peer = `  server:\n    id: ${'ab'.repeat(32)}\n    pricePerGb: 4\n    metered: true\n    addresses: ${addresses}\n`
  writeFileSync(join(home, 'config.yaml'), `name: laptop\npeers:\n${peer}`)
}

const server = (): PeerConfig => loadConfig(home).peers.server as PeerConfig
const lan = '{ address: 192.168.1.7:22070, metered: false, pricePerGb: 0, throughput: 800mbit, latency: 1ms }'

test('an address has costs of its own, or those of its peer', () => {
  write(`[${lan}, nas.example.org:22070]`)
  expect(server().addresses).toEqual(['192.168.1.7:22070', 'nas.example.org:22070'])
  const own = { metered: false, pricePerGb: 0, throughputBps: 100_000_000, latencyMs: 1, dataCap: undefined }
  expect(settingsOver(server(), '192.168.1.7:22070')).toEqual(own)
  // The peer has dialled, from some port.
  expect(settingsOver(server(), '192.168.1.7:54321')).toEqual(own)
  const common = { metered: true, pricePerGb: 4, throughputBps: undefined, latencyMs: undefined, dataCap: undefined }
  expect(settingsOver(server(), 'nas.example.org:22070')).toEqual(common)
  expect(settingsOver(server())).toEqual(common)
})

test('two addresses on one host are told apart by their ports', () => {
  write('[10.0.0.1:1, { address: 10.0.0.1:2, pricePerGb: 9 }]')
  expect(settingsOver(server(), '10.0.0.1:1').pricePerGb).toBe(4)
  expect(settingsOver(server(), '10.0.0.1:2').pricePerGb).toBe(9)
})

test('a data cap is that of the address, or of all that may cost something', () => {
  write('[lan:1, { address: free:1, metered: false }, { address: modem:1, dataCap: 1MB }]\n    dataCap: 5GB')
  expect(settingsOver(server(), 'lan:1')).toMatchObject({ metered: true, dataCap: { of: '', bytes: 5e9 } })
  expect(settingsOver(server())).toMatchObject({ dataCap: { of: '', bytes: 5e9 } })
  expect(settingsOver(server(), 'free:1')).toMatchObject({ metered: false, dataCap: undefined })
  expect(settingsOver(server(), 'modem:1')).toMatchObject({ metered: true, dataCap: { of: 'modem:1', bytes: 1e6 } })
})

test('what is said of an address stays when the list is written anew', async () => {
  write(`[${lan}, nas.example.org:22070]`)
  await editConfig(home, (editor) =>
    writeAddresses(editor, 'server', ['new.example.org:1', '192.168.1.7:22070', 'nas.example.org:22070']),
  )
  expect(server().addresses).toEqual(['new.example.org:1', '192.168.1.7:22070', 'nas.example.org:22070'])
  expect(settingsOver(server(), '192.168.1.7:22070').latencyMs).toBe(1)
  expect(readFileSync(join(home, 'config.yaml'), 'utf8')).toContain('throughput: 800mbit')
})

test.each(['[nas]', '[{ address: nas }]', '[{ metered: true }]'])('%s is refused', (addresses) => {
  write(addresses)
  expect(() => loadConfig(home)).toThrow(/must be host:port/)
})

test('a key that is not known is named', () => {
  write('[{ address: "nas:1", prize: 4 }]')
  expect(() => loadConfig(home)).toThrow(/unknown key `peers.server.addresses\[0\].prize`/)
})
