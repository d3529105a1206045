import { noDeletions } from '@spansync/common/core/agent/deletion-state'
import type { FolderId } from '@spansync/common/core/causal/types'
import { expect, it } from 'vitest'
import { waitingProblems } from './waiting-problems.ts'

const docs = 'docs' as FolderId
const some = { files: 6000, total: 10_000, cause: 'share' as const }

it('asks nothing when nothing waits', () => {
  expect(waitingProblems(docs, noDeletions)).toEqual([])
})

it('says what would go, of how much, and which two commands decide', () => {
  const waiting = { here: some, peers: { ...some, files: 1 } }
  const problems = waitingProblems(docs, { ...noDeletions, waiting })
  expect(problems.map(({ code }) => code)).toEqual(['deletions_waiting', 'peer_deletions_waiting'])
  expect(problems.map(({ message }) => message)).toEqual([
    '6,000 files of 10,000 vanished here at once; nothing was deleted anywhere else',
    'peers have deleted 1 file of 10,000 at once; nothing was deleted here',
  ])
  for (const { remedy } of problems) expect(remedy).toMatch(/spansync approve docs.*spansync revert docs/)
})

it('of an emptied folder it says that, and what may have happened', () => {
  const waiting = { here: { files: 3, total: 3, cause: 'emptied' as const }, peers: undefined }
  expect(waitingProblems(docs, { ...noDeletions, waiting })).toMatchObject([
    { code: 'root_emptied', message: expect.stringContaining('all 3 files'), remedy: expect.stringContaining('mount') },
  ])
})
