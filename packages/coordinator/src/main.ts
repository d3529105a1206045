import { runMain } from '@spansync/common/cli/main'
import { runCommandLine } from './cli/program.ts'

await runMain(runCommandLine)
