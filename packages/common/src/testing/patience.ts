/** For `vi.waitFor` and `vi.waitUntil`, whose own deadline of 1 s a busy machine misses. A test that waits this long fails all the same. */
export const patience = { timeout: 30_000, interval: 20 }
