/** What a tool says of an interface: the name of its Wi-Fi, that it is on none, or nothing that tells. */
export type WifiAnswer = { readonly ssid: string } | 'on none' | 'unclear'

/** `iw dev wlan0 link`. What is no printable ASCII is escaped as `\xe9`, byte by byte. */
export function parseIw(text: string): WifiAnswer {
  if (/^Not connected\.?\s*$/.test(text)) return 'on none'
  const escaped = /^\tSSID: (.*)$/m.exec(text)?.[1]
  return escaped === undefined ? 'unclear' : named(unescaped(escaped))
}

/** `iwgetid wlan0 --raw`: the name and nothing else; it fails when there is none. */
export function parseIwgetid(text: string): WifiAnswer {
  return named(text.replace(/\r?\n$/, ''))
}

/** `nmcli -t -f ACTIVE,SSID device wifi list ifname wlan0 --rescan no`: `yes:Work`, with `\:` and `\\` in names. */
export function parseNmcli(text: string): WifiAnswer {
  const lines = text.split(/\r?\n/).filter((line) => line !== '')
  const active = lines.find((line) => line.startsWith('yes:'))
  if (active !== undefined) return named(active.slice('yes:'.length).replace(/\\(.)/g, '$1'))
  return lines.length > 0 && lines.every((line) => line.startsWith('no:')) ? 'on none' : 'unclear'
}

/** `networksetup -getairportnetwork en0`. Since macOS 15 it says `You are not associated with an AirPort network.` whatever is the case. */
export function parseNetworksetup(text: string): WifiAnswer {
  const name = /^Current (?:Wi-Fi|AirPort) Network: (.*)$/m.exec(text)?.[1]
  return name === undefined ? 'unclear' : named(name)
}

/** `ipconfig getsummary en0`. Since macOS 15.6 the name is `<redacted>` unless `ipconfig setverbose 1` was run as root. */
export function parseIpconfig(text: string): WifiAnswer {
  const said = (key: string): string | undefined => new RegExp(`^ +${key} : (.*)$`, 'm').exec(text)?.[1]
  const name = said('SSID')
  if (name !== undefined) return name === '<redacted>' ? 'unclear' : named(name)
  const type = said('InterfaceType')
  if (type === undefined) return 'unclear'
  return type !== 'WiFi' || said('LinkStatusActive') === 'FALSE' ? 'on none' : 'unclear'
}

/** `netsh wlan show interfaces`. Keys are in the language of the system but for `SSID`; each interface begins with its name. */
export function parseNetsh(text: string, name: string): WifiAnswer {
  const blocks = text.split(/\r?\n\s*\r?\n/).map((block) =>
    block.split(/\r?\n/).flatMap((line): [string, string][] => {
      const [, key, value] = /^ {4}(\S.*?) *: (.*?)\s*$/.exec(line) ?? []
      return key === undefined || value === undefined ? [] : [[key, value]]
    }),
  )
  const known = blocks.filter((block) => block.length > 2)
  const ours = known.find(([first]) => first?.[1] === name)
  if (ours === undefined) return known.length > 0 ? 'on none' : 'unclear'
  const ssid = ours.find(([key]) => key === 'SSID')?.[1]
  return ssid === undefined ? 'on none' : named(ssid)
}

function named(ssid: string): WifiAnswer {
  return ssid === '' ? 'unclear' : { ssid }
}

function unescaped(text: string): string {
  const bytes = text.match(/\\x[0-9a-f]{2}|./gu) ?? []
  return Buffer.concat(
    bytes.map((one) => (/^\\x[0-9a-f]{2}$/.test(one) ? Buffer.from(one.slice(2), 'hex') : Buffer.from(one))),
  ).toString('utf8')
}
