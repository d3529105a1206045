import { errnoOf } from '@spansync/common/runtime/errors'

/** What disappears or may not be read while we look is none of our business. */
export function orGone<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error) ?? '')) return instead
    throw error
  }
}
