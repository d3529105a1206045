import { stringify } from 'yaml'
import { z } from 'zod'
import { configSchema } from './schema.ts'

export interface InitialConfig {
  readonly name: string
  readonly listen: string
}

/** The first config.yaml: what is set, and every other key with its help and default, ready to be uncommented. */
export function initialConfig(initial: InitialConfig): string {
  const set: Readonly<Record<string, unknown>> = { ...initial, mode: 'auto', peers: {}, folders: {} }
  const parts = Object.entries(configSchema.shape).map(([key, schema]) => {
    const help = `# ${schema.description ?? key}.`
    return Object.hasOwn(set, key) ? `${help}\n${stringify({ [key]: set[key] })}` : `${help}\n${commented(key, schema)}`
  })
  return ['# Configuration of spansync on this machine. A running agent notices changes by itself.\n', ...parts].join(
    '\n',
  )
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
  return schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {}
}

function defaultOf(schema: z.core.$ZodType): unknown {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ? schema.def.defaultValue : undefined
}
