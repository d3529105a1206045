import type { Wrap } from '../child.ts'

export interface JailPlaces {
  /** Directories that it may read and change; everything in them, and nothing else. Absolute. */
  readonly writable: readonly string[]
  readonly readable?: readonly string[]
}

/** Puts a jail around a program: an own view of the file system, no network, no other process, no device, and of the rights of root
 *  only those over files. */
export type Jail = (places: JailPlaces) => Wrap

export interface JailGround {
  /** What programs need to run; exists. */
  readonly present: readonly string[]
  /** Where the tools that make the jail are looked for, as PATH says it. */
  readonly searchPath: string
  readonly isRoot: boolean
}

/** undefined: its tools are not there. Whether they work has to be tried. */
export type Builder = (ground: JailGround) => Promise<Jail | undefined>

/** Whoever serves files of all users needs these; with more, root could make a device node and read the disk through it. Not
 *  CAP_DAC_READ_SEARCH, which lets files be opened by number, wherever they are. */
export const rootMayStill = ['chown', 'dac_override', 'fowner', 'fsetid'] as const
