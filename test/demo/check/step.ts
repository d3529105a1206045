import type { NodeName } from '../places.ts'
import type { Stage } from './stage.ts'

export interface Step {
  readonly name: string
  readonly by: NodeName
  /** Changes something. Answers when the clock starts (performance.now()), unless that is before it was called. */
  readonly act: (stage: Stage) => undefined | number | Promise<undefined | number>
  /** What else must be true when all replicas are equal; throws when it is not. Not in the time. */
  readonly after?: (stage: Stage) => Promise<unknown>
}

/** A step whose clock starts when it begins. */
export function step(name: string, by: NodeName, act: (stage: Stage) => unknown): Step {
  return {
    name,
    by,
    act: async (stage) => {
      await act(stage)
      return undefined
    },
  }
}
