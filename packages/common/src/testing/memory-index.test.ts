import { describe } from 'vitest'
import { replica, runFolderIndexTests } from './folder-index-contract.ts'
import { MemoryIndex } from './memory-index.ts'

describe('MemoryIndex', () => {
  runFolderIndexTests(() => new MemoryIndex(replica))
})
