import { expect, test } from 'vitest'
import { outcomeOf, reasonOf, worse } from './outcome.ts'

// As Unison 2.52.1 prints them.
const locked =
  'Fatal error: Warning: the archives are locked.  \nIf no other instance of unison is running, the locks should be removed.'
const missing = 'Fatal error: Warning: inconsistent state.  \nThe archive file is missing on some hosts.'
const unequal = "     where the X's are hexadecimal numbers.\n  c) Run unison again to synchronize from scratch."
const damaged = 'Fatal error: Server: End_of_file exception raised in loading archive (this indicates a bug!)'

test.each([
  [0, '', 'done'],
  [1, 'changed <-?-> changed f', 'skipped'],
  [2, 'Failed [f]: No space left on device', 'failed'],
  [3, locked, 'locked'],
  [3, missing, 'archive_lost'],
  [3, unequal, 'archive_lost'],
  [3, damaged, 'archive_lost'],
  [3, 'Fatal error: Lost connection with the server', 'fatal'],
  [null, '', 'fatal'],
  [0, 'a file named "the archives are locked"', 'done'],
] as const)('exit %j: %j is %s', (exit, output, outcome) => expect(outcomeOf(exit, output)).toBe(outcome))

test.each([
  ['Failed [big]: Error in closing files:\nNo space left on device', 'disk_full'],
  ['Path /b/.spansync is designated as a mountpoint, but points to nothing on host n', 'marker_missing'],
  ['Failed [f]: Destination updated during synchronization\nThe file f has been created', 'destination_changed'],
  ['Failed [f]: The source file f\nhas been modified during synchronization.', 'source_changed'],
  ['Fatal error: Lost connection with the server', 'connection_lost'],
  ['Failed [f]: Error in setting permissions: Operation not permitted', 'no_permission'],
  ['whatever', 'unknown'],
])('%j: %s', (output, reason) => expect(reasonOf(output)).toBe(reason))

test.each([
  ['done', 'skipped', 'skipped'],
  ['fatal', 'failed', 'fatal'],
  ['failed', 'failed', 'failed'],
] as const)('worse(%s, %s) is %s', (left, right, worst) => {
  expect(worse(left, right)).toBe(worst)
  expect(worse(right, left)).toBe(worst)
})
