import { expect, test } from 'vitest'
import { findForbiddenImports } from './import-table.ts'

const core = 'packages/common/src/core/causal/need.ts'
const sim = 'packages/common/src/sim/world.ts'
const ports = 'packages/common/src/ports.ts'
const agent = 'packages/agent/src/cli/status.ts'
const coordinator = 'packages/coordinator/src/main.ts'

test.each([
  [core, `import { readFile } from 'node:fs/promises'`],
  [core, `import fs from 'fs'`],
  [core, `import type { Stats } from 'node:fs'`],
  [core, `import { z } from 'zod'`],
  [core, `import type { Index } from '../../ports.ts'`],
  [core, `import { world } from '@spansync/common/sim/world'`],
  [core, `export * from '../../sim/world.ts'`],
  [core, `import 'reflect-metadata'`],
  [core, `const os = await import('node:os')`],
  [core, `export type Handle = import('node:fs').FSWatcher`],
  [core, `import {\n  a,\n  b,\n} from '../../runtime/clock.ts'`],
  [core, `import { x } from '../core-helpers/../../ports.ts'`],
  [core, `import { fakeDisk } from '../../testing/fake-disk.ts'`],
  [sim, `import type { Index } from '../ports.ts'`],
  [sim, `import { random } from 'node:crypto'`],
  [ports, `import { run } from '@spansync/agent/run'`],
  [ports, `import { run } from '../../agent/src/run.ts'`],
  [ports, `import { fakeDisk } from './testing/fake-disk.ts'`],
  [agent, `import { plan } from '@spansync/coordinator/plan'`],
  [agent, `import { plan } from '../../../coordinator/src/plan.ts'`],
  [agent, `import { need } from '../../../../test/lab/lab.ts'`],
  [agent, `import { fakeDisk } from '@spansync/common/testing/fake-disk'`],
  [coordinator, `import { tunnel } from '@spansync/agent/tunnel'`],
  [coordinator, `import { contract } from './store/testing/contract.ts'`],
  ['packages/agent/src/index.test.ts', `import { contract } from '@spansync/coordinator/store/testing/contract'`],
])('%s may not have: %s', (path, text) => {
  expect(findForbiddenImports([{ path, text }])).toEqual([expect.stringContaining(path)])
})

test.each([
  [core, `import { compare } from './version-vector.ts'\nimport { never } from '../never.ts'`],
  [core, `import type { Entry } from '@spansync/common/core/causal/types'`],
  ['packages/common/src/core/causal/need.test.ts', `import { test } from 'vitest'\nimport * as fc from 'fast-check'`],
  ['packages/common/src/core/causal/need.test.ts', `import { arbitrary } from '../../testing/arbitrary.ts'`],
  [sim, `import { step } from '../core/agent/step.ts'`],
  [ports, `import { z } from 'zod'\nimport { open } from 'node:fs/promises'`],
  ['packages/common/src/testing/contracts/index.ts', `import type { Index } from '../../ports.ts'`],
  [agent, `import { need } from '@spansync/common/core/causal/need'\nimport { execa } from 'execa'`],
  ['packages/agent/src/index/index.test.ts', `import { contract } from '@spansync/common/testing/contracts'`],
  ['packages/coordinator/src/store/store.test.ts', `import { contract } from './testing/contract.ts'`],
  ['packages/coordinator/src/store/testing/contract.ts', `import { samples } from './samples.ts'`],
  ['packages/coordinator/src/store/testing/contract.ts', `import { wait } from '@spansync/common/testing/wait'`],
  ['test/lab/lab.ts', `import { plan } from '@spansync/coordinator/plan'`],
])('%s may have: %s', (path, text) => {
  expect(findForbiddenImports([{ path, text }])).toEqual([])
})
