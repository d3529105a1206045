import { describe, expect, it } from 'vitest'
import { RoundTrip, ThroughputMeter } from './measures.ts'

describe('RoundTrip', () => {
  it('follows a shorter time quickly and a longer one slowly', () => {
    const rtt = new RoundTrip()
    expect(rtt.ms).toBeUndefined()
    rtt.observe(10)
    expect(rtt.ms).toBe(10)
    rtt.observe(20)
    expect(rtt.ms).toBe(12)
    rtt.observe(2)
    expect(rtt.ms).toBe(6)
  })
})

describe('ThroughputMeter', () => {
  function flow(meter: ThroughputMeter, from: number, forMs: number, bytesPerSecond: number): number {
    for (let now = from; now < from + forMs; now += 10) meter.add(bytesPerSecond / 100, now)
    return from + forMs
  }

  it('finds the rate of a long flow', () => {
    const meter = new ThroughputMeter()
    flow(meter, 0, 10_000, 5_000_000)
    expect(meter.bytesPerSecond).toBeGreaterThan(4_900_000)
    expect(meter.bytesPerSecond).toBeLessThan(5_200_000)
  })

  it('learns nothing from trickles', () => {
    const meter = new ThroughputMeter()
    flow(meter, 0, 60_000, 20_000)
    expect(meter.bytesPerSecond).toBeUndefined()
  })

  it('believes in a slow flow only slowly', () => {
    const meter = new ThroughputMeter()
    const now = flow(meter, 0, 10_000, 10_000_000)
    flow(meter, now, 3000, 1_000_000)
    expect(meter.bytesPerSecond).toBeGreaterThan(7_000_000)
  })

  it('does not count the pauses between bursts', () => {
    const meter = new ThroughputMeter()
    for (let burst = 0; burst < 5; burst++) flow(meter, burst * 30_000, 500, 8_000_000)
    expect(meter.bytesPerSecond).toBeGreaterThan(7_000_000)
  })

  it('knows a limit only from flows that the link held up', () => {
    const meter = new ThroughputMeter()
    const now = flow(meter, 0, 5000, 1_000_000)
    expect(meter.limit).toBeUndefined()
    for (let at = now; at < now + 3000; at += 10) {
      meter.add(20_000, at)
      meter.waited(5)
    }
    expect(meter.limit).toBeCloseTo(2_000_000, -5)
  })

  it('takes no notice of what a sender hands to the buffer of the system at first', () => {
    const sender = new ThroughputMeter({ sends: true })
    // A megabyte at once into the buffer, and then as the link takes it: 250 KB/s.
    sender.add(1_000_000, 0)
    for (let at = 10; at < 5000; at += 10) {
      sender.add(2500, at)
      sender.waited(9)
    }
    expect(sender.limit).toBeCloseTo(250_000, -4)
    expect(sender.bytesPerSecond).toBeCloseTo(250_000, -4)
    const brief = new ThroughputMeter({ sends: true })
    for (let burst = 0; burst < 5; burst++) flow(brief, burst * 30_000, 500, 8_000_000)
    expect(brief.bytesPerSecond).toBeUndefined()
  })
})
