import { ancestors } from '../core/causal/paths.ts'
import type { RelativePath } from '../core/causal/types.ts'
import type { Audit } from './audit.ts'
import type { Random } from './random.ts'
import type { SimAgent } from './sim-agent.ts'

/** What people and programs do to files on one agent. */
export class User {
  /** Paths that a watcher would report. */
  readonly touched: RelativePath[] = []
  readonly #agent: SimAgent
  readonly #audit: Audit
  readonly random: Random

  constructor({ agent, audit, random }: { agent: SimAgent; audit: Audit; random: Random }) {
    this.#agent = agent
    this.#audit = audit
    this.random = random
  }

  write(path: RelativePath, hash: string): void {
    const { disk } = this.#agent
    if (disk.state(path)) this.remove(path)
    this.#clearParents(path)
    const kind = this.random.chance(0.1) ? 'symlink' : 'file'
    const mode = kind === 'symlink' ? 0 : this.random.chance(0.2) ? 0o755 : 0o644
    const nowUs = this.#agent.nowUs()
    // Half of the programs write beside it and rename, which moves the time of the inode's change only.
    const ctimeUs = nowUs + (this.random.chance(0.5) ? 4000 : 0)
    disk.put({ path, kind, hash, mode, mtimeUs: nowUs, ctimeUs })
    this.#audit.written(path, hash)
    this.touched.push(path)
  }

  remove(path: RelativePath): void {
    const { disk, index } = this.#agent
    for (const gone of [...disk.below(path), path]) {
      const state = disk.state(gone)
      if (state) this.#audit.replaced(gone, state.hash, index.get(gone)?.hash !== state.hash)
      this.touched.push(gone)
    }
    disk.remove(path)
  }

  makeDirectory(path: RelativePath): void {
    const { disk } = this.#agent
    if (disk.state(path)?.kind === 'dir') return
    if (disk.state(path)) this.remove(path)
    this.#clearParents(path)
    disk.put({ path, kind: 'dir', hash: '', mode: 0o755, mtimeUs: 0, ctimeUs: this.#agent.nowUs() })
    this.touched.push(path)
  }

  rename(from: RelativePath, to: RelativePath): void {
    const { disk } = this.#agent
    const state = disk.state(from)
    if (!state || state.kind === 'dir' || to.startsWith(`${from}/`) || from.startsWith(`${to}/`)) return
    this.remove(from)
    if (disk.state(to)) this.remove(to)
    this.#clearParents(to)
    const { kind, hash, mode, mtimeUs } = state
    disk.put({ path: to, kind, hash, mode, mtimeUs, ctimeUs: this.#agent.nowUs() })
    this.#audit.written(to, hash)
    this.touched.push(to)
  }

  changeMode(path: RelativePath, mode: number): void {
    if (this.#agent.disk.state(path)?.kind !== 'file') return
    this.#agent.disk.chmod(path, mode, this.#agent.nowUs())
    this.touched.push(path)
  }

  /** The same bytes written again: nothing that another machine would have to hear of. */
  touch(path: RelativePath): void {
    const { disk } = this.#agent
    const state = disk.state(path)
    if (!state || state.kind === 'dir') return
    const nowUs = this.#agent.nowUs()
    disk.put({ path, kind: state.kind, hash: state.hash, mode: state.mode, mtimeUs: nowUs, ctimeUs: nowUs })
    this.touched.push(path)
  }

  #clearParents(path: RelativePath): void {
    const { disk } = this.#agent
    for (const parent of ancestors(path).reverse()) {
      const state = disk.state(parent)
      if (state && state.kind !== 'dir') this.remove(parent)
      this.touched.push(parent)
    }
    disk.makeParents(path, this.#agent.nowUs())
  }
}
