/** Local time to the millisecond, which tells all versions of a file apart: `2026-11-26 14:30:05.123`. */
export function formatMoment(ms: number): string {
  const date = new Date(ms)
  const pad = (value: number, width = 2): string => String(value).padStart(width, '0')
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
  return `${day} ${time}.${pad(date.getMilliseconds(), 3)}`
}

/** Any beginning of what `formatMoment` gives, from the day on, and ISO 8601 with a zone; undefined for anything else. */
export function parseMoment(text: string): number | undefined {
  const local = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?)?$/.exec(text.trim())
  if (local === null) {
    const zoned = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*(?:Z|[+-]\d{2}:?\d{2})$/.test(text.trim())
    return zoned ? defined(Date.parse(text.trim())) : undefined
  }
  const numbers = local.slice(1, 7).map((part) => Number(part ?? 0))
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = numbers
  const date = new Date(year, month - 1, day, hours, minutes, seconds, Number((local[7] ?? '').padEnd(3, '0')))
  const isReal = date.getMonth() === month - 1 && date.getDate() === day
  return isReal ? defined(date.getTime()) : undefined
}

function defined(ms: number): number | undefined {
  return Number.isNaN(ms) ? undefined : ms
}
