import { Command } from 'commander'

const notice = [
  'The coordinator is not available yet in this version.',
  'You can go on without it: agents sync directly with their neighbours, and nothing has to be set up for that.',
].join('\n')

const exitWrongUse = 2

/** Accepts any command line, so that scripts written for the coming commands get the notice and not a usage error. */
function createProgram(): Command {
  return new Command('spansync-coordinator')
    .description(`Plans who syncs with whom across a Spansync network.\n\n${notice}`)
    .allowUnknownOption()
    .allowExcessArguments()
    .action((_options, command: Command) => command.error(notice, { exitCode: exitWrongUse }))
}

await createProgram().parseAsync()
