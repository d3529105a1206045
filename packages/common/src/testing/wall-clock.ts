import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'

/** With summer time in both halves of the world, half an hour of it, odd offsets, Ramadan, midnight leaps, and none at all. */
export const zonesToTry: readonly string[] = [
  'Europe/Amsterdam',
  'America/New_York',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'UTC',
]

export const quarterMs = 900_000

/** The wall's clock by a library that is independent of what is tested. */
export function zonedAt(zone: string, ms: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone)
}

/** From Monday 00:00. */
export function minuteOfWeekAt(zone: string, ms: number): number {
  const { dayOfWeek, hour, minute } = zonedAt(zone, ms)
  return (dayOfWeek - 1) * 1440 + hour * 60 + minute
}

/** Instants, half of them within three days of a leap of the zone's clocks, on whole quarters of an hour. */
export function anyInstant(zone: string): fc.Arbitrary<number> {
  const anywhere = fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2029, 0) })
  const near = leapsOf(zone).map((leap) => fc.integer({ min: leap - 3 * 86_400_000, max: leap + 86_400_000 }))
  return fc
    .oneof(anywhere, near.length === 0 ? anywhere : fc.oneof(...near))
    .map((ms) => Math.floor(ms / quarterMs) * quarterMs)
}

export function leapsOf(zone: string): number[] {
  const leaps: number[] = []
  const until = Date.UTC(2029, 0)
  let at = zonedAt(zone, Date.UTC(2024, 0)).getTimeZoneTransition('next')
  while (at && at.epochMilliseconds < until) {
    leaps.push(at.epochMilliseconds)
    at = at.getTimeZoneTransition('next')
  }
  return leaps
}
