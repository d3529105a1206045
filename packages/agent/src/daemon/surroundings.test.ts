import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gatewayOf, isOnBattery, networkOf } from './surroundings.ts'

const routes = [
  'Iface\tDestination\tGateway\tFlags',
  'eth0\t0001A8C0\t00000000\t0001',
  'eth0\t00000000\t0101A8C0\t0003',
  'wg0\t00000000\t00000000\t0001',
].join('\n')

describe('the network of a link', () => {
  it('is found by the address at our end', () => {
    expect(networkOf('::ffff:127.0.0.1', '')).toEqual({ address: '127.0.0.1', interface: 'lo' })
    expect(networkOf('203.0.113.9', '')).toBeUndefined()
    expect(networkOf(undefined, '')).toBeUndefined()
  })

  it('has the router of the default route', () => {
    expect(gatewayOf(routes, 'eth0')).toBe('192.168.1.1')
    expect(gatewayOf(routes, 'wg0')).toBeUndefined()
    expect(gatewayOf('', 'eth0')).toBeUndefined()
  })
})

describe('a battery', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'spansync-power-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const supply = (name: string, type: string, online?: string): void => {
    mkdirSync(join(directory, name))
    writeFileSync(join(directory, name, 'type'), `${type}\n`)
    if (online !== undefined) writeFileSync(join(directory, name, 'online'), `${online}\n`)
  }

  it('is what a machine runs on whose adapter is not plugged in', () => {
    supply('BAT0', 'Battery')
    supply('AC', 'Mains', '0')
    expect(isOnBattery(directory)).toBe(true)
    supply('AC2', 'Mains', '1')
    expect(isOnBattery(directory)).toBe(false)
  })

  it('is not there where the system tells of none', () => {
    expect(isOnBattery(join(directory, 'nowhere'))).toBe(false)
    supply('mouse', 'Battery')
    expect(isOnBattery(directory)).toBe(false)
  })
})
