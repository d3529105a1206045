import { expect, test } from 'vitest'
import { authorizationText, serverText } from './server-config.ts'
import { nodeIdOf } from './testing/test-server.ts'

const [ann, ben] = [nodeIdOf('ann'), nodeIdOf('ben')]
const key = (letter: string): string => `U${letter.repeat(55)}`

test('what is written for a coordinator and a node', () => {
  const text = authorizationText({ coordinators: [key('C')], nodes: [{ id: ann, name: 'ann', nkey: key('A') }] })
  expect(text).toBe(`authorization {
  timeout: 15
  users: [
    # coordinator
    { nkey: ${key('C')}, permissions: {
      publish: { allow: ["spansync.v1.>", "$JS.API.>", "$JS.ACK.SPANSYNC_REPORTS_V1.>"] }
      subscribe: { allow: ["spansync.v1.>", "_INBOX_coordinator.>"] }
      allow_responses: { max: 1, expires: "1m" }
    } }
    # ann ${ann}
    { nkey: ${key('A')}, permissions: {
      publish: { allow: ["spansync.v1.state.${ann}", "spansync.v1.enrol.${ann}", "spansync.v1.report.${ann}"] }
      subscribe: { allow: ["spansync.v1.order.${ann}", "spansync.v1.plan.${ann}", "spansync.v1.beat", "_INBOX_${ann}.>"] }
      allow_responses: { max: 1, expires: "1m" }
    } }
  ]
}
`)
})

test('equal users give equal text, in whatever order they come', () => {
  const nodes = [
    { id: ann, name: 'ann', nkey: key('A') },
    { id: ben, name: 'ben', nkey: key('B') },
  ]
  const one = authorizationText({ coordinators: [], nodes })
  expect(authorizationText({ coordinators: [], nodes: nodes.toReversed() })).toBe(one)
})

test('nothing in a name or a key becomes configuration', () => {
  const named = (name: string, nkey: string) => () =>
    authorizationText({ coordinators: [], nodes: [{ id: ann, name, nkey }] })
  expect(named('x\n}\n# y', key('A'))().split('\n')).not.toContain('}\n# y')
  expect(named('x\n}\n# y', key('A'))()).toContain('# x?}?# y ')
  expect(named('x', `${key('A')} }`)).toThrow('not a public nkey')
})

test('paths with blanks and quotes are quoted', () => {
  const text = serverText({
    host: '::',
    port: 4222,
    serverName: 'x',
    certFile: '/a b/"c"\\d.pem',
    keyFile: '/k',
    storeDirectory: '/s',
    pidFile: '/p',
    usersFile: 'users.conf',
  })
  expect(text).toContain('cert_file: "/a b/\\"c\\"\\\\d.pem"')
  expect(text).toContain('host: "::"')
})
