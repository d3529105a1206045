import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { runStep } from './step.mjs'

/** Programs that come from the system. `linux`: other systems have no use for it. */
const programs = [
  { command: 'unison', use: 'moves the files (2.52 or newer)', apt: 'unison', dnf: 'unison', brew: 'unison' },
  { command: 'nats-server', use: 'messages of the coordinator', apt: 'nats-server', brew: 'nats-server' },
  { command: 'redis-server', use: 'shared store of coordinators', apt: 'redis-server', dnf: 'redis', brew: 'redis' },
  { command: 'rsync', use: 'peers without an agent', apt: 'rsync', dnf: 'rsync', brew: 'rsync' },
  { command: 'bwrap', use: 'jails served Unisons', apt: 'bubblewrap', dnf: 'bubblewrap', linux: true },
  { command: 'ip', use: 'the test lab’s networks', apt: 'iproute2', dnf: 'iproute', linux: true },
  { command: 'tc', use: 'the test lab’s slow links', apt: 'iproute2', dnf: 'iproute-tc', linux: true },
  { command: 'ping', use: 'the test lab’s reachability', apt: 'iputils-ping', dnf: 'iputils', linux: true },
]

/** Installs what is missing where that needs no password; else says what to install, and the set-up goes on without. */
export async function ensureSystemPackages(root) {
  const missing = findMissing()
  if (missing.length === 0) return
  const asRoot = isOnPath('apt-get') ? rootPrefix() : undefined
  let reason = ''
  if (asRoot) reason = await installDebianPackages(root, asRoot, packagesOf(missing, 'apt'))
  const left = asRoot ? findMissing() : missing
  if (reason) console.error(reason)
  if (left.length > 0) console.error(describe(left).join('\n'))
}

function findMissing() {
  return programs.filter(({ command, linux }) => (!linux || process.platform === 'linux') && !isOnPath(command))
}

/** The words that make a command run as root, or undefined where that would need a password. */
function rootPrefix() {
  if (process.getuid?.() === 0) return []
  const sudo = isOnPath('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0
  return sudo ? ['sudo', '-n'] : undefined
}

async function installDebianPackages(root, asRoot, packages) {
  const script = path.join(root, 'scripts/bootstrap/install-debian-packages.sh')
  const [file, ...args] = [...asRoot, 'sh', script, ...packages]
  try {
    await runStep(`Installing ${packages.join(', ')}`, file, args)
    return ''
  } catch (error) {
    return error.message
  }
}

function describe(missing) {
  const width = Math.max(...missing.map(({ command }) => command.length))
  const installers = [
    { name: 'Debian, Ubuntu', tool: 'apt-get', words: 'sudo apt-get install', system: 'apt' },
    { name: 'Fedora', tool: 'dnf', words: 'sudo dnf install', system: 'dnf' },
    { name: 'Homebrew', tool: 'brew', words: 'brew install', system: 'brew' },
  ]
  const here = installers.filter(({ tool }) => isOnPath(tool))
  return [
    'Some programs are missing; what needs them will not work:',
    ...missing.map(({ command, use }) => `  ${command.padEnd(width)}  ${use}`),
    'Install them with:',
    ...(here.length > 0 ? here : installers)
      .filter(({ system }) => packagesOf(missing, system).length > 0)
      .map(({ name, words, system }) => `  ${name}: ${words} ${packagesOf(missing, system).join(' ')}`),
  ]
}

function packagesOf(missing, system) {
  return [...new Set(missing.map((program) => program[system]).filter(Boolean))]
}

/** PATH, and after it the places for servers, which Debian leaves out of an ordinary user’s PATH. */
export function searchPath() {
  const forServers = process.platform === 'win32' ? [] : ['/usr/local/sbin', '/usr/sbin', '/sbin']
  return [...(process.env.PATH ?? '').split(path.delimiter), ...forServers]
}

function isOnPath(command) {
  return searchPath().some((directory) => {
    try {
      accessSync(path.join(directory, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
