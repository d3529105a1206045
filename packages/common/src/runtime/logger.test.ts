import { expect, test } from 'vitest'
import { UsageError } from './errors.ts'
import { createLogger } from './logger.ts'

function logged(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const lines: string[] = []
  write(
    createLogger({
      level: 'debug',
      fields: { node: 'laptop' },
      destination: { write: (line) => void lines.push(line) },
    }),
  )
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('writes JSON lines with the level as a word and the time as text', () => {
  const [line] = logged((log) => log.child({ component: 'index' }).info({ event: 'index.opened', rows: 3 }, 'opened'))
  expect(line).toMatchObject({
    level: 'info',
    node: 'laptop',
    component: 'index',
    event: 'index.opened',
    rows: 3,
    msg: 'opened',
  })
  expect(line?.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
})

test('a foreseen error is logged without a stack, a fault with it', () => {
  const [foreseen, fault] = logged((log) => {
    log.warn({ err: new UsageError('wrong', 'do it right') })
    log.error({ err: new TypeError('x is not a function') })
  })
  expect(foreseen?.err).toEqual({
    type: 'UsageError',
    code: 'usage',
    message: 'wrong',
    remedy: 'do it right',
    retryable: false,
  })
  expect(fault?.err).toMatchObject({ type: 'TypeError', stack: expect.stringContaining('logger.test') })
})
