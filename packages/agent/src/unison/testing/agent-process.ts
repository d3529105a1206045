import { systemClock } from '@spansync/common/runtime/clock'
import { TestPair } from './test-pair.ts'

// A process that holds a long-lived run, to be killed. Says where its replicas are, then waits to die.
const pair = await TestPair.create()
await pair.run({ paths: [''] })
const run = await pair.open()
await run.ready()
process.stdout.write(`${JSON.stringify({ base: pair.base })}\n`)
await systemClock.sleep(600_000)
