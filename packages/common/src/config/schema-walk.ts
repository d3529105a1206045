import { z } from 'zod'

type Schema = z.core.$ZodType

/** The schema of the value at a path, with defaults, optionals and transforms taken off; undefined for an unknown path. */
export function schemaAt(root: Schema, path: readonly PropertyKey[]): Schema | undefined {
  let schema: Schema | undefined = unwrap(root)
  for (const part of path) {
    schema = schema === undefined ? undefined : unwrap(child(schema, part))
  }
  return schema
}

/** The keys that a map at this path may have; none when they are free, as under `peers`. */
export function knownKeys(root: Schema, path: readonly PropertyKey[]): string[] {
  const schema = schemaAt(root, path)
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

function child(schema: Schema, part: PropertyKey): Schema | undefined {
  if (schema instanceof z.ZodObject) {
    return typeof part === 'string' && Object.hasOwn(schema.shape, part) ? schema.shape[part] : undefined
  }
  if (schema instanceof z.ZodRecord) return schema.def.valueType
  if (schema instanceof z.ZodArray) return schema.def.element
  return undefined
}

function unwrap(schema: Schema | undefined): Schema | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.def.innerType)
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.def.in) : schema
}
