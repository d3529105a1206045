import type { Replaced } from '@spansync/common/core/agent/brought'
import type { RelativePath } from '@spansync/common/core/causal/types'

/** A time in which versions can be on the disk that the index does not show: not yet, or not any more. */
export interface Span {
  add(versions: Iterable<Replaced>): void
  end(): void
}

interface Open extends Span {
  readonly begun: number
  ended: number
  readonly versions: Map<RelativePath, Replaced[]>
}

/** What the agent has read on the disk, or has brought there. A span is remembered until all that were open at its end have ended too:
 *  a session may have begun with an index that did not show what the one before had brought. */
export class SeenVersions {
  #spans: Open[] = []
  #ticks = 0
  /** What was replaced outside of any span; the latest come last. */
  readonly #recent = new Map<RelativePath, Replaced[]>()

  begin(): Span {
    const versions = new Map<RelativePath, Replaced[]>()
    const span: Open = {
      begun: ++this.#ticks,
      ended: Number.POSITIVE_INFINITY,
      versions,
      add: (seen) => {
        for (const version of seen) versions.set(version.path, [...(versions.get(version.path) ?? []), version])
      },
      end: () => {
        span.ended = ++this.#ticks
        const earliest = Math.min(...this.#spans.filter(isOpen).map(({ begun }) => begun))
        this.#spans = this.#spans.filter(({ ended }) => ended > earliest)
        this.#trim()
      },
    }
    this.#spans.push(span)
    return span
  }

  /** One that never ends, as of a peer that went away in its midst, must not hold on to all that came after it. */
  #trim(): void {
    let count = this.#spans.reduce((sum, { versions }) => sum + versions.size, 0)
    this.#spans = this.#spans.filter((span) => {
      if (count <= mostInSpans || isOpen(span)) return true
      count -= span.versions.size
      return false
    })
  }

  /** Remembered until many others have come. */
  note(version: Replaced): void {
    const { path } = version
    const before = this.#recent.get(path) ?? []
    this.#recent.delete(path)
    this.#recent.set(path, [...before.slice(-mostRecentOfPath + 1), version])
    const [oldest] = this.#recent.keys()
    if (this.#recent.size > mostRecent && oldest !== undefined) this.#recent.delete(oldest)
  }

  of(path: RelativePath): Replaced[] {
    return [...(this.#recent.get(path) ?? []), ...this.#spans.flatMap(({ versions }) => versions.get(path) ?? [])]
  }
}

const mostInSpans = 20_000
const mostRecent = 5000
const mostRecentOfPath = 5

function isOpen({ ended }: Open): boolean {
  return ended === Number.POSITIVE_INFINITY
}
