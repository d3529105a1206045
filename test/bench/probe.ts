/** Watches replicas from a process of its own, so that looking costs the measured ones as little as possible and nothing that this
 *  program does elsewhere delays it. Started by fork; see prober.ts for the questions it answers. */
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Answer, EditQuestion, FilesQuestion, Question, TreeQuestion } from './prober.ts'

const tick = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Polls until true; answers the milliseconds since `start`, or undefined when the deadline passes. */
async function poll(start: number, deadlineMs: number, everyMs: number, done: () => boolean): Promise<Answer> {
  while (!done()) {
    if (performance.now() - start > deadlineMs) return { ms: undefined }
    await tick(everyMs)
  }
  return { ms: performance.now() - start }
}

/** Writes the file at the first root and waits until all others have the same bytes. */
function edit({ roots, path, content, deadlineMs }: EditQuestion): Promise<Answer> {
  const [origin = '', ...others] = roots.map((root) => join(root, path))
  const bytes = Buffer.from(content, 'latin1')
  const waiting = new Map(others.map((file) => [file, signature(file)]))
  const start = performance.now()
  writeFileSync(origin, bytes)
  return poll(start, deadlineMs, 2, () => {
    for (const [file, before] of waiting) {
      const now = signature(file)
      if (now !== before && now !== '' && readFileSync(file).equals(bytes)) waiting.delete(file)
    }
    return waiting.size === 0
  })
}

function signature(file: string): string {
  const stat = lstatSync(file, { throwIfNoEntry: false })
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`
}

/** Waits until every root has each directory with its number of files. Looks again only at directories that were not complete. */
function tree({ roots, directories, filesEach, deadlineMs, since }: TreeQuestion): Promise<Answer> {
  const waiting = roots.map((root) => directories.map((name) => join(root, name)))
  const complete = (directory: string | undefined): boolean => directory !== undefined && count(directory) >= filesEach
  return poll(since, deadlineMs, 20, () => {
    for (const left of waiting) while (complete(left.at(-1))) left.pop()
    return waiting.every((left) => left.length === 0)
  })
}

function count(directory: string): number {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith('.')).length
  } catch {
    return 0
  }
}

/** Waits until every root has the files with their sizes. */
function files({ roots, sizes, deadlineMs, since }: FilesQuestion): Promise<Answer> {
  const has = (root: string): boolean =>
    Object.entries(sizes).every(([name, size]) => lstatSync(join(root, name), { throwIfNoEntry: false })?.size === size)
  return poll(since, deadlineMs, 10, () => roots.every(has))
}

process.on('message', async (question: Question) => {
  // The clocks of two processes start at different moments; only differences to the wall are common to both.
  const local = 'since' in question ? { ...question, since: question.since - performance.timeOrigin } : question
  const answer = await (local.kind === 'edit' ? edit(local) : local.kind === 'tree' ? tree(local) : files(local))
  process.send?.(answer)
})
process.on('disconnect', () => process.exit(0))
