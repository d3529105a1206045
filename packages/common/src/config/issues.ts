import type { z } from 'zod'
import { nearest } from './nearest.ts'
import { knownKeys } from './schema-walk.ts'

/** A problem before it has a place in a file: `at` says whether the key or its value is to blame. */
export interface Finding {
  readonly path: readonly PropertyKey[]
  readonly at: 'key' | 'value'
  readonly message: string
  readonly suggestion?: string | undefined
}

/** What zod has found, in words for the person who wrote the file. */
export function findingsOf(schema: z.core.$ZodType, issues: readonly z.core.$ZodIssue[], raw: unknown): Finding[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(schema, issue.path, key))
    return [findingOf(issue, raw)]
  })
}

function unknownKey(schema: z.core.$ZodType, parent: readonly PropertyKey[], key: string): Finding {
  const path = [...parent, key]
  return { path, at: 'key', message: `unknown key ${quote(path)}`, suggestion: nearest(key, knownKeys(schema, parent)) }
}

function findingOf(issue: z.core.$ZodIssue, raw: unknown): Finding {
  const { path } = issue
  const value = valueAt(raw, path)
  const subject = path.length === 0 ? 'the file' : quote(path)
  if (issue.code === 'invalid_key') {
    return { path, at: 'key', message: `${subject}: ${issue.issues[0]?.message ?? 'not a valid name'}` }
  }
  if (issue.code === 'invalid_type' && value === undefined) {
    return { path, at: 'value', message: `${subject} is missing` }
  }
  if (issue.code === 'invalid_value') {
    const allowed = issue.values.map(String)
    const suggestion = typeof value === 'string' ? nearest(value, allowed) : undefined
    return {
      path,
      at: 'value',
      message: `${subject} must be one of ${allowed.join(', ')}, but is ${show(value)}`,
      suggestion,
    }
  }
  return { path, at: 'value', message: `${subject}${rule(issue, value)}` }
}

function rule(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return ` must be ${typeNames[issue.expected] ?? issue.expected}, but is ${show(value)}`
    case 'too_small':
      return ` must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}, but is ${show(value)}`
    case 'too_big':
      return ` must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}, but is ${show(value)}`
    default:
      return issue.message.startsWith('must ')
        ? ` ${issue.message}, but is ${show(value)}`
        : ` is ${show(value)}: ${issue.message}`
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of names and values',
}

/** A key path as people write it: `folders.docs.path`, `folders.docs.with[1]`. */
export function quote(path: readonly PropertyKey[]): string {
  return `\`${joinPath(path)}\``
}

export function joinPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
}

function show(value: unknown): string {
  if (value === null || value === undefined) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'string') return `the text ${JSON.stringify(shorten(value))}`
  return typeof value === 'number' ? `the number ${value}` : String(value)
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

export function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    return (value as Record<PropertyKey, unknown>)[part]
  }, raw)
}
