import { relative, sep } from 'node:path'
import type { Finding } from './issues.ts'
import { quote } from './issues.ts'
import { nearest } from './nearest.ts'
import { expandPath } from './schema.ts'
import { normaliseFingerprint } from './values.ts'

/** What no single key can show: how the parts of a configuration fit together. Works on what the file says before it is checked, and
 *  skips what is malformed, so that these problems are listed together with all the others. `home` is the directory of the file. */
export function checkRelations(raw: unknown, home?: string): Finding[] {
  const root = record(raw)
  const peers = record(root.peers)
  const folders = record(root.folders)
  return [
    ...checkPeerNames(peers, root.name),
    ...checkFingerprints(peers),
    ...checkSharing(folders, peers),
    ...checkPolicyNames({ root, peers, folders }),
    ...checkNesting(folders, home),
  ]
}

function checkPeerNames(peers: Readonly<Record<string, unknown>>, own: unknown): Finding[] {
  if (typeof own !== 'string' || !Object.hasOwn(peers, own)) return []
  return [{ path: ['peers', own], at: 'key', message: `the peer \`${own}\` has the name of this machine` }]
}

function checkFingerprints(peers: Readonly<Record<string, unknown>>): Finding[] {
  const seen = new Map<string, string>()
  const findings: Finding[] = []
  for (const [name, peer] of Object.entries(peers)) {
    const id = record(peer).id
    const fingerprint = typeof id === 'string' ? normaliseFingerprint(id) : undefined
    if (fingerprint === undefined) continue
    const other = seen.get(fingerprint)
    if (other === undefined) seen.set(fingerprint, name)
    else
      findings.push({
        path: ['peers', name, 'id'],
        at: 'value',
        message: `peers \`${other}\` and \`${name}\` have the same fingerprint`,
      })
  }
  return findings
}

function checkSharing(folders: Readonly<Record<string, unknown>>, peers: Readonly<Record<string, unknown>>): Finding[] {
  const known = Object.keys(peers)
  return Object.entries(folders).flatMap(([id, folder]) => {
    const names = record(folder).with
    if (!Array.isArray(names)) return []
    return names.flatMap((name: unknown, index): Finding[] => {
      if (typeof name !== 'string' || known.includes(name)) return []
      const path = ['folders', id, 'with', index]
      return [
        {
          path,
          at: 'value',
          message: `${quote(path)} names an unknown peer \`${name}\``,
          suggestion: nearest(name, known),
        },
      ]
    })
  })
}

interface Parts {
  readonly root: Readonly<Record<string, unknown>>
  readonly peers: Readonly<Record<string, unknown>>
  readonly folders: Readonly<Record<string, unknown>>
}

/** A rule for a name that nobody has would never count, and nobody would notice. */
function checkPolicyNames({ root, peers, folders }: Parts): Finding[] {
  const machines = [...Object.keys(peers), ...(typeof root.name === 'string' ? [root.name] : [])]
  const check = (path: readonly string[], policy: unknown): Finding[] => [
    ...unknownNames([...path, 'nodes'], record(policy).nodes, { known: machines, what: 'machine' }),
    ...unknownNames([...path, 'peers'], record(policy).peers, { known: Object.keys(peers), what: 'peer' }),
  ]
  const ofFolders = Object.entries(folders).flatMap(([id, folder]) =>
    check(['folders', id, 'policy'], record(folder).policy),
  )
  return [...check(['policy'], { nodes: record(root.policy).nodes }), ...ofFolders]
}

interface Known {
  readonly known: readonly string[]
  readonly what: string
}

function unknownNames(path: readonly string[], named: unknown, { known, what }: Known): Finding[] {
  return Object.keys(record(named))
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: [...path, name],
      at: 'key',
      message: `${quote([...path, name])} names an unknown ${what} \`${name}\``,
      suggestion: nearest(name, known),
    }))
}

function checkNesting(folders: Readonly<Record<string, unknown>>, home?: string): Finding[] {
  const seen: { id: string; path: string }[] = []
  const findings: Finding[] = []
  for (const [id, folder] of Object.entries(folders)) {
    const text = record(folder).path
    const path = typeof text === 'string' ? expandPath(text) : undefined
    if (path === undefined) continue
    const place = { path: ['folders', id, 'path'], at: 'value' } as const
    const other = seen.find((candidate) => overlaps(candidate.path, path))
    if (other !== undefined) findings.push({ ...place, message: overlapText(id, path, other.id, other.path) })
    if (home !== undefined && overlaps(home, path))
      findings.push({ ...place, message: homeOverlapText(id, path, home) })
    seen.push({ id, path })
  }
  return findings
}

export function overlapText(id: string, path: string, otherId: string, otherPath: string): string {
  if (path === otherPath) return `folders \`${otherId}\` and \`${id}\` are the same directory ${path}`
  const [inner, outer] = isInside(otherPath, path) ? [id, otherId] : [otherId, id]
  return `folder \`${inner}\` is inside folder \`${outer}\` (${path} and ${otherPath})`
}

export function homeOverlapText(id: string, path: string, home: string): string {
  return isInside(home, path)
    ? `folder \`${id}\` (${path}) is inside spansync's own directory ${home}`
    : `folder \`${id}\` (${path}) holds spansync's own directory ${home}, and with it the private key of this machine`
}

/** True when one is the other or inside it. */
export function overlaps(a: string, b: string): boolean {
  return isInside(a, b) || isInside(b, a)
}

/** True when `path` is `root` or below it. Both absolute and normalised. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !/^[A-Za-z]:/.test(way))
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
