import { z } from 'zod'
import { parseBytes, parseDuration, parseThroughput } from './units.ts'
import { namePattern, nameRule } from './values.ts'

// What several parts of a configuration are made of.

export const name = z.string().regex(namePattern, `must be ${nameRule}`)

type Rule = string | ((text: string) => string)

/** Text that `parse` understands; `rule` says what it should have been. */
export function parsed<T>(parse: (text: string) => T | undefined, rule: Rule) {
  return z.string().transform((text, context): T => read({ text, parse, rule, context }) ?? z.NEVER)
}

/** One such text, or a list of them. Answers a list. */
export function oneOrMore<T>(parse: (text: string) => T | undefined, rule: Rule) {
  return z
    .union([z.string(), z.array(z.string()).min(1)], 'must be a text or a list of texts')
    .transform((value, context): T[] => {
      if (typeof value === 'string') return [read({ text: value, parse, rule, context }) ?? z.NEVER]
      return value.map((text, at) => read({ text, parse, rule, context, path: [at] }) ?? z.NEVER)
    })
}

interface Reading<T> {
  readonly text: string
  readonly parse: (text: string) => T | undefined
  readonly rule: Rule
  readonly context: z.RefinementCtx
  readonly path?: PropertyKey[]
}

function read<T>({ text, parse, rule, context, path = [] }: Reading<T>): T | undefined {
  const value = parse(text)
  if (value === undefined) {
    context.addIssue({ code: 'custom', path, message: typeof rule === 'string' ? rule : rule(text) })
  }
  return value
}

export const bytes = parsed(parseBytes, 'must be a size such as 500MB or 10GiB')
export const duration = parsed(parseDuration, 'must be a time such as 500ms, 30s, 10m or 2h')
export const throughput = parsed(parseThroughput, 'must be a rate such as 10mbit or 1.2MB/s')
