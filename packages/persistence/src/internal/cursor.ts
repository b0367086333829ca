/**
 * A named reader's position, kept in a file that is locked by the reader.
 *
 * ```text
 *    0  count i32, check i32, position f64      the check is the checksum of the position, seeded with the count
 * 2048  the same; the two are written in turn, so that one is whole whenever the writing stops
 * ```
 */
import * as Platform from "#platform"
import { ChannelError, CursorTaken } from "../ChannelError.ts"
import { checksum } from "./hot/checksum.ts"
import * as Mapping from "./mapping.ts"

const BYTES = 4096
const SLOTS = [0, 2048] as const

export class Cursor {
  readonly #mapping: Mapping.Mapping
  readonly #u8: Uint8Array
  readonly #i32: Int32Array
  readonly #f64: Float64Array
  #count = 0
  /** The position kept; undefined when there is none yet. */
  position: number | undefined

  /** Opens, or makes, and locks it. Throws `CursorTaken`. */
  constructor(directory: string, name: string) {
    const path = Platform.join(directory, `${encodeURIComponent(name).replace(/[.*'()!~]/g, "_")}.cursor`)
    const fd = Platform.open(path, "touch")
    try {
      if (!Platform.lock(path, fd)) {
        throw new ChannelError({ path: directory, reason: new CursorTaken({ cursor: name }) })
      }
      Platform.reserve(path, fd, BYTES)
      this.#mapping = new Mapping.Mapping(path, fd, BYTES, "write")
    } catch (cause) {
      Platform.close(fd)
      throw cause
    }
    const { buffer } = this.#mapping
    this.#u8 = new Uint8Array(buffer)
    this.#i32 = new Int32Array(buffer)
    this.#f64 = new Float64Array(buffer)
    for (const slot of SLOTS) {
      const count = this.#i32[slot >> 2]!
      if (count > this.#count && this.#check(slot, count) === this.#i32[(slot >> 2) + 1]) {
        this.#count = count
        this.position = this.#f64[(slot >> 3) + 1]!
      }
    }
  }

  commit(position: number): void {
    if (position === this.position) return
    const count = this.#count + 1
    const slot = SLOTS[count % 2]!
    this.#f64[(slot >> 3) + 1] = position
    this.#i32[(slot >> 2) + 1] = this.#check(slot, count)
    Atomics.store(this.#i32, slot >> 2, count)
    this.#count = count
    this.position = position
  }

  syncAsync(done: Parameters<Mapping.Mapping["syncAsync"]>[0]): void {
    this.#mapping.syncAsync(done)
  }

  #check(slot: number, count: number): number {
    return checksum(this.#u8, this.#i32, slot + 8, 8, count)
  }

  close(): void {
    this.#mapping.close()
  }
}
