import { parseConfig } from '@spansync/common/config/parse'
import { expect, test } from 'vitest'
import { notInForce } from './not-in-force.ts'

const id = 'a'.repeat(64)
const problemsOf = (text: string) =>
  notInForce(parseConfig({ file: 'config.yaml', text: `name: laptop\n${text}` }).config)

test('names what is said and not carried out, and nothing else', () => {
  expect(problemsOf('policy: { windows: sat, exclude: [a], settle: 1s, rates: [{ send: 1mbit }] }')).toEqual([])
  const [problem, more] = problemsOf(`
policy: { include: ['*.pdf'], nodes: { laptop: { maxSize: 1MB } } }
peers: { phone: { id: ${id}, policy: { exclude: [x], minSize: 1kB } } }
folders:
  docs: { path: /docs, policy: { rates: [{ send: 1mbit }], networks: [{ ssid: Work }], priority: 2, peers: { phone: { priority: 1, settle: 1s } } } }
`)
  expect(more).toBeUndefined()
  expect(problem?.message.split(': ')[1]?.split(', ')).toEqual(['folders.docs.policy.peers.phone.settle'])
})
