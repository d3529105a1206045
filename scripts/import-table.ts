import path from 'node:path'

/** Who may import whom. The first layer whose directory holds a file decides; an import of npm packages or node:* is
 *  allowed unless `pure`. Biome cannot resolve relative paths, so this table is checked here. */
interface Layer {
  readonly directory: string
  readonly mayImport: readonly string[]
  readonly pure?: true
}

const common = 'packages/common/src'
const core = `${common}/core`
const sim = `${common}/sim`
/** What tests share; `common` may be used by all of them, a package's own by its tests and by `test/`. */
const testings = [
  `${common}/testing`,
  'packages/coordinator/src/store/testing',
  'packages/coordinator/src/nats/testing',
]

const layers: readonly Layer[] = [
  { directory: core, mayImport: [core], pure: true },
  { directory: sim, mayImport: [sim, core], pure: true },
  { directory: common, mayImport: [common] },
  { directory: 'packages/agent/src', mayImport: ['packages/agent/src', common] },
  { directory: 'packages/coordinator/src', mayImport: ['packages/coordinator/src', common] },
]

export interface SourceFile {
  /** Relative to the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** One line per import that the table forbids, in the order of the files. */
export function findForbiddenImports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => importsOf(file.text).flatMap((specifier) => judge(file.path, specifier) ?? []))
}

function judge(file: string, specifier: string): string | undefined {
  const layer = layers.find(({ directory }) => isInside(file, directory))
  if (!layer) return undefined
  const isTest = file.endsWith('.test.ts')
  const target = resolve(file, specifier)
  if (target === undefined) {
    return layer.pure && !isTest ? `${file}: '${specifier}': ${layer.directory} imports no packages` : undefined
  }
  const testing = testings.find((directory) => isInside(target, directory))
  const isTestCode = isTest || testings.some((directory) => isInside(file, directory))
  if (testing !== undefined && !isTestCode) return `${file}: '${specifier}': only tests import ${testing}`
  if (testing === testings[0]) return undefined
  if (layer.mayImport.some((directory) => isInside(target, directory))) return undefined
  return `${file}: '${specifier}': ${layer.directory} imports only ${layer.mayImport.join(', ')}`
}

/** The source file or directory an import leads to, or undefined for npm packages and node:*. */
function resolve(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return path.posix.join(path.posix.dirname(file), specifier)
  const own = /^@spansync\/([^/]+)\/?(.*)$/.exec(specifier)
  return own ? path.posix.join('packages', own[1] ?? '', 'src', own[2] ?? '') : undefined
}

function isInside(file: string, directory: string): boolean {
  return file === directory || file.startsWith(`${directory}/`)
}

/** Static, dynamic and type imports and re-exports. Text that merely looks like one, in a comment, is taken for one. */
function importsOf(text: string): string[] {
  const forms =
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)|^\s*import\s*['"]([^'"]+)|\bimport\(\s*['"]([^'"]+)/gm
  return [...text.matchAll(forms)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}
