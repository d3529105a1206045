import { X509Certificate } from 'node:crypto'
import { idOfCertificate } from '@spansync/common/adapters/certificate/lineage'
import { makeNodeCertificate } from '@spansync/common/adapters/certificate/make'
import { signText } from '@spansync/common/adapters/certificate/signed'
import { createCredentials, publicKeyOf } from '@spansync/common/adapters/nats/credentials'
import type { NodeId } from '@spansync/common/core/causal/types'
import { type Enrolment, enrolmentText } from '@spansync/common/protocol/enrolment'
import { beforeAll, describe, expect, it } from 'vitest'
import { nodeIdOf } from '../nats/testing/test-server.ts'
import type { NodeRecord } from '../store/records.ts'
import { judgeEnrolment } from './judge-enrolment.ts'

interface Node {
  readonly id: NodeId
  readonly key: string
  readonly cert: string
}

async function makeNode(before?: Node): Promise<Node> {
  const made = await makeNodeCertificate(before)
  return { ...made, id: idOfCertificate(new X509Certificate(made.cert).raw) }
}

const newKey = (): string => publicKeyOf(createCredentials({ node: 'coordinator', name: 'x', server: null }))

function enrolmentOf({ key, cert }: Node, more: Partial<Omit<Enrolment, 'signature'>> = {}): Enrolment {
  const certificate = new X509Certificate(cert).raw.toString('base64')
  const unsigned = { certificate, name: 'laptop', nkey: newKey(), at: 1000, ...more }
  return { ...unsigned, signature: signText(key, enrolmentText(unsigned)) }
}

const member: NodeRecord = { id: nodeIdOf('ann'), name: 'ann', nkey: newKey(), addedAt: 0 }
const now = 5000

let laptop: Node
let renewed: Node
let twice: Node
beforeAll(async () => {
  laptop = await makeNode()
  renewed = await makeNode(laptop)
  twice = await makeNode(renewed)
})

const judge = (
  enrolment: Enrolment,
  nodes: readonly NodeRecord[] = [member],
  { by = member.id, removed = [] }: { by?: NodeId; removed?: readonly Node[] } = {},
) => judgeEnrolment({ by, enrolment, nodes, removed: removed.map(({ id }) => ({ id, removedAt: 2000 })), now })
const recordOf = ({ id }: Node, more: Partial<NodeRecord> = {}): NodeRecord => ({
  ...{ id, name: 'laptop', nkey: newKey(), addedAt: 500 },
  ...more,
})

describe('a node that a member brings', () => {
  it('is let in under its name, or one like it that is free', () => {
    const enrolment = enrolmentOf(laptop)
    const record = { id: laptop.id, name: 'laptop', nkey: enrolment.nkey, addedAt: 1000 }
    expect(judge(enrolment)).toEqual({ kind: 'put', record, replaces: [] })
    expect(judge(enrolment, [{ ...member, name: 'laptop' }])).toMatchObject({ record: { name: 'laptop-2' } })
  })

  it('is there already when it asks again', () => {
    const enrolment = enrolmentOf(laptop)
    const record = recordOf(laptop, { nkey: enrolment.nkey })
    expect(judge(enrolment, [member, record])).toEqual({ kind: 'known', record, replaces: [] })
  })

  it('may change its key for NATS, and an older wish does not count any more', () => {
    const known = recordOf(laptop, { addedAt: 1000 })
    expect(judge(enrolmentOf(laptop, { at: 1001 }), [member, known])).toMatchObject({
      kind: 'put',
      record: { id: laptop.id, name: 'laptop', addedAt: 1001 },
    })
    expect(judge(enrolmentOf(laptop, { at: 1000 }), [member, known])).toMatchObject({ kind: 'refused' })
  })

  it('with a clock that is ahead does not keep itself from asking again', () => {
    expect(judge(enrolmentOf(laptop, { at: 9_000_000 }))).toMatchObject({ record: { addedAt: now } })
  })
})

