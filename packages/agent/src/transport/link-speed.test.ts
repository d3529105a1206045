import { describe, expect, it } from 'vitest'
import { LinkSpeed, PathSpeed } from './link-speed.ts'

const onPath = (): PathSpeed => new PathSpeed()

/** So many MB/s for some seconds; the sender waits for the socket all the time, or never. */
function send(speed: PathSpeed, megabytes: number, { held, from = 0 }: { held: boolean; from?: number }): void {
  for (let now = from; now < from + 5000; now += 10) {
    speed.moved('up', megabytes * 10_000, now)
    if (held) speed.waited(9)
  }
}

describe('LinkSpeed', () => {
  it('is new until it was tried, or something has flowed', () => {
    const tried = onPath()
    expect(tried.isNew).toBe(true)
    tried.tried()
    expect(tried.isNew).toBe(false)
    const used = onPath()
    send(used, 1, { held: false })
    expect(used.isNew).toBe(false)
  })

  it('goes by the trains until a flow shows more', () => {
    const speed = onPath()
    speed.probed(5e6)
    expect(speed.throughput).toEqual({ bytesPerSecond: 5e6, probed: true })
    send(speed, 1, { held: false })
    expect(speed.throughput).toEqual({ bytesPerSecond: 5e6, probed: true })
    send(speed, 20, { held: false, from: 10_000 })
    expect(speed.throughput?.probed).toBe(false)
    expect(speed.throughput?.bytesPerSecond).toBeGreaterThan(15e6)
  })

  it('believes a flow that only the link holds up, also when it is slower', () => {
    const speed = onPath()
    speed.probed(5e6)
    send(speed, 1, { held: true })
    expect(speed.throughput?.probed).toBe(false)
    expect(speed.throughput?.bytesPerSecond).toBeCloseTo(1e6, -5)
  })

  it('keeps the figures of each path apart', () => {
    const speeds = new LinkSpeed()
    speeds.of('home').probed(1e7)
    expect(speeds.of('modem').throughput).toBeUndefined()
    expect(speeds.of('modem').isNew).toBe(true)
    expect(speeds.of('home').throughput?.bytesPerSecond).toBe(1e7)
  })

  it('forgets the path that was left longest ago', () => {
    const speeds = new LinkSpeed()
    speeds.of('first').probed(1e7)
    for (let network = 0; network < 16; network++) speeds.of(`network ${network}`)
    expect(speeds.of('first').isNew).toBe(true)
  })
})
