import type { Place } from './place.ts'

/** Something a user does inside one directory. `prepare` is synced before `act` happens. */
export interface Operation {
  readonly name: string
  readonly prepare?: (here: Place) => unknown
  readonly act: (here: Place) => unknown
}

/** Every one has broken some synchroniser. */
const nastyNames: readonly string[] = [
  'two words',
  ' leading and trailing ',
  'line\nbreak',
  'tab\there',
  '-rf',
  '--help',
  '-path',
  '100%',
  '%0a%2F%s',
  'apo\'strophe"quote`tick',
  'back\\slash',
  '*?[a-z]{b,c}',
  '$HOME;&|<>()!',
  '# comment = value',
  '~tilde',
  'żółć übergröße',
  'e\u0301 decomposed and \u00e9 composed',
  '日本語 🚲',
  '.hidden',
  '...',
  'a'.repeat(255),
]

const eachNasty = (act: (name: string, index: number) => unknown): void => {
  for (const [index, name] of nastyNames.entries()) act(name, index)
}

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index}\n`).join('')

const files = (here: Place, stem: string, count: number): void => {
  for (let index = 0; index < count; index += 1) here.write(`${stem}/sub-${index % 3}/${index}.txt`, `file ${index}\n`)
}

const onFiles: readonly Operation[] = [
  {
    name: 'create files, one deep below new directories',
    act: (here) => here.write('one', '1').write('x/y/z/two', '2'),
  },
  {
    name: 'edit a file',
    prepare: (here) => here.write('a.txt', lines(50)),
    act: (here) => here.write('a.txt', lines(51)),
  },
  { name: 'edit, same size', prepare: (here) => here.write('a', 'aaaa'), act: (here) => here.write('a', 'bbbb') },
  { name: 'empty a file', prepare: (here) => here.write('a', 'text'), act: (here) => here.write('a', '') },
  {
    name: 'save as editors do: a new file over the old name',
    prepare: (here) => here.write('a.txt', 'old'),
    act: (here) => here.write('.a.txt.saving', 'new').rename('.a.txt.saving', 'a.txt'),
  },
  { name: 'rename a file', prepare: (here) => here.write('old', 'same'), act: (here) => here.rename('old', 'new') },
  {
    name: 'rename a file, letters differ in case only',
    prepare: (here) => here.write('Report.txt', 'same'),
    act: (here) => here.rename('Report.txt', 'report.txt'),
  },
  {
    name: 'swap two names',
    prepare: (here) => here.write('a', 'was a').write('b', 'was b'),
    act: (here) => here.rename('a', 't').rename('b', 'a').rename('t', 'b'),
  },
  { name: 'move a file', prepare: (here) => here.write('p/f', 'same'), act: (here) => here.rename('p/f', 'q/r/f') },
  { name: 'delete a file', prepare: (here) => here.write('gone', 'x'), act: (here) => here.remove('gone') },
  {
    name: 'a script, and one that is no script any more',
    prepare: (here) => here.write('off', '#!/bin/sh\n').chmod('off', 0o755),
    act: (here) => here.write('on', '#!/bin/sh\n').chmod('on', 0o755).chmod('off', 0o644).write('off', 'text'),
  },
  {
    name: 'one byte in the middle of three megabytes',
    prepare: (here) => here.write('big', Buffer.alloc(3_000_000, 'spansync ')),
    act: (here) => here.patch('big', 1_500_000, 'X'),
  },
]

const onDirectories: readonly Operation[] = [
  { name: 'rename a directory', prepare: (here) => files(here, 'old', 20), act: (here) => here.rename('old', 'new') },
  {
    name: 'rename a directory and edit inside',
    prepare: (here) => files(here, 'old', 6),
    act: (here) => here.rename('old', 'new').write('new/sub-0/0.txt', 'edited'),
  },
  { name: 'delete a directory', prepare: (here) => files(here, 'gone', 12), act: (here) => here.remove('gone') },
  { name: 'an empty directory', act: (here) => here.mkdir('empty/inside') },
  { name: 'empty a directory, it stays', prepare: (here) => here.write('d/f', 'x'), act: (here) => here.remove('d/f') },
  { name: 'three hundred files at once', act: (here) => files(here, 'many', 300) },
]

const onKinds: readonly Operation[] = [
  {
    name: 'symbolic links: to a file, a directory, nothing, outside',
    prepare: (here) => here.write('d/target', 'x'),
    act: (here) => here.link('f', 'd/target').link('d2', 'd').link('n', 'no such').link('o', '/etc/passwd'),
  },
  {
    name: 'point a symbolic link elsewhere',
    prepare: (here) => here.link('l', 'before'),
    act: (here) => here.remove('l').link('l', 'after'),
  },
  {
    name: 'a file becomes a directory',
    prepare: (here) => here.write('x', 'a file'),
    act: (here) => here.remove('x').write('x/y', 'inside'),
  },
  {
    name: 'a directory becomes a file',
    prepare: (here) => files(here, 'x', 5),
    act: (here) => here.remove('x').write('x', 'a file'),
  },
  {
    name: 'a file becomes a symbolic link',
    prepare: (here) => here.write('x', 'a file'),
    act: (here) => here.remove('x').link('x', 'elsewhere'),
  },
]

const onNames: readonly Operation[] = [
  { name: 'create nasty names', act: (here) => eachNasty((name) => here.write(name, `in ${name}`)) },
  {
    name: 'edit files with nasty names',
    prepare: (here) => eachNasty((name) => here.write(name, 'before')),
    act: (here) => eachNasty((name) => here.write(name, `after, and longer: ${name}`)),
  },
  {
    name: 'delete and rename nasty names',
    prepare: (here) => eachNasty((name) => here.write(`${name}/f`, name)),
    act: (here) =>
      eachNasty((name, index) => (index % 2 === 0 ? here.remove(name) : here.rename(`${name}/f`, `${name}/g`))),
  },
]

export const operations: readonly Operation[] = [...onFiles, ...onDirectories, ...onKinds, ...onNames]