describe('a node with a new key', () => {
  it('takes the place of the old one, with its name', () => {
    const enrolment = enrolmentOf(renewed, { name: 'another' })
    expect(judge(enrolment, [member, recordOf(laptop)])).toMatchObject({
      kind: 'put',
      record: { id: renewed.id, name: 'laptop', nkey: enrolment.nkey },
      replaces: [laptop.id],
    })
  })

  it('still takes the place of the old one when it is there already', () => {
    const enrolment = enrolmentOf(renewed)
    const nodes = [member, recordOf(laptop), recordOf(renewed, { nkey: enrolment.nkey })]
    expect(judge(enrolment, nodes)).toMatchObject({ kind: 'known', replaces: [laptop.id] })
    expect(judge(enrolmentOf(renewed), nodes)).toMatchObject({ kind: 'put', replaces: [laptop.id] })
  })

  it('may bring itself, with the credentials of the old one, and have got several meanwhile', () => {
    const nodes = [recordOf(laptop)]
    expect(judge(enrolmentOf(twice), nodes, { by: laptop.id })).toMatchObject({ kind: 'put', replaces: [laptop.id] })
  })
})

describe('a node that was removed', () => {
  const refusedHere = { kind: 'refused', reason: expect.stringContaining('`nodes add`') }

  it('stays out, also with a wish from before or after, and with a new key', () => {
    expect(judge(enrolmentOf(laptop), [member], { removed: [laptop] })).toMatchObject(refusedHere)
    expect(judge(enrolmentOf(laptop, { at: 4000 }), [member], { removed: [laptop] })).toMatchObject(refusedHere)
    expect(judge(enrolmentOf(renewed), [member], { removed: [laptop] })).toMatchObject(refusedHere)
    expect(judge(enrolmentOf(twice), [member], { removed: [laptop] })).toMatchObject(refusedHere)
  })

  it('is decided upon by its newest key that anybody knows', () => {
    const nodes = [member, recordOf(renewed)]
    expect(judge(enrolmentOf(twice), nodes, { removed: [laptop] })).toMatchObject({ kind: 'put' })
    expect(judge(enrolmentOf(twice), [member, recordOf(laptop)], { removed: [renewed] })).toMatchObject(refusedHere)
  })

  it('is in again once a person has added it, and may then ask with a key of its own', () => {
    const nodes = [member, recordOf(renewed, { addedAt: 900 })]
    expect(judge(enrolmentOf(renewed), nodes, { removed: [laptop] })).toMatchObject({ kind: 'put' })
  })
})

describe('is refused', () => {
  it('when whoever brings it is not registered', () => {
    expect(judge(enrolmentOf(laptop), [member], { by: nodeIdOf('stranger') })).toMatchObject({ kind: 'refused' })
  })

  it.each([
    ['with the key of somebody else', (one: Enrolment): Enrolment => ({ ...one, nkey: newKey() })],
    ['under another name', (one: Enrolment): Enrolment => ({ ...one, name: 'server' })],
    ['at another time', (one: Enrolment): Enrolment => ({ ...one, at: one.at + 1 })],
    ['in the name of another', (one: Enrolment): Enrolment => ({ ...one, certificate: certificateOf(renewed) })],
    ['without a signature', (one: Enrolment): Enrolment => ({ ...one, signature: '' })],
  ])('%s', (_what, change) => {
    expect(judge(change(enrolmentOf(laptop)))).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('not signed'),
    })
  })

  it('beyond what one member may fill the store with', () => {
    const nodes = Array.from({ length: 1000 }, (_, at) => ({ ...member, id: nodeIdOf(String(at)), name: String(at) }))
    expect(judge(enrolmentOf(laptop), [...nodes.slice(1), member])).toMatchObject({ kind: 'refused' })
  })

  it('with ever new keys, each of which would have to be remembered', () => {
    const removed = Array.from({ length: 10_000 }, (_, at) => ({ ...laptop, id: nodeIdOf(String(at)) }))
    expect(judge(enrolmentOf(renewed), [member, recordOf(laptop)], { removed })).toMatchObject({ kind: 'refused' })
  })
})

function certificateOf({ cert }: Node): string {
  return new X509Certificate(cert).raw.toString('base64')
}
