import { describe, expect, test } from 'vitest'
import {
  parseIpconfig,
  parseIw,
  parseIwgetid,
  parseNetsh,
  parseNetworksetup,
  parseNmcli,
  type WifiAnswer,
} from './parse.ts'

const link = (ssid: string): string => `Connected to 04:f0:21:1a:2b:3c (on wlan0)
\tSSID: ${ssid}
\tfreq: 5180.0
\tRX: 26010 bytes (158 packets)
\tTX: 13005 bytes (61 packets)
\tsignal: -54 dBm
\trx bitrate: 866.7 MBit/s VHT-MCS 9 80MHz short GI VHT-NSS 2
\ttx bitrate: 72.2 MBit/s MCS 7 short GI

\tbss flags: short-slot-time
\tdtim period: 1
\tbeacon int: 100
`

const summary = (lines: string): string => `<dictionary> {
  BSSID : <redacted>
  Hashed-BSSID : 2d:3f:a1
  IPv4 : <array> {
    0 : <dictionary> {
      ConfigMethod : DHCP
      IsPublished : TRUE
    }
  }
  InterfaceType : WiFi
${lines}
  NetworkID : 6E5C3D6A
  Security : WPA2_PSK
}
`

const netsh = `
There is 1 interface on the system:

    Name                   : Wi-Fi
    Description            : Intel(R) Wi-Fi 6 AX201 160MHz
    GUID                   : dae9b794-6711-4b4f-bb99-bb4cc90bac39
    Physical address       : 70:9c:d1:e0:30:4e
    Interface type         : Primary
    State                  : connected
    SSID                   : Guests of the house
    AP BSSID               : 08:40:f3:eb:ba:a4
    Band                   : 2.4 GHz
    Channel                : 11
    Connected Akm-cipher   : [ akm = 00-0f-ac:02, cipher =  00-0f-ac:04 ]
    Network type           : Infrastructure
    Radio type             : 802.11n
    Authentication         : WPA2-Personal
    Signal                 : 81%
    Profile                : Guests of the house

    Hosted network status  : Not available

`.replaceAll('\n', '\r\n')

const netshGerman = `
Es sind 2 Schnittstellen auf dem System vorhanden:

    Name                   : WLAN
    Beschreibung           : Realtek RTL8852BE WiFi 6 802.11ax PCIe Adapter
    GUID                   : 5f4d3c2b-1a09-4e8f-9d7c-6b5a4f3e2d1c
    Physische Adresse      : 02:11:22:33:44:55
    Status                 : Verbunden
    SSID                   : Büro: oben
    BSSID                  : 04:f0:21:1a:2b:3c

    Name                   : WLAN 2
    Beschreibung           : TP-Link Wireless USB Adapter
    GUID                   : 6f4d3c2b-1a09-4e8f-9d7c-6b5a4f3e2d1c
    Physische Adresse      : 02:11:22:33:44:66
    Status                 : Getrennt
    Funkstatus             : Hardware Ein
                             Software Ein

`

const of = (ssid: string): WifiAnswer => ({ ssid })

describe.each<[string, (text: string) => WifiAnswer, readonly (readonly [string, WifiAnswer])[]]>([
  [
    'iw',
    parseIw,
    [
      [link('Work'), of('Work')],
      [link('Two words: 5G'), of('Two words: 5G')],
      [link('Caf\\xc3\\xa9\\x20'), of('Café ')],
      [link('back\\x5cslash'), of('back\\slash')],
      ['Not connected.\n', 'on none'],
      ['command failed: No such device (-19)\n', 'unclear'],
      ['', 'unclear'],
    ],
  ],
  [
    'iwgetid',
    parseIwgetid,
    [
      ['Work\n', of('Work')],
      ['Two words \n', of('Two words ')],
      ['\n', 'unclear'],
    ],
  ],
  [
    'nmcli',
    parseNmcli,
    [
      ['no:Neighbours\nyes:Work\nno:\n', of('Work')],
      ['yes:a\\:b\\\\c\n', of('a:b\\c')],
      ['no:Work\nno:Work\n', 'on none'],
      ['', 'unclear'],
      ["Error: Device 'eth0' is not a Wi-Fi device.\n", 'unclear'],
    ],
  ],
  [
    'networksetup',
    parseNetworksetup,
    [
      ['Current Wi-Fi Network: My iPhone\n', of('My iPhone')],
      ['You are not associated with an AirPort network.\n', 'unclear'],
      ['en7 is not a Wi-Fi interface.\n', 'unclear'],
    ],
  ],
  [
    'ipconfig',
    parseIpconfig,
    [
      [summary('  LinkStatusActive : TRUE\n  SSID : Work at home'), of('Work at home')],
      [summary('  LinkStatusActive : TRUE\n  SSID : <redacted>'), 'unclear'],
      [summary('  LinkStatusActive : FALSE'), 'on none'],
      ['<dictionary> {\n  InterfaceType : Ethernet\n  LinkStatusActive : TRUE\n}\n', 'on none'],
      ['', 'unclear'],
    ],
  ],
  [
    'netsh for Wi-Fi',
    (text) => parseNetsh(text, 'Wi-Fi'),
    [
      [netsh, of('Guests of the house')],
      [netsh.replace(/ {4}SSID.*\r\n/, '').replace(': connected', ': disconnected'), 'on none'],
      [netshGerman, 'on none'],
      ['\r\nThe Wireless AutoConfig Service (wlansvc) is not running.\r\n', 'unclear'],
      [
        '\r\nNetwork shell commands need location permission to access WLAN information. Turn on Location services.\r\n',
        'unclear',
      ],
    ],
  ],
  [
    'netsh for the second of two',
    (text) => parseNetsh(text, 'WLAN 2'),
    [
      [netshGerman, 'on none'],
      [netshGerman.replaceAll('WLAN 2', 'x').replaceAll('WLAN', 'WLAN 2'), of('Büro: oben')],
    ],
  ],
])('%s', (_tool, parse, cases) => {
  test.each(cases)('%#', (text, answer) => {
    expect(parse(text)).toEqual(answer)
  })
})
