/** How often what happened, by name. */
export class Tally {
  private readonly counts = new Map<string, number>()

  add(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count)
  }

  of(name: string): number {
    return this.counts.get(name) ?? 0
  }

  include(other: Tally): void {
    for (const [name, count] of other.counts) this.add(name, count)
  }
}
