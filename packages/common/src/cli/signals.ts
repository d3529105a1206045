/** The first SIGINT or SIGTERM asks for a clean stop; a second one ends the process at once. The listeners stay: without one, a library
 *  that counts listeners would raise the signal again. */
export function onSignals(stop: (reason: string) => void): Disposable {
  let signals = 0
  const receive = (name: string): void => {
    signals++
    if (signals > 1) process.exit(128 + (name === 'SIGINT' ? 2 : 15))
    stop(name)
  }
  const listeners = (['SIGINT', 'SIGTERM'] as const).map((name) => ({ name, listener: () => receive(name) }))
  for (const { name, listener } of listeners) process.on(name, listener)
  return {
    [Symbol.dispose]: () => {
      for (const { name, listener } of listeners) process.off(name, listener)
    },
  }
}
