import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Below this nothing is shown: a run that finds everything in place stays silent. */
const silentMs = 400

/** A set-up step that cannot go on; the message names the cause and the remedy. */
export class SetupError extends Error {
  constructor(cause, remedy, output = '') {
    const lastLines = output.trim().split('\n').slice(-8).join('\n')
    super([cause, ...(lastLines ? [lastLines] : []), remedy].join('\n'))
  }
}

/** Known causes of a failed download or installation, first match wins. */
const causes = [
  {
    signs: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|Temporary failure resolving/,
    remedy:
      'The network or the package registry is out of reach. Connect (or set the proxy of npm and apt) and try again.',
  },
  {
    signs: /CERT_|SELF_SIGNED|unable to get (local )?issuer certificate/i,
    remedy:
      'The registry’s certificate is not trusted here. Set NODE_EXTRA_CA_CERTS to your proxy’s CA file and try again.',
  },
  { signs: /ENOSPC|No space left/i, remedy: 'The disk is full. Free some space and try again.' },
  {
    signs: /EACCES|EPERM|EROFS|Permission denied/i,
    remedy:
      'Some file here belongs to another user, perhaps after a run as root. Give the directory back to yourself (chown -R).',
  },
  {
    signs: /OUTDATED_LOCKFILE/,
    remedy:
      'pnpm-lock.yaml does not fit package.json. Run `.tools/bin/pnpm install --no-frozen-lockfile` and commit the lockfile.',
  },
]

/** Runs one command to its end. Its output is kept back and shown only when it fails. Throws SetupError. */
export async function runStep(label, file, args, { env = process.env } = {}) {
  const progress = showProgress(label)
  const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const failure = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : `exit ${code ?? signal}`))
  })
  progress.end(failure)
  if (failure === undefined) return output
  const known = causes.find(({ signs }) => signs.test(output + failure))
  throw new SetupError(`${label} failed (${failure}).`, known?.remedy ?? 'The output above says why.', output)
}

/** One line on a terminal that counts the seconds; nothing in a pipe. */
function showProgress(label) {
  if (!process.stderr.isTTY) return { end() {} }
  const startedAt = Date.now()
  const seconds = () => Math.round((Date.now() - startedAt) / 1000)
  const draw = (text) => process.stderr.write(`\r\u001b[K${text}`)
  let shown = false
  const timer = setInterval(() => {
    shown = true
    draw(`${label} … ${seconds()} s`)
  }, silentMs)
  return {
    end(failure) {
      clearInterval(timer)
      if (shown) draw(failure === undefined ? `${label}: done in ${seconds()} s\n` : '')
    },
  }
}
