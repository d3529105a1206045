/** The part of the DOT language that network graphs need: (di)graphs, attribute lists and defaults, edge chains, groups in braces,
 *  quoted names and comments. No HTML names and no ports. */

export type Attributes = Readonly<Record<string, string>>

export interface DotEdge {
  readonly from: string
  readonly to: string
  readonly attributes: Attributes
}

export interface DotGraph {
  readonly name: string
  readonly directed: boolean
  readonly nodes: ReadonlyMap<string, Attributes>
  readonly edges: readonly DotEdge[]
}

export class DotError extends Error {
  override readonly name = 'DotError'
}

interface Token {
  readonly text: string
  readonly quoted: boolean
  readonly line: number
}

/** What a pair of braces may change without its surroundings noticing. */
interface Scope {
  node: Attributes
  edge: Attributes
}

const lexeme =
  /\/\/.*|#.*|\/\*[\s\S]*?\*\/|"((?:[^"\\]|\\[\s\S])*)"|--|->|[{}[\]=;,]|[\w.\u0080-\uffff]+|-[\d.]+|\s+|[\s\S]/gy

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  for (const match of text.matchAll(lexeme)) {
    const found = match[0]
    if (!/^(\s|\/\/|#|\/\*)/.test(found)) {
      if (!/^("|--|->|[{}[\]=;,]|[\w.\u0080-\uffff]|-[\d.])/.test(found) || found === '"') {
        throw new DotError(`line ${line}: cannot read ${JSON.stringify(found)}`)
      }
      const quoted = match[1] !== undefined
      tokens.push({ text: quoted ? (match[1] ?? '').replaceAll('\\"', '"') : found, quoted, line })
    }
    line += found.split('\n').length - 1
  }
  return tokens
}

class Parser {
  private position = 0
  private directed = false
  private readonly nodes = new Map<string, Attributes>()
  private readonly edges: DotEdge[] = []
  private readonly tokens: readonly Token[]

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens
  }

  graph(): DotGraph {
    this.take('strict')
    this.directed = this.take('digraph')
    if (!this.directed) this.expect('graph')
    const name = this.is('{') ? '' : this.identifier()
    this.expect('{')
    this.statements({ node: {}, edge: {} })
    if (this.position < this.tokens.length) this.fail('the end of the file')
    return { name, directed: this.directed, nodes: this.nodes, edges: this.edges }
  }

  /** Reads up to the closing brace; answers the nodes named inside, which is what a group stands for in an edge. */
  private statements(scope: Scope): string[] {
    const named = new Set<string>()
    while (!this.take('}')) {
      if (this.take(';')) continue
      for (const node of this.statement(scope)) named.add(node)
    }
    return [...named]
  }

  private statement(scope: Scope): string[] {
    if (this.take('graph')) {
      this.attributes()
      return []
    }
    if (this.take('node')) {
      scope.node = { ...scope.node, ...this.attributes() }
      return []
    }
    if (this.take('edge')) {
      scope.edge = { ...scope.edge, ...this.attributes() }
      return []
    }
    if (this.tokens[this.position + 1]?.text === '=' && !this.is('{')) {
      this.identifier()
      this.expect('=')
      this.identifier()
      return []
    }
    return this.chain(scope)
  }

  private chain(scope: Scope): string[] {
    const stops = [this.stop(scope)]
    const arrow = this.directed ? '->' : '--'
    while (this.take(arrow)) stops.push(this.stop(scope))
    const attributes = this.attributes()
    if (stops.length === 1) {
      for (const node of stops[0] ?? []) this.nodes.set(node, { ...this.nodes.get(node), ...attributes })
    }
    for (const [index, from] of stops.slice(0, -1).entries()) {
      for (const a of from) {
        for (const b of stops[index + 1] ?? []) {
          this.edges.push({ from: a, to: b, attributes: { ...scope.edge, ...attributes } })
        }
      }
    }
    return stops.flat()
  }

  private stop(scope: Scope): string[] {
    if (this.take('subgraph') && !this.is('{')) this.identifier()
    if (this.take('{')) return this.statements({ ...scope })
    const name = this.identifier()
    if (!this.nodes.has(name)) this.nodes.set(name, scope.node)
    return [name]
  }

  private attributes(): Attributes {
    const found: Record<string, string> = {}
    while (this.take('[')) {
      while (!this.take(']')) {
        const key = this.identifier()
        found[key] = this.take('=') ? this.identifier() : 'true'
        if (!this.take(',')) this.take(';')
      }
    }
    return found
  }

  private is(text: string): boolean {
    const token = this.tokens[this.position]
    return token !== undefined && !token.quoted && token.text === text
  }

  private take(text: string): boolean {
    if (!this.is(text)) return false
    this.position += 1
    return true
  }

  private expect(text: string): void {
    if (!this.take(text)) this.fail(JSON.stringify(text))
  }

  private identifier(): string {
    const token = this.tokens[this.position]
    if (token === undefined || (!token.quoted && !/^[\w.\u0080-\uffff-]/.test(token.text)) || this.is('--')) {
      return this.fail('a name')
    }
    this.position += 1
    return token.text
  }

  private fail(wanted: string): never {
    const token = this.tokens[this.position]
    const seen = token === undefined ? 'the end of the file' : JSON.stringify(token.text)
    throw new DotError(`line ${token?.line ?? this.tokens.at(-1)?.line ?? 1}: expected ${wanted}, found ${seen}`)
  }
}

/** Throws DotError with the line number. */
export function parseDot(text: string): DotGraph {
  return new Parser(tokenize(text)).graph()
}
