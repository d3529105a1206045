import { isWithin, parseAddress, parseCidr } from './address.ts'

/** The local network that a link goes over, as far as the system tells. */
export interface NetworkFacts {
  /** Of this machine's end. */
  readonly address?: string
  readonly interface?: string
  /** Address of the router. */
  readonly gateway?: string
  readonly ssid?: string
  /** Why the name of the Wi-Fi could not be found out, and what a person can do. */
  readonly ssidUnknown?: { readonly message: string; readonly remedy: string }
}

/** A network that is allowed: all that is given must hold, so with nothing given it is any that is known. */
export interface NetworkRule {
  /** One address, or a CIDR. */
  readonly gateway?: string | undefined
  /** Where this machine's address must be. */
  readonly cidr?: string | undefined
  /** Its name; `*` stands for any ending. */
  readonly interface?: string | undefined
  readonly ssid?: string | undefined
}

export function isOnOneOf(rules: readonly NetworkRule[], network: NetworkFacts | undefined): boolean {
  return network !== undefined && rules.some((rule) => isOn(rule, network))
}

/** For people: `SSID Work`, `10.0.0.0/8 on eth*`. */
export function describeNetwork({ gateway, cidr, interface: name, ssid }: NetworkRule): string {
  const parts = [
    ssid === undefined ? [] : [`SSID ${ssid}`],
    cidr === undefined ? [] : [cidr],
    gateway === undefined ? [] : [`gateway ${gateway}`],
    name === undefined ? [] : [`interface ${name}`],
  ]
  return parts.flat().join(' with ') || 'any network'
}

function isOn(rule: NetworkRule, network: NetworkFacts): boolean {
  if (rule.ssid !== undefined && rule.ssid !== network.ssid) return false
  if (rule.interface !== undefined && !isNamed(rule.interface, network.interface)) return false
  if (rule.gateway !== undefined && !isInside(rule.gateway, network.gateway)) return false
  return rule.cidr === undefined || isInside(rule.cidr, network.address)
}

function isNamed(pattern: string, name: string | undefined): boolean {
  if (name === undefined) return false
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

function isInside(range: string, address: string | undefined): boolean {
  const cidr = parseCidr(range)
  const bytes = address === undefined ? undefined : parseAddress(address)
  return cidr !== undefined && bytes !== undefined && isWithin(cidr, bytes)
}
