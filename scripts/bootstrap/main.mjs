import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { runStep, SetupError } from './step.mjs'
import { ensureSystemPackages, searchPath } from './system-packages.mjs'
import { ensureNode, ensurePnpm } from './toolchain.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** What each command runs once everything is in place. `test` builds by itself, to report a failed build as a failed check. */
const commands = {
  setup: { build: true },
  start: { build: true, program: 'test/demo/main.ts' },
  test: { build: false, program: 'scripts/check.ts' },
}

/** Sets up whatever is missing, then runs the command's program with `args` on the right Node. Sets the exit code. */
export async function main([name = 'setup', ...args]) {
  const command = commands[name]
  if (!command) {
    console.error(`Unknown command '${name}'. Use one of: ${Object.keys(commands).join(', ')}.`)
    process.exitCode = 2
    return
  }
  try {
    const node = await setUp(command)
    if (command.program) process.exitCode = await runProgram(node, [command.program, ...args])
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    console.error(error.message)
    // Whoever reads the closing line of the tests must find one even when they could not begin.
    if (name === 'test') console.log('0 passed, 1 failed')
    process.exitCode = 1
  }
}

async function setUp({ build }) {
  const node = await ensureNode(root)
  const pnpm = await ensurePnpm(root)
  // pnpm asks the first `node` on the PATH for its version, and leaves out native libraries that this one is too old for.
  const env = { ...process.env, PATH: [path.dirname(node), process.env.PATH].join(path.delimiter) }
  const settings = ['--config.confirmModulesPurge=false', '--config.updateNotifier=false']
  await runStep('Installing the libraries', node, [pnpm, 'install', '--frozen-lockfile', ...settings], { env })
  await ensureSystemPackages(root)
  if (build) {
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
    await runStep('Building', node, [tsc, '-b', 'packages/agent', 'packages/coordinator'])
  }
  return node
}

/** Runs in the foreground. Ctrl-C reaches the program through the terminal; other signals are passed on. */
function runProgram(node, args) {
  const child = spawn(node, ['--conditions=spansync-source', ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: [path.join(root, '.tools/bin'), ...searchPath()].join(path.delimiter) },
  })
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}
