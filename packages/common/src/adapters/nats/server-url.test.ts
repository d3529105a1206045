import { expect, test } from 'vitest'
import { parseServerUrl } from './server-url.ts'

test.each([
  ['tls://server.lan:4223', [{ host: 'server.lan', port: 4223 }]],
  ['nats://server.lan', [{ host: 'server.lan', port: 4222 }]],
  ['tls://192.0.2.7:4222/', [{ host: '192.0.2.7', port: 4222 }]],
  ['tls://[2001:db8::7]', [{ host: '2001:db8::7', port: 4222 }]],
  [
    'tls://a:1, tls://b',
    [
      { host: 'a', port: 1 },
      { host: 'b', port: 4222 },
    ],
  ],
])('%s', (url, servers) => {
  expect(parseServerUrl(url)).toEqual(servers)
})

test.each([
  '',
  'server.lan:4222',
  'http://server.lan',
  'ws://server.lan',
  'tls://',
  'tls://a:0',
  'tls://a:99999',
  'tls://user:secret@a',
  'tls://a,',
])('%j is refused', (url) => {
  expect(() => parseServerUrl(url)).toThrow(expect.objectContaining({ code: 'nats_bad_url' }))
})
