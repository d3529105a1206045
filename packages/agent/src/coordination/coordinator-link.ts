import type { Config } from '@spansync/common/config/schema'
import type { Problem } from '@spansync/common/protocol/status'

export type Answer =
  | { readonly kind: 'answer'; readonly data: Uint8Array }
  /** Nobody listens there: said at once. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'refused'; readonly reason: string }

/** The connection over which this node speaks with the coordinator. It keeps trying for ever. */
export interface CoordinatorLink extends AsyncDisposable {
  readonly connected: boolean
  /** Why it is not connected, for a person. */
  readonly problem: Problem | undefined
  /** Never rejects. */
  request(subject: string, payload: unknown, timeoutMs: number): Promise<Answer>
  /** Into the stream of reports. True when it is stored there, also when it was before. */
  publishReport(subject: string, payload: unknown, id: string): Promise<boolean>
}

export interface CoordinatorLinkEvents {
  connected(): void
  disconnected(): void
  beat(data: Uint8Array): void
  order(data: Uint8Array, respond: (answer: unknown) => void): void
}

/** Rejects when the credentials cannot be used. */
export type OpenCoordinatorLink = (
  coordinator: NonNullable<Config['coordinator']>,
  events: CoordinatorLinkEvents,
) => Promise<CoordinatorLink>
