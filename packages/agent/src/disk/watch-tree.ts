import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { basename, join } from 'node:path'
import type { RelativePath } from '@spansync/common/core/causal/types'
import { errnoOf } from '@spansync/common/runtime/errors'
import { glance, lstat } from './stat.ts'
import type { WatchBackend, WatchSink } from './watch-backend.ts'

interface WatchNode {
  readonly name: string
  readonly parent: WatchNode | undefined
  readonly children: Map<string, WatchNode>
  handle: FSWatcher | undefined
  /** Which directory the handle is on. */
  identity: string | undefined
  /** Waits to be attached. */
  queued: boolean
  /** No longer part of the tree. */
  dropped: boolean
}

// Work on a large tree is done in pieces, so that the loop is never held up for longer.
const sliceMs = 8
// A directory that is replaced again between two looks; each replacement makes an event, which starts anew.
const mostAttempts = 5

/** One inotify watch per directory, for Linux. A watch stays on its directory whatever happens to the path, so the tree keeps, for each,
 *  which directory it is on, and compares whenever the parent reports that name. chokidar 6 does not keep that order: of 200
 *  directories that were replaced by another process, it left 2 to 24 without a watch for ever, and more in a busy process. */
export class WatchTree implements WatchBackend {
  readonly #root: string
  readonly #sink: WatchSink
  readonly #top: WatchNode
  #queue: WatchNode[] = []
  #running: Promise<void> | undefined

  constructor(root: string, sink: WatchSink) {
    this.#root = root
    this.#sink = sink
    this.#top = makeNode('', undefined)
  }

  start(): Promise<void> {
    return this.#enqueue(this.#top)
  }

  async close(): Promise<void> {
    this.#queue = []
    drop(this.#top)
    await this.#running
  }

  #enqueue(node: WatchNode): Promise<void> {
    if (!node.queued) this.#queue.push(node)
    node.queued = true
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #work(): Promise<void> {
    let sliceEnd = performance.now() + sliceMs
    for (let node = this.#queue.pop(); node !== undefined; node = this.#queue.pop()) {
      if (!node.dropped) this.#attach(node)
      if (performance.now() < sliceEnd) continue
      await new Promise((resolve) => setImmediate(resolve))
      sliceEnd = performance.now() + sliceMs
    }
  }

  /** Watches the directory that is at the node's path, and lists it after that. */
  #attach(node: WatchNode): void {
    node.queued = false
    const path = pathOf(node)
    const full = join(this.#root, path)
    try {
      if (!this.#watch(node, full)) {
        detach(node)
        return
      }
      const entries = readdirSync(full, { withFileTypes: true })
      this.#sink.listed(
        path,
        entries.map((entry) => entry.name),
      )
      for (const entry of entries) if (entry.isDirectory()) this.#check(node, entry.name)
    } catch (error) {
      const code = errnoOf(error)
      if (code === 'ENOENT' || code === 'ENOTDIR') detach(node)
      else this.#sink.failed(error)
    }
  }

  /** False when no directory is there. The identity before and after must be one, or the watch may be on another directory. */
  #watch(node: WatchNode, full: string): boolean {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const identity = identify(full)
      node.handle?.close()
      node.handle = undefined
      node.identity = undefined
      if (identity === undefined) return false
      node.handle = this.#open(node, full)
      if (identify(full) !== identity) continue
      node.identity = identity
      return true
    }
    return true
  }

  #open(node: WatchNode, full: string): FSWatcher | undefined {
    try {
      const handle = watch(full)
      handle.on('change', (event, name) => {
        if (node.handle === handle) this.#event(node, event, name === null ? undefined : String(name))
      })
      handle.on('error', (error) => this.#sink.failed(error))
      return handle
    } catch (error) {
      // Too few watches allowed: what is in there now is listed all the same.
      this.#sink.failed(error)
      return undefined
    }
  }

  #event(node: WatchNode, event: string, name: string | undefined): void {
    const path = pathOf(node)
    if (name === undefined) {
      this.#sink.changed(path)
      return
    }
    this.#sink.changed(path === '' ? name : `${path}/${name}`)
    // A directory without a watch: it could not be read so far, or there were too few watches.
    if (event === 'rename' || node.children.get(name)?.handle === undefined) this.#check(node, name)
    if (event === 'rename' && name === basename(join(this.#root, path))) this.#checkItself(node, name)
  }

  /** A name in a watched directory has come, gone or been replaced: the watch goes with the directory that is there now. */
  #check(parent: WatchNode, name: string): void {
    const path = joinPath(pathOf(parent), name)
    if (this.#sink.isIgnored(path)) return
    const known = parent.children.get(name)
    if (known?.queued) return
    let identity: string | undefined
    try {
      identity = identify(join(this.#root, path))
    } catch (error) {
      // Nothing can be said about it now. What is watched stays so, and the directory above is listed again once it may be entered.
      this.#sink.failed(error)
      return
    }
    if (known?.handle !== undefined && identity !== undefined && known.identity === identity) return
    if (known !== undefined) detach(known)
    if (identity === undefined) return
    const node = makeNode(name, parent)
    parent.children.set(name, node)
    void this.#enqueue(node)
  }

  /** inotify reports the end or the move of a watched directory as if something of its own name in it had changed. */
  #checkItself(node: WatchNode, name: string): void {
    const path = pathOf(node)
    if (glance(join(this.#root, path, name)) !== undefined) return
    this.#sink.changed(path)
    if (glance(join(this.#root, path))?.isDirectory()) void this.#enqueue(node)
  }
}

/** Undefined when no directory is there; throws when nothing can be said. Inode numbers are used again at once, so the time of birth is part of it (0 where the file system does not know it). */
function identify(full: string): string | undefined {
  const stats = lstat(full)
  return stats?.isDirectory() ? `${stats.dev}:${stats.ino}:${stats.birthtimeMs}` : undefined
}

function makeNode(name: string, parent: WatchNode | undefined): WatchNode {
  return { name, parent, children: new Map(), handle: undefined, identity: undefined, queued: false, dropped: false }
}

function pathOf(node: WatchNode): RelativePath {
  if (node.parent === undefined) return ''
  return joinPath(pathOf(node.parent), node.name)
}

function joinPath(directory: RelativePath, name: string): RelativePath {
  return directory === '' ? name : `${directory}/${name}`
}

/** The root stays: it may come back. */
function detach(node: WatchNode): void {
  if (node.parent === undefined) return
  if (node.parent.children.get(node.name) === node) node.parent.children.delete(node.name)
  drop(node)
}

function drop(node: WatchNode): void {
  node.dropped = true
  node.identity = undefined
  node.handle?.close()
  node.handle = undefined
  for (const child of node.children.values()) drop(child)
  node.children.clear()
}
