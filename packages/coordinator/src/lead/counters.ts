/** Since this coordinator leads. */
export class Counters {
  states = 0
  reports = 0
  /** Orders. */
  sent = 0
  failed = 0
}
