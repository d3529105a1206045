import type { IgnoreProblem } from './ignore.ts'

/** One step of a pattern.
 *  - `text`: these characters · `one`: any character but '/' · `many`: any run of them
 *  - `class`: one of the listed characters; negated: one character that is not listed and not '/'
 *  - `leading`: nothing, or any directories with their slash · `between`: a slash, or any directories between two slashes
 *  - `below`: a slash and anything after it */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'one' | 'many' | 'leading' | 'between' | 'below' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly characters: readonly string[] }

export interface ParsedPattern {
  /** Matched against the whole path; else against each name in it. */
  readonly anchored: boolean
  readonly pieces: readonly Piece[]
}

export function parsePattern(pattern: string): ParsedPattern | IgnoreProblem {
  const refused = refuse(pattern)
  if (refused !== undefined) return refused
  const body = pattern.replace(/^\//, '').replace(/(^|[^\\])\/$/, '$1')
  if (body === '') return problem(pattern, 'empty', 'it names nothing', 'leave it out, or give a name')
  const tokens = tokenise(body)
  if (typeof tokens === 'string') return problemOf(pattern, tokens)
  const anchored = pattern.startsWith('/') || tokens.includes('/')
  const pieces = assemble(tokens)
  // `**/name` is any depth, which is what a name without a slash means already.
  if (pieces[0]?.kind === 'leading' && !hasSlash(pieces.slice(1))) return { anchored: false, pieces: pieces.slice(1) }
  return { anchored, pieces }
}

type Token = '/' | '**' | Piece

function refuse(pattern: string): IgnoreProblem | undefined {
  if (pattern.includes('\0')) return problem(pattern, 'nul', 'no name can hold a NUL', 'remove it')
  if (pattern.startsWith('!')) {
    return problem(
      pattern,
      'negation',
      'exceptions (a leading !) are not supported',
      'write narrower patterns, or \\! when the name really begins with an exclamation mark',
    )
  }
  const parts = pattern.split('/')
  if (parts.includes('..') || parts.includes('.')) {
    return problem(
      pattern,
      'parent_reference',
      'a part is . or ..',
      "write the path from the folder's root, such as /docs/old",
    )
  }
  return undefined
}

function problemOf(pattern: string, code: 'bad_class' | 'dangling_escape'): IgnoreProblem {
  if (code === 'dangling_escape') {
    return problem(pattern, code, 'it ends in a backslash', 'write \\\\ for a backslash in the name')
  }
  return problem(
    pattern,
    code,
    'the part in [ ] is not closed, is empty, holds a slash, or has a range or exception outside ASCII',
    'write something like [a-z], [!0-9] or [äö], or \\[ for a bracket in the name',
  )
}

function problem(pattern: string, code: IgnoreProblem['code'], message: string, remedy: string): IgnoreProblem {
  return { pattern, code, message: `ignore pattern ${JSON.stringify(pattern)}: ${message}`, remedy }
}

function tokenise(body: string): Token[] | 'bad_class' | 'dangling_escape' {
  const characters = [...body]
  const tokens: Token[] = []
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string
    if (character === '\\') {
      const next = characters[++at]
      if (next === undefined) return 'dangling_escape'
      tokens.push(next === '/' ? '/' : { kind: 'text', text: next })
    } else if (character === '[') {
      const found = readClass(characters, at)
      if (found === undefined) return 'bad_class'
      tokens.push(found.piece)
      at = found.end
    } else if (character === '*') {
      const start = at
      while (characters[at + 1] === '*') at++
      const alone = isEdge(characters[start - 1]) && isEdge(characters[at + 1])
      tokens.push(at > start && alone ? '**' : { kind: 'many' })
    } else if (character === '?') tokens.push({ kind: 'one' })
    else tokens.push(character === '/' ? '/' : { kind: 'text', text: character })
  }
  return tokens
}

function isEdge(character: string | undefined): boolean {
  return character === undefined || character === '/'
}

function readClass(characters: readonly string[], open: number): { piece: Piece; end: number } | undefined {
  let at = open + 1
  const negated = characters[at] === '!' || characters[at] === '^'
  if (negated) at++
  const listed = new Set<string>()
  for (let first = true; first || characters[at] !== ']'; first = false) {
    const from = readMember(characters, at)
    if (from === undefined) return undefined
    at = from.next
    if (characters[at] !== '-' || characters[at + 1] === ']') {
      listed.add(from.character)
      continue
    }
    const to = readMember(characters, at + 1)
    if (to === undefined || !addRange(listed, from.character, to.character)) return undefined
    at = to.next
  }
  const members = [...listed]
  if (members.includes('/')) return undefined
  if (negated && members.some((member) => member > '\x7f')) return undefined
  return { piece: { kind: 'class', negated, characters: members }, end: at }
}

function readMember(characters: readonly string[], at: number): { character: string; next: number } | undefined {
  const escaped = characters[at] === '\\'
  const character = characters[escaped ? at + 1 : at]
  return character === undefined ? undefined : { character, next: at + (escaped ? 2 : 1) }
}

/** False when the range is the wrong way round or leaves ASCII. */
function addRange(listed: Set<string>, from: string, to: string): boolean {
  const [low, high] = [from.codePointAt(0) as number, to.codePointAt(0) as number]
  if (low > high || high > 0x7f) return false
  for (let code = low; code <= high; code++) if (code !== 0x2f) listed.add(String.fromCharCode(code))
  return true
}

/** Joins the text and gives each `**` its meaning from where it stands. */
function assemble(tokens: readonly Token[]): Piece[] {
  const pieces: Piece[] = []
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (token === '**') {
      // Alone it is everything; in front it takes its slash with it.
      pieces.push({ kind: tokens.length === 1 ? 'many' : 'leading' })
      at++
    } else if (token === '/' && tokens[at + 1] === '**') {
      const last = at + 2 >= tokens.length
      pieces.push({ kind: last ? 'below' : 'between' })
      at += last ? 1 : 2
    } else pushText(pieces, token === '/' ? { kind: 'text', text: '/' } : token)
  }
  return pieces
}

function pushText(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1)
  if (piece.kind === 'text' && last?.kind === 'text')
    pieces[pieces.length - 1] = { kind: 'text', text: last.text + piece.text }
  else pieces.push(piece)
}

function hasSlash(pieces: readonly Piece[]): boolean {
  return pieces.some(
    (piece) =>
      (piece.kind === 'text' && piece.text.includes('/')) || piece.kind === 'between' || piece.kind === 'below',
  )
}
