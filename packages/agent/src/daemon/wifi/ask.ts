import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { errnoOf, messageOf } from '@spansync/common/runtime/errors'
import { execa } from 'execa'
import {
  parseIpconfig,
  parseIw,
  parseIwgetid,
  parseNetsh,
  parseNetworksetup,
  parseNmcli,
  type WifiAnswer,
} from './parse.ts'

/** The Wi-Fi of an interface; an undefined name: it is on none. `unknown`: nobody could tell, and what a person can do. */
export type Wifi =
  | { readonly ssid: string | undefined }
  | { readonly unknown: { readonly message: string; readonly remedy: string } }

export interface AskOptions {
  readonly platform: NodeJS.Platform
  /** Where programs are looked for; that of this process. */
  readonly path?: string | undefined
  /** Where the kernel tells of interfaces. */
  readonly netDirectory?: string
  readonly signal?: AbortSignal
}

interface Tool {
  readonly program: string
  readonly arguments: (name: string) => readonly string[]
  readonly parse: (text: string, name: string) => WifiAnswer
}

interface System {
  readonly tools: readonly Tool[]
  readonly remedy: string
}

const linux: System = {
  tools: [
    { program: 'iw', arguments: (name) => ['dev', name, 'link'], parse: parseIw },
    { program: 'iwgetid', arguments: (name) => [name, '--raw'], parse: parseIwgetid },
    {
      program: 'nmcli',
      arguments: (name) => ['-t', '-f', 'ACTIVE,SSID', 'device', 'wifi', 'list', 'ifname', name, '--rescan', 'no'],
      parse: parseNmcli,
    },
  ],
  remedy: 'install iw (or wireless-tools, or NetworkManager), or name the network by cidr or gateway instead of ssid',
}

const systems: Partial<Record<NodeJS.Platform, System>> = {
  linux,
  darwin: {
    tools: [
      { program: 'ipconfig', arguments: (name) => ['getsummary', name], parse: parseIpconfig },
      { program: 'networksetup', arguments: (name) => ['-getairportnetwork', name], parse: parseNetworksetup },
    ],
    remedy: 'run `sudo ipconfig setverbose 1`, or name the network by cidr or gateway instead of ssid',
  },
  win32: {
    tools: [{ program: 'netsh', arguments: () => ['wlan', 'show', 'interfaces'], parse: parseNetsh }],
    remedy: 'turn on location services for this user, or name the network by cidr or gateway instead of ssid',
  },
}

/** Tools answer in milliseconds; one that hangs tells nothing. */
const timeoutMs = 3000

/** Where a system keeps such tools is not on every user's path. */
function systemPath(): string {
  return [process.env.PATH ?? '', '/usr/sbin', '/sbin'].join(delimiter)
}

/** Asks the system's own tools, one after the other, until one can tell. Never rejects but when the signal aborts. */
export async function askWifi(name: string, options: AskOptions): Promise<Wifi> {
  const { platform, netDirectory = '/sys/class/net', signal } = options
  if (platform === 'linux' && !isWireless(join(netDirectory, name))) return { ssid: undefined }
  const { tools, remedy } = systems[platform] ?? linux
  let why = `none of ${tools.map(({ program }) => program).join(', ')} is installed`
  for (const tool of tools) {
    const answer = await run(tool, name, options)
    signal?.throwIfAborted()
    if (answer === 'missing') continue
    if (typeof answer === 'string') why = answer
    else return answer
  }
  const message = `the name of the Wi-Fi on ${name} could not be found out (${why})`
  return { unknown: { message, remedy } }
}

/** What it says, `missing`, or why it says nothing. */
async function run({ program, arguments: argumentsFor, parse }: Tool, name: string, options: AskOptions) {
  const { path = systemPath(), signal } = options
  try {
    const { stdout } = await execa(program, argumentsFor(name), {
      env: { PATH: path, LC_ALL: 'C.UTF-8' },
      stdin: 'ignore',
      stripFinalNewline: false,
      timeout: timeoutMs,
      ...(signal ? { cancelSignal: signal } : {}),
    })
    const answer = parse(stdout, name)
    if (answer === 'unclear') return `${program} does not say it`
    return { ssid: answer === 'on none' ? undefined : answer.ssid }
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'missing' : `${program}: ${messageOf(error).split('\n')[0]}`
  }
}

function isWireless(directory: string): boolean {
  return ['wireless', 'phy80211'].some((entry) => existsSync(join(directory, entry)))
}
