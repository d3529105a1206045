import type { NodeId } from '@spansync/common/core/causal/types'
import { describe, expect, it } from 'vitest'
import { arbitrate, type OwnDial } from './arbitrate.ts'

const [small, large] = ['1111' as NodeId, '2222' as NodeId]

describe('arbitrate', () => {
  const cases: [string, 'small' | 'large', boolean | undefined, OwnDial, string][] = [
    ['nothing else is there', 'small', undefined, 'none', 'accept'],
    ['the own dial has not shown itself', 'small', undefined, 'dialing', 'accept'],
    ['the own offer has the right of way', 'small', undefined, 'offered', 'wait'],
    ['the own offer must yield', 'large', undefined, 'offered', 'accept'],
    ['the peer has dialled before and given that up', 'small', false, 'none', 'replace'],
    ['the peer has dialled before and given that up', 'large', false, 'none', 'replace'],
    ['the own link has the right of way if it lives', 'small', true, 'none', 'probe'],
    ['the own link must yield', 'large', true, 'none', 'replace'],
  ]
  it.each(cases)(
    'when %s, the %s one (link dialled here: %s, own dial: %s) answers %s',
    (_why, who, dialed, ownDial, verdict) => {
      const [self, peer] = who === 'small' ? [small, large] : [large, small]
      const existing = dialed === undefined ? undefined : { dialed }
      expect(arbitrate({ self, peer, existing, ownDial })).toBe(verdict)
    },
  )
})
