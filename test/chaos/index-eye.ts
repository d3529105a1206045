import { hash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'

/** Whether the index of the agent holds exactly this content at the path. Read from its file, so that it costs the agent nothing; when
 *  that is not there or busy, it does not. */
export function isTakenIn(indexFile: string, path: string, content: string): boolean {
  try {
    const database = new DatabaseSync(indexFile, { readOnly: true })
    try {
      const row = database.prepare('SELECT deleted, lower(hex(hash)) AS hash FROM entry WHERE path = ?').get(path)
      return row?.deleted === 0 && row.hash === hashOf(content)
    } finally {
      database.close()
    }
  } catch {
    return false
  }
}

const hashOf = (content: string): string => (content.startsWith('-> ') ? hash('sha256', content.slice(3)) : content)
