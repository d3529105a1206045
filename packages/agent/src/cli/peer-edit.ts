import { writeAddresses } from '@spansync/common/config/addresses'
import type { ConfigEditor } from '@spansync/common/config/edit'
import { parseBytes, parseDuration, parseThroughput } from '@spansync/common/config/units'
import {
  fingerprintProblem,
  isDialable,
  namePattern,
  nameRule,
  normaliseFingerprint,
} from '@spansync/common/config/values'
import { UsageError } from '@spansync/common/runtime/errors'

export interface PeerOptions {
  readonly id: string
  readonly pricePerGb?: string
  readonly throughput?: string
  readonly latency?: string
  readonly dataCap?: string
  readonly metered?: boolean
}

/** As config.yaml has it. */
export interface PeerSettings {
  readonly id: string
  readonly addresses: readonly string[]
  readonly pricePerGb: number | undefined
  readonly throughput: string | undefined
  readonly latency: string | undefined
  readonly dataCap: string | undefined
  readonly metered: true | undefined
}

/** Checks what was given on the command line. Throws UsageError. */
export function peerSettings(name: string, addresses: readonly string[], options: PeerOptions): PeerSettings {
  require(namePattern.test(name), `\`${name}\` cannot be a name`, `use ${nameRule}`)
  for (const address of addresses) {
    const valid = isDialable(address)
    require(valid, `\`${address}\` is not host:port`, 'use for example server.lan:22070 or [2001:db8::7]:22070')
  }
  const id = normaliseFingerprint(options.id)
  if (id === undefined)
    throw new UsageError(fingerprintProblem(options.id), `run \`spansync id\` on ${name} and copy all of it`)
  const { throughput, latency, dataCap, metered } = options
  require(throughput === undefined ||
    parseThroughput(throughput) !== undefined, `\`${throughput}\` is not a rate`, 'use for example --throughput 10mbit')
  require(latency === undefined ||
    parseDuration(latency) !== undefined, `\`${latency}\` is not a time`, 'use for example --latency 20ms')
  require(dataCap === undefined ||
    parseBytes(dataCap) !== undefined, `\`${dataCap}\` is not a size`, 'use for example --data-cap 5GB')
  return {
    id,
    addresses,
    pricePerGb: price(options.pricePerGb),
    throughput,
    latency,
    dataCap,
    metered: metered === true ? true : undefined,
  }
}

function price(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = text.trim() === '' ? Number.NaN : Number(text)
  require(Number.isFinite(value) && value >= 0, `\`${text}\` is not a price`, 'use a number, such as --price-per-gb 5')
  return value
}

/** A new peer, or new settings of one that is there under the same fingerprint: what is not given stays as it was. */
export function writePeer(editor: ConfigEditor, name: string, settings: PeerSettings): 'added' | 'changed' {
  const { peers } = editor.config
  const other = Object.entries(peers).find(([node, peer]) => node !== name && peer.id === settings.id)
  if (other !== undefined) {
    throw new UsageError(
      `that fingerprint is already the peer \`${other[0]}\``,
      `remove it first: spansync peer remove ${other[0]}`,
    )
  }
  if (name === editor.config.name) {
    throw new UsageError(`\`${name}\` is the name of this machine`, 'give the peer another name')
  }
  const existing = Object.hasOwn(peers, name) ? peers[name] : undefined
  if (existing === undefined) {
    editor.set(['peers', name], settings)
    return 'added'
  }
  if (existing.id !== settings.id) {
    const remedy = `if that machine has a new identity: spansync peer remove ${name}, then add it again`
    throw new UsageError(`the peer \`${name}\` is known with another fingerprint, ${existing.id}`, remedy)
  }
  for (const [key, value] of Object.entries(settings)) {
    const given = Array.isArray(value) ? value.length > 0 : value !== undefined
    if (given && key !== 'id' && key !== 'addresses') editor.set(['peers', name, key], value)
  }
  if (settings.addresses.length > 0) writeAddresses(editor, name, settings.addresses)
  return 'changed'
}

function require(valid: boolean, message: string, remedy: string): void {
  if (!valid) throw new UsageError(message, remedy)
}
