import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** laptop and desktop are linked with server only, so what one of them writes reaches the other through server. */
export const nodeNames = ['server', 'laptop', 'desktop'] as const
export type NodeName = (typeof nodeNames)[number]

export const folderId = 'documents'

const repository = fileURLToPath(new URL('../../', import.meta.url))

type ProgramName = 'spansync' | 'spansync-coordinator'

/** What a person types, too. */
export function program(name: ProgramName): string {
  return join(repository, 'node_modules/.bin', name)
}

/** Where everything of a demonstration lies. */
export class DemoPlaces {
  readonly root: string

  constructor(root = join(repository, 'demo')) {
    this.root = root
  }

  /** Ours, with all that can be made anew. */
  get homes(): string {
    return join(this.root, '.homes')
  }

  home(name: NodeName): string {
    return join(this.homes, name)
  }

  log(name: NodeName): string {
    return join(this.homes, `${name}.log`)
  }

  /** What `nodes add` made for the agent. */
  credentials(name: NodeName): string {
    return join(this.homes, `${name}.creds`)
  }

  get coordinatorHome(): string {
    return join(this.homes, 'coordinator')
  }

  get coordinatorLog(): string {
    return join(this.homes, 'coordinator.log')
  }

  /** The user's. */
  documents(name: NodeName): string {
    return join(this.root, name, folderId)
  }
}

/** npm says where it was called; the program itself always runs in the repository. */
export function callersDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return (env.npm_lifecycle_event === 'start' ? env.INIT_CWD : undefined) ?? process.cwd()
}

/** As one would type it in a shell where the demonstration was started. */
export function typed(path: string, from = callersDirectory()): string {
  const near = relative(from, path) || '.'
  const short = near.length < path.length ? near : path
  return /^[\w@%+=:,./-]+$/.test(short) ? short : `'${short.replaceAll("'", `'\\''`)}'`
}

/** The command in that shell. */
export function typedProgram(name: ProgramName, from = callersDirectory()): string {
  const path = typed(program(name), from)
  return /^[./']/.test(path) ? path : `./${path}`
}
