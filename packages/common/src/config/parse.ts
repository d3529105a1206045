import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLError,
} from 'yaml'
import type { z } from 'zod'
import { type Finding, findingsOf, joinPath } from './issues.ts'
import { ConfigError, type ConfigProblem } from './problems.ts'
import { checkRelations } from './relations.ts'
import { type Config, configSchema } from './schema.ts'

export interface ConfigSource {
  /** As shown in messages. */
  readonly file: string
  readonly text: string
  /** The directory that must not overlap with a folder. */
  readonly home?: string
}

export type ParsedConfig = Parsed<Config>

export interface Parsed<T> {
  readonly config: T
  /** For edits that keep comments. */
  readonly document: Document
  readonly lineOf: LineOf
}

/** The line, from 1, of a key; of what is around it when it is not there itself. */
export type LineOf = (path: readonly PropertyKey[]) => number

/** Reads config.yaml. Throws ConfigError with every problem, in the order of the file. */
export function parseConfig(source: ConfigSource): ParsedConfig {
  return parseYaml(source, { schema: configSchema, relations: (raw) => checkRelations(raw, source.home) })
}

export interface Rules<T> {
  readonly schema: z.ZodType<T>
  /** What one part of the file says about another. */
  readonly relations?: (raw: unknown) => readonly Finding[]
}

/** A configuration file of any program, as its schema wants it. Throws ConfigError with every problem, in the order of the file. */
export function parseYaml<T>(source: ConfigSource, { schema, relations = () => [] }: Rules<T>): Parsed<T> {
  const lines = new LineCounter()
  const document = parseDocument(source.text, { lineCounter: lines })
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => syntaxProblem(source.file, error))
    throw new ConfigError(source.file, problems, document.errors[0])
  }
  const raw = withoutEmptySections(document.toJS({ maxAliasCount: 100 }) ?? {})
  const parsed = schema.safeParse(raw, { reportInput: true })
  const findings = [...(parsed.success ? [] : findingsOf(schema, parsed.error.issues, raw)), ...relations(raw)]
  if (findings.length === 0 && parsed.success) {
    const lineOf: LineOf = (path) => lines.linePos(offsetOf(document, { path, at: 'key' })).line
    return { config: freeze(parsed.data), document, lineOf }
  }
  const problems = findings.map((finding) => locate(source.file, document, lines, finding))
  throw new ConfigError(
    source.file,
    problems.sort((a, b) => a.line - b.line || a.column - b.column),
  )
}

/** `peers:` with nothing after it (all commented out, say) means the same as no such line. */
function withoutEmptySections(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return raw
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null))
}

function syntaxProblem(file: string, error: YAMLError): ConfigProblem {
  const { line, col } = error.linePos?.[0] ?? { line: 1, col: 1 }
  const [cause = ''] = error.message.split(/ at line \d+/)
  return {
    file,
    line,
    column: col,
    key: '',
    message: `not valid YAML: ${cause.charAt(0).toLowerCase()}${cause.slice(1)}`,
  }
}

function locate(file: string, document: Document, lines: LineCounter, finding: Finding): ConfigProblem {
  const { line, col } = lines.linePos(offsetOf(document, finding))
  const { message, suggestion } = finding
  const key = joinPath(finding.path)
  return {
    file,
    line: Math.max(line, 1),
    column: Math.max(col, 1),
    key,
    message,
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

/** Where the key or value is; for one that is missing, the key of the nearest map around it that exists. */
function offsetOf(document: Document, { path, at }: Pick<Finding, 'path' | 'at'>): number {
  let node: unknown = document.contents
  let offset = 0
  for (const [index, part] of path.entries()) {
    const last = index === path.length - 1
    const pair = pairOf(node, part)
    const next = pair === undefined ? child(node, part) : pair.value
    if (pair === undefined && next === undefined) return offset
    offset = startOf(pair?.key) ?? startOf(next) ?? offset
    if (last && at === 'value') offset = isCollection(next) ? offset : (startOf(next) ?? offset)
    node = next
  }
  return offset
}

function pairOf(node: unknown, part: PropertyKey): Pair | undefined {
  if (!isMap(node)) return undefined
  return node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(part))
}

function child(node: unknown, part: PropertyKey): unknown {
  return isCollection(node) && !isMap(node) ? node.get(part, true) : undefined
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) freeze(part)
  return Object.freeze(value)
}
