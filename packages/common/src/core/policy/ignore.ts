import { parsePattern } from './ignore-pattern.ts'
import { toJavaScript, toUnison } from './ignore-translate.ts'
import { toBytes } from './utf8.ts'

/** Names that programs make only for a while, or that mean nothing on another machine. A user may switch these off. */
export const defaultIgnorePatterns: readonly string[] = [
  '*~',
  '.*.sw?',
  '.~lock.*#',
  '~$*',
  '.DS_Store',
  'Thumbs.db',
  'desktop.ini',
  '*.tmp',
  '*.part',
  '*.crdownload',
  '.#*',
  '#*#',
  '.goutputstream-*',
  '.fuse_hidden*',
  '.nfs*',
]

/** Always ignored: our own marker, and the temporary files of Unison and of our own file operations. */
export const reservedIgnorePatterns: readonly string[] = ['/.spansync', '.unison.*']

export type IgnoreMatcher = {
  /** Is the path (relative to the root, '/' between parts) ignored, by itself or through a directory above it? */
  readonly matches: (path: string) => boolean
  /** The same for a caller that walks down and knows that nothing above is ignored. `path` ends in `name`. */
  readonly matchesEntry: (path: string, name: string) => boolean
  /** For the command line of Unison: '-ignore', 'Regex …', once per pattern. */
  readonly unisonArguments: readonly string[]
  /** What it was made of; `compileIgnore(patterns)` in another thread gives an equal matcher. */
  readonly patterns: readonly string[]
}

/** A pattern that cannot be used. Data, not an exception: the shell decides how to say it. */
export interface IgnoreProblem {
  readonly pattern: string
  readonly code: 'empty' | 'negation' | 'parent_reference' | 'bad_class' | 'dangling_escape' | 'nul'
  readonly message: string
  readonly remedy: string
}

/** Compiles gitignore-like patterns: `name` and `*.ext` at any depth; with a slash inside or in front, from the root only; `**`
 *  for any number of directories; `?`, `[a-z]`, `[!a-z]`; a backslash takes the next character as it is. A pattern that matches a
 *  directory ignores all below. A slash at the end is accepted and changes nothing: Unison does not tell a matcher whether a
 *  name is a directory. The reserved patterns are always added. One problem per bad pattern; the others still count.
 *
 *  The JavaScript and the Unison form are printed from one parsed pattern and both work on the bytes of the name in UTF-8, so
 *  they accept the same names. */
export function compileIgnore(patterns: readonly string[]): { matcher: IgnoreMatcher; problems: IgnoreProblem[] } {
  const problems: IgnoreProblem[] = []
  const parsed = [...new Set([...reservedIgnorePatterns, ...patterns])].flatMap((pattern) => {
    const result = parsePattern(pattern)
    if ('code' in result) problems.push(result)
    return 'code' in result ? [] : [result]
  })
  const byName = union(parsed.filter((pattern) => !pattern.anchored).map(toJavaScript))
  const byPath = union(parsed.filter((pattern) => pattern.anchored).map(toJavaScript))
  const matchesEntry = (path: string, name: string): boolean =>
    (byName?.test(toBytes(name)) ?? false) || (byPath?.test(toBytes(path)) ?? false)
  const matcher: IgnoreMatcher = {
    matchesEntry,
    matches: (path) => anyAncestor(path, matchesEntry),
    unisonArguments: parsed.flatMap((pattern) => ['-ignore', toUnison(pattern)]),
    patterns: [...patterns],
  }
  return { matcher, problems }
}

function union(sources: readonly string[]): RegExp | undefined {
  return sources.length === 0 ? undefined : new RegExp(`^(?:${sources.join('|')})$`, 's')
}

function anyAncestor(path: string, matchesEntry: (path: string, name: string) => boolean): boolean {
  for (let start = 0, end = 0; end < path.length; start = end + 1) {
    end = path.indexOf('/', start)
    if (end < 0) end = path.length
    if (matchesEntry(end === path.length ? path : path.slice(0, end), path.slice(start, end))) return true
  }
  return false
}
