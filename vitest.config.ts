import { configDefaults, defineConfig } from 'vitest/config'

// Tests run the sources; dist is for production only.
const conditions = ['spansync-source', 'module', 'node', 'development|production']
const resolve = { conditions }
const ssr = { resolve: { conditions, externalConditions: ['spansync-source'] } }

const lab = ['test/lab/**/*.test.ts', 'test/scenarios/**/*.test.ts', 'test/chaos/{chaos,found}.test.ts']
const execArgv = ['--conditions=spansync-source']

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts'],
          execArgv,
          // By default one core is left alone.
          maxWorkers: '100%',
          // For tests that start a process while other files keep both cores busy, on a slow machine.
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Several processes, no privileges.
        resolve,
        ssr,
        test: {
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...lab],
          execArgv,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Network namespaces: needs root.
        resolve,
        ssr,
        test: {
          name: 'lab',
          include: lab,
          execArgv,
          // Scenarios measure times: two at a time saved little on two cores, and made them fail.
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
