import { describe, expect, test } from 'vitest'
import { exitCodes, SpansyncError, toSpansyncError, UsageError } from './errors.ts'

class PortTaken extends SpansyncError {
  constructor(cause: unknown) {
    super({ code: 'port_taken', message: 'port 1 is in use', remedy: 'choose another', retryable: true, cause })
  }
}

test('an error carries its code, remedy, cause and exit code', () => {
  const cause = new Error('EADDRINUSE')
  const error = new PortTaken(cause)
  expect(error).toMatchObject({
    name: 'PortTaken',
    code: 'port_taken',
    remedy: 'choose another',
    retryable: true,
    exitCode: 1,
  })
  expect(error.cause).toBe(cause)
  expect(new UsageError('wrong', 'right').exitCode).toBe(exitCodes.usage)
  expect('cause' in new UsageError('wrong', 'right')).toBe(false)
})

describe('toSpansyncError', () => {
  test('leaves foreseen errors as they are', () => {
    const error = new PortTaken(undefined)
    expect(toSpansyncError(error)).toBe(error)
  })
  test('knows the errors of the system', () => {
    const error = toSpansyncError(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }))
    expect(error).toMatchObject({ code: 'enospc', message: 'ENOSPC: no space left' })
    expect(error.remedy).toContain('free some space')
  })
  test.each([new TypeError('x is not a function'), Object.assign(new Error('odd'), { code: 'EODD' }), 'text'])(
    'calls anything else a fault: %s',
    (thrown) => {
      expect(toSpansyncError(thrown)).toMatchObject({ code: 'unexpected', exitCode: 1, cause: thrown })
    },
  )
})
