import { errnoOf, messageOf } from '@spansync/common/runtime/errors'
import type { TaskFailure, TaskResult } from './tasks.ts'

/** Ends a task. Only `perform` catches it. */
export class TaskError extends Error {
  readonly code: TaskFailure

  constructor(code: TaskFailure, message: string) {
    super(message)
    this.code = code
  }
}

const codes: Readonly<Record<string, TaskFailure>> = {
  ENOSPC: 'no_space',
  EDQUOT: 'no_space',
  EFBIG: 'no_space',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENAMETOOLONG: 'name_not_possible',
  EILSEQ: 'name_not_possible',
  EINVAL: 'name_not_possible',
  ENOENT: 'gone',
  ENOTDIR: 'gone',
  ENOTEMPTY: 'not_empty',
  EEXIST: 'changed',
}

export function failureOf(error: unknown): TaskResult {
  if (error instanceof TaskError) return { code: error.code, message: error.message }
  const code = codes[errnoOf(error) ?? '']
  return { code: code ?? 'failed', message: messageOf(error) }
}
