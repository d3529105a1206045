import { readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { NetworkFacts } from '@spansync/common/core/policy/networks'
import type { Surroundings } from './policy-gate.ts'
import type { Wifi } from './wifi/ask.ts'

const powerSupplies = '/sys/class/power_supply'
const routes = '/proc/net/route'

/** What this machine's system says; the names of Wi-Fis by `wifiOf`, which answers at once. */
export function surroundingsWith(wifiOf: (name: string, address: string) => Wifi): Surroundings {
  return {
    isOnBattery: () => isOnBattery(),
    networkOf: (localAddress, { ssid }) => {
      const network = networkOf(localAddress)
      if (!ssid || network?.interface === undefined || network.address === undefined) return network
      const wifi = wifiOf(network.interface, network.address)
      if ('unknown' in wifi) return { ...network, ssidUnknown: wifi.unknown }
      return wifi.ssid === undefined ? network : { ...network, ssid: wifi.ssid }
    },
  }
}

/** The network that a link with this address at our end goes over, as far as the system tells: on Linux with its router. Undefined when
 *  no interface has the address. */
export function networkOf(localAddress: string | undefined, table = readOrNothing(routes)): NetworkFacts | undefined {
  const address = localAddress?.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '')
  const name = Object.entries(networkInterfaces()).find(([, ways]) => ways?.some((way) => way.address === address))?.[0]
  if (address === undefined || name === undefined) return undefined
  const gateway = gatewayOf(table, name)
  return { address, interface: name, ...(gateway === undefined ? {} : { gateway }) }
}

/** The router of the default route over an interface, from /proc/net/route: addresses are hexadecimal, the last byte first. */
export function gatewayOf(table: string, name: string): string | undefined {
  const rows = table.split('\n').map((row) => row.split('\t'))
  const gateway = rows.find((row) => row[0] === name && row[1] === '00000000' && row[2] !== '00000000')?.[2]
  return gateway
    ?.match(/../g)
    ?.map((byte) => Number.parseInt(byte, 16))
    .reverse()
    .join('.')
}

/** A machine with a mains adapter that is not plugged in. False where nothing is known, as on machines without a battery. */
export function isOnBattery(directory = powerSupplies): boolean {
  const mains = supplies(directory).filter((supply) => readOrNothing(join(supply, 'type')).trim() === 'Mains')
  return mains.length > 0 && mains.every((supply) => readOrNothing(join(supply, 'online')).trim() === '0')
}

function supplies(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name))
  } catch {
    return []
  }
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
