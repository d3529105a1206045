import { stringify } from 'yaml'
import { z } from 'zod'
import { configSchema } from './schema.ts'

export interface InitialConfig {
  readonly name: string
  readonly listen: string
}

/** The first config.yaml of a node. */
export function initialConfig(initial: InitialConfig): string {
  const set = { ...initial, mode: 'auto', peers: {}, folders: {} }
  const title = '# Configuration of spansync on this machine. A running agent notices changes by itself.'
  return template({ title, shape: configSchema.shape, set })
}

export interface Template {
  /** The first line. */
  readonly title: string
  readonly shape: Readonly<Record<string, z.ZodType>>
  readonly set: Readonly<Record<string, unknown>>
}

/** A configuration file: what is set, and every other key with its help and default, ready to be uncommented. */
export function template({ title, shape, set }: Template): string {
  const parts = Object.entries(shape).map(([key, schema]) => {
    const help = `# ${schema.description ?? key}.`
    return Object.hasOwn(set, key) ? `${help}\n${stringify({ [key]: set[key] })}` : `${help}\n${commented(key, schema)}`
  })
  return [`${title}\n`, ...parts].join('\n')
}

/** One commented line per key of a section, with its help and, where it has one, its default. */
function commented(key: string, schema: z.core.$ZodType): string {
  const lines = Object.entries(fieldsOf(schema)).map(([field, fieldSchema]) => {
    const standard = defaultOf(fieldSchema)
    const value = standard === undefined ? '' : ` ${standard}`
    return `#   ${field}:${value}  # ${fieldSchema.description ?? field}\n`
  })
  return [`# ${key}:\n`, ...lines].join('')
}

function fieldsOf(schema: z.core.$ZodType): Readonly<Record<string, z.ZodType>> {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) return fieldsOf(schema.def.innerType)
  if (schema instanceof z.ZodPipe) return fieldsOf(schema.def.in)
  return schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {}
}

function defaultOf(schema: z.core.$ZodType): unknown {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ? schema.def.defaultValue : undefined
}
