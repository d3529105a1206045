import { systemClock } from '@spansync/common/runtime/clock'
import { silentLogger } from '@spansync/common/runtime/logger'
import { NatsServer } from '../nats-server.ts'

// A coordinator that starts its server and then dies: node leave-orphan.ts DIRECTORY PORT

const [, , directory = '', port = ''] = process.argv
const server = new NatsServer({
  directory,
  host: '127.0.0.1',
  port: Number(port),
  certificateHosts: ['127.0.0.1'],
  users: { coordinators: [], nodes: [] },
  clock: systemClock,
  log: silentLogger,
})
await server.start()
process.kill(process.pid, 'SIGKILL')
