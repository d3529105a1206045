import type { NodeId } from '@spansync/common/core/causal/types'
import { expect, it } from 'vitest'
import { AddressSightings } from './sightings.ts'

const id = 'ab'.repeat(32) as NodeId
const at = (...addresses: string[]) => ({ id, addresses, gone: false })

it('has the newest word first, and says only what is new', () => {
  const sightings = new AddressSightings()
  expect(sightings.hear(at('10.0.0.1:1'), 0)).toEqual(['10.0.0.1:1'])
  expect(sightings.hear(at('10.0.0.1:1'), 1)).toBeUndefined()
  expect(sightings.hear(at('10.0.0.2:1'), 2)).toEqual(['10.0.0.2:1', '10.0.0.1:1'])
  expect(sightings.hear({ ...at('10.0.0.1:1'), gone: true }, 3)).toEqual(['10.0.0.2:1'])
  sightings.forget()
  expect(sightings.hear(at('10.0.0.2:1'), 4)).toEqual(['10.0.0.2:1'])
})

it('keeps a few addresses, and hears a few news a minute, however many somebody announces', () => {
  const sightings = new AddressSightings()
  const heard = Array.from({ length: 1000 }, (_, host) => sightings.hear(at(`10.0.0.${host}:1`), host))
  expect(heard.filter((one) => one !== undefined)).toHaveLength(10)
  expect(heard[9]).toHaveLength(4)
  expect(sightings.hear(at('10.0.1.1:1'), 60_000)?.[0]).toBe('10.0.1.1:1')
})
