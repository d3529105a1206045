import { SettingsContendedError } from './errors.ts'
import type { Settings } from './records.ts'
import type { SettingsStore, VersionedSettings, Writer } from './store.ts'

// People change settings by hand: even two at once are done after a few.
const mostAttempts = 20

/** Changes the settings whatever others do to them meanwhile: `change` gets them as they are, and is called again when somebody else
 *  was faster. Throws SettingsContendedError after 20 attempts. */
export async function updateSettings(
  options: {
    readonly store: SettingsStore
    readonly by: Writer
    readonly change: (current: Settings) => Settings
  },
  signal?: AbortSignal,
): Promise<VersionedSettings> {
  const { store, by, change } = options
  let current = await store.read(signal)
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const settings = change(current.settings)
    const answer = await store.replace({ expected: current.version, settings, by }, signal)
    if (answer.status === 'replaced') return { version: answer.version, settings }
    current = answer.current
  }
  throw new SettingsContendedError(mostAttempts)
}
