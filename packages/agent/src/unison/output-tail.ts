const limit = 4096

/** Keeps the last few kilobytes of an output. File names in it are raw bytes, so it is read leniently. */
export class OutputTail {
  #bytes: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    const all = Buffer.concat([this.#bytes, chunk])
    this.#bytes = all.length > limit ? all.subarray(all.length - limit) : all
  }

  get text(): string {
    return this.#bytes.toString('utf8').trim()
  }
}
