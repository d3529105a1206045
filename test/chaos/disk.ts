import { mkdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../lab/command.ts'

const usualBytes = 512 * 1024 * 1024
/** Room for small files, and none for large ones. */
const scarceBytes = 150_000

/** A small file system with a replica in it, mounted where the agent expects it; it can be away, or full. */
export class Disk {
  /** Where the replica is, mounted for the agent or not. */
  readonly root: string
  readonly trash: string
  private readonly device: string
  private readonly folderPath: string
  private isMounted = false

  private constructor(directory: string, folderPath: string) {
    this.device = join(directory, 'disk')
    this.root = join(this.device, 'f')
    this.trash = join(this.device, 'trash')
    this.folderPath = folderPath
  }

  static async create(directory: string, folderPath: string): Promise<Disk> {
    const disk = new Disk(directory, folderPath)
    mkdirSync(disk.device)
    await runCommand(['mount', '-t', 'tmpfs', '-o', `size=${usualBytes}`, 'none', disk.device])
    mkdirSync(disk.root)
    await disk.mount()
    return disk
  }

  async mount(): Promise<void> {
    if (this.isMounted) return
    await runCommand(['mount', '--bind', this.root, this.folderPath])
    this.isMounted = true
  }

  /** As when it is pulled out: whoever has open files there keeps them. */
  async unmount(): Promise<void> {
    if (!this.isMounted) return
    await runCommand(['umount', '-l', this.folderPath])
    this.isMounted = false
  }

  /** False when it is being written to so fast that it already holds more than it was to. */
  fill(): Promise<boolean> {
    const { blocks, bfree, bsize } = statfsSync(this.device)
    return this.resize((blocks - bfree) * bsize + scarceBytes)
  }

  async empty(): Promise<void> {
    if (!(await this.resize(usualBytes))) throw new Error(`${this.device} does not grow again`)
  }

  private async resize(bytes: number): Promise<boolean> {
    const { code } = await runCommand(['mount', '-o', `remount,size=${bytes}`, this.device], { check: false })
    return code === 0
  }

  async dispose(): Promise<void> {
    await this.unmount()
    await runCommand(['umount', '-l', this.device])
  }
}
