/** For lab.test.ts: makes a lab with programs in it, says what it made, and dies of the signal given without disposing of it. */
import { Lab } from './lab.ts'

const lab = await Lab.create('line')
const programs = lab.nodes.map((node) => node.spawn(['sleep', '1000']))
await lab.node('b').exec(['sh', '-c', 'setsid -f sleep 1001 > /dev/null 2>&1'])
process.stdout.write(
  JSON.stringify({
    directory: lab.directory,
    namespaces: lab.nodes.map(({ namespace }) => namespace.id),
    pids: programs.map(({ pid }) => pid),
  }),
)
process.kill(process.pid, process.argv[2] === 'SIGKILL' ? 'SIGKILL' : 'SIGINT')
// The signal is handled asynchronously; nothing else may end this process.
setInterval(() => {}, 1000)
