const decimal: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 }
const binary: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }
const durationsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `10GiB`, `500 MB`, `1024`: bytes; undefined when it is not a size. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)(b?)$/i.exec(text.trim())
  if (match === null) return undefined
  const [, amount = '', prefix = '', marksBinary = ''] = match
  const unit = (marksBinary === '' ? decimal : binary)[prefix.toLowerCase()]
  if (unit === undefined || (marksBinary !== '' && prefix === '')) return undefined
  return safe(Math.round(Number(amount) * unit))
}

/** `10mbit` (also `10mbit/s`, `10Mbps`) counts bits, `1.2MB/s` bytes. Answers bytes per second; undefined when it is neither. */
export function parseThroughput(text: string): number | undefined {
  const bits = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:bits?(?:\/s)?|bps)$/i.exec(text.trim())
  if (bits !== null) return positive((Number(bits[1]) * (decimal[(bits[2] ?? '').toLowerCase()] ?? 1)) / 8)
  const bytes = /^(.*b)\/s$/i.exec(text.trim())
  const amount = bytes === null ? undefined : parseBytes(bytes[1] ?? '')
  return amount === undefined ? undefined : positive(amount)
}

/** `20ms`, `1.5s`, `10m`, `2h`, `1d`: milliseconds; undefined without a unit. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)$/i.exec(text.trim())
  if (match === null) return undefined
  return safe(Number(match[1]) * (durationsMs[(match[2] ?? '').toLowerCase()] ?? Number.NaN))
}

function safe(value: number): number | undefined {
  return Number.isFinite(value) && value <= Number.MAX_SAFE_INTEGER ? value : undefined
}

function positive(value: number): number | undefined {
  return value > 0 ? safe(value) : undefined
}
