import type { ParsedPattern, Piece } from './ignore-pattern.ts'
import { toBytes } from './utf8.ts'

// Unison matches bytes with its own dialect (its source: ubase/rx.ml): the whole path must match, there is no escape inside [ ], no
// class by name and no way to write a single byte above 0x7f. Hence "one character that is not ASCII" is, in both dialects: a byte
// of the set that `[¿-U+100000]` is when read byte by byte (c2, bf to f4, 80), then one to three bytes above 0x7f.

/** For names as strings with one character per byte (see `toBytes`), to be anchored by the caller, with flag s. */
export function toJavaScript(pattern: ParsedPattern): string {
  return pattern.pieces.map(pieceToJavaScript).join('')
}

/** The value of one `-ignore` argument. It takes all below a match too, so a path named with -path is judged alike. */
export function toUnison(pattern: ParsedPattern): string {
  const body = pattern.pieces.map(pieceToUnison).join('')
  return `Regex (${pattern.anchored ? '' : '(.*/)?'}${body}(/.*)?)`
}

function pieceToJavaScript(piece: Piece): string {
  switch (piece.kind) {
    case 'text':
      return quoteForJavaScript(piece.text)
    case 'one':
      return `(?:${asciiForJavaScript(notListed([]))}|${javaScriptWide})`
    case 'class':
      if (piece.negated) return `(?:${asciiForJavaScript(notListed(piece.characters))}|${javaScriptWide})`
      return `(?:${piece.characters.map(quoteForJavaScript).join('|')})`
    default:
      return shared(piece.kind).replaceAll('(', '(?:')
  }
}

function pieceToUnison(piece: Piece): string {
  switch (piece.kind) {
    case 'text':
      return [...piece.text].map(quoteForUnison).join('')
    case 'one':
      return `(${asciiForUnison(notListed([]))}|${unisonWide})`
    case 'class':
      if (piece.negated) return `(${asciiForUnison(notListed(piece.characters))}|${unisonWide})`
      return `(${piece.characters.map(quoteForUnison).join('|')})`
    default:
      return shared(piece.kind)
  }
}

function shared(kind: 'many' | 'leading' | 'between' | 'below'): string {
  return { many: '[^/]*', leading: '(.*/)?', between: '/(.*/)?', below: '/.*' }[kind]
}

const javaScriptWide = '[\\xc2\\xbf-\\xf4\\x80][\\x80-\\xff]{1,3}'
const unisonWide = '[¿-\u{100000}][^\x01-\x7f]{1,3}'

/** ASCII codes that a negated class takes: all but the listed ones and '/'. */
function notListed(listed: readonly string[]): number[] {
  const codes = Array.from({ length: 0x7f }, (_, at) => at + 1)
  return codes.filter((code) => code !== 0x2f && !listed.includes(String.fromCharCode(code)))
}

function quoteForJavaScript(text: string): string {
  return [...toBytes(text)].map((byte) => (/[a-z0-9]/i.test(byte) ? byte : hex(byte.charCodeAt(0)))).join('')
}

function hex(code: number): string {
  return `\\x${code.toString(16).padStart(2, '0')}`
}

function asciiForJavaScript(codes: readonly number[]): string {
  return `[${codes.map(hex).join('')}]`
}

function quoteForUnison(character: string): string {
  // `->` would split the argument in two.
  if (character === '-') return '[-]'
  return '|()*+?[.^$\\{'.includes(character) ? `\\${character}` : character
}

/** Runs as `[a-z]`, but for the characters that mean something inside [ ]. */
function asciiForUnison(codes: readonly number[]): string {
  const alternatives: string[] = []
  let run: number[] = []
  const flush = (): void => {
    if (run.length > 2)
      alternatives.push(`[${String.fromCharCode(run[0] as number)}-${String.fromCharCode(run.at(-1) as number)}]`)
    else alternatives.push(...run.map((code) => quoteForUnison(String.fromCharCode(code))))
    run = []
  }
  for (const code of codes) {
    const special = '[]^-'.includes(String.fromCharCode(code))
    if (special || (run.length > 0 && code !== (run.at(-1) as number) + 1)) flush()
    if (special) alternatives.push(quoteForUnison(String.fromCharCode(code)))
    else run.push(code)
  }
  flush()
  return alternatives.join('|')
}
