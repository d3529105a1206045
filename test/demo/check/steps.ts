import { randomBytes } from 'node:crypto'
import { coordinatorBack, coordinatorKilled, decentralised, ordered, reordered } from './coordinator-steps.ts'
import { type Step, step } from './step.ts'
import { away, conflict, crash } from './trouble-steps.ts'

const oddNames = [
  ' blanks around ',
  'two\nlines',
  'tab\there',
  '-rf',
  '--force',
  'grüße 東京 🙂',
  `it's "quoted"`,
  'back\\slash',
  '*?[a-z]{b,c}!',
  '$HOME `id` ; & |',
  '#hash %41 +plus',
  'long '.repeat(40).trim(),
]

function writeAlbum(write: (path: string, content: string) => void): void {
  for (let index = 0; index < 12; index += 1) {
    write(`album/${index % 3}/picture ${index}.txt`, `picture ${index}\n`.repeat(200))
  }
}

const bigFile: Step = {
  name: 'a file of 20 MB',
  by: 'desktop',
  act: (stage) => {
    const content = randomBytes(20_000_000)
    const start = performance.now()
    stage.at('desktop').write('big.bin', content)
    return start
  },
}

/** From a user's first file to agents and a coordinator that are killed. Each begins where the one before ended. */
export const steps: readonly Step[] = [
  step('a new file', 'laptop', (stage) => stage.at('laptop').write('hello.txt', 'hello\n')),
  step('an edit', 'desktop', (stage) => stage.at('desktop').write('hello.txt', 'hello from desktop\n')),
  step('a save as editors do it: a draft is renamed over the file', 'server', (stage) => {
    stage.at('server').write('.draft', 'saved by server\n')
    stage.at('server').rename('.draft', 'hello.txt')
  }),
  step('a file renamed', 'laptop', (stage) => stage.at('laptop').rename('hello.txt', 'greeting.txt')),
  step('a directory with 12 files', 'laptop', (stage) => {
    const laptop = stage.at('laptop')
    writeAlbum((path, content) => laptop.write(path, content))
  }),
  step('the directory renamed', 'desktop', (stage) => stage.at('desktop').rename('album', 'pictures of 2026')),
  step('a file deleted', 'server', (stage) => stage.at('server').remove('greeting.txt')),
  step('a directory deleted with all that is in it', 'laptop', (stage) =>
    stage.at('laptop').remove('pictures of 2026/1'),
  ),
  step('an empty directory', 'desktop', (stage) => stage.at('desktop').directory('empty')),
  step('a file gives way to a directory of its name', 'server', (stage) => {
    stage.at('server').remove('pictures of 2026/0/picture 0.txt')
    stage.at('server').write('pictures of 2026/0/picture 0.txt/inside', 'x')
  }),
  step('symbolic links: to a file, a directory and nothing', 'laptop', (stage) => {
    stage.at('laptop').symlink('link to a file', 'pictures of 2026/2/picture 2.txt')
    stage.at('laptop').symlink('link to a directory', 'pictures of 2026')
    stage.at('laptop').symlink('link to nothing', '../nowhere')
  }),
  step('an executable script', 'desktop', (stage) => {
    stage.at('desktop').write('run.sh', '#!/bin/sh\necho it runs\n')
    stage.at('desktop').executable('run.sh', true)
  }),
  step('only its executable bit, then `spansync sync`', 'laptop', async (stage) => {
    stage.at('laptop').executable('run.sh', false)
    await stage.network.agent('laptop').command(['sync'])
  }),
  step(`${oddNames.length} odd names`, 'desktop', (stage) => {
    for (const name of oddNames) stage.at('desktop').write(`odd/${name}`, `this is ${name}`)
  }),
  step('1,000 small files', 'laptop', (stage) => {
    const laptop = stage.at('laptop')
    for (let index = 0; index < 1000; index += 1)
      laptop.write(`many/${index % 10}/${index}`, `number ${index}\n`.repeat(20))
  }),
  bigFile,
  conflict,
  away,
  crash,
  coordinatorKilled,
  coordinatorBack,
  ordered,
  decentralised,
  reordered,
]
