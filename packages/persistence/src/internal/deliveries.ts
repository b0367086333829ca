/** What an actor has handled of the deliveries that others sent it, and how that is stored among its events. */
import * as Codec from "@troupe/runtime/Codec"
import * as Schema from "effect/Schema"
import { Delivery } from "../Outbox.ts"

const one = Codec.make(Delivery)
const many = Codec.make(Schema.Array(Delivery))

/** Where a stored event has its version, 2 bytes: a version that no event has. */
const MARK = 0xffff

/** An event that says which delivery those with it came from. It changes no state. */
export const mark = (delivery: Delivery): Uint8Array => {
  const body = Codec.encodeUnsafe(one, delivery)
  const bytes = new Uint8Array(2 + body.length).fill(0xff, 0, 2)
  bytes.set(body, 2)
  return bytes
}

/** The delivery that an event says; undefined for an event of the actor's own. Throws a `CodecError`. */
export const marked = (bytes: Uint8Array): Delivery | undefined =>
  bytes.length >= 2 && (bytes[0]! | (bytes[1]! << 8)) === MARK
    ? Codec.decodeUnsafe(one, bytes.subarray(2))
    : undefined

/** The last delivery of each sender: each sends its own in order. */
export class Handled {
  private readonly last = new Map<string, Delivery>()

  has({ from, index, sequence }: Delivery): boolean {
    const last = this.last.get(from)
    return last !== undefined &&
      (sequence < last.sequence || (sequence === last.sequence && index <= last.index))
  }

  add(delivery: Delivery): void {
    if (!this.has(delivery)) this.last.set(delivery.from, delivery)
  }

  /** A snapshot of the actor's state with what was handled: its length in 4 bytes, itself, the state. */
  wrap(state: Uint8Array): Uint8Array {
    const own = Codec.encodeUnsafe(many, Array.from(this.last.values()))
    const bytes = new Uint8Array(4 + own.length + state.length)
    new DataView(bytes.buffer).setUint32(0, own.length, true)
    bytes.set(own, 4)
    bytes.set(state, 4 + own.length)
    return bytes
  }

  /** The state in a snapshot; takes up what was handled. Throws a `CodecError` or a `RangeError`. */
  unwrap(bytes: Uint8Array): Uint8Array {
    const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true)
    if (length > bytes.length - 4) throw new RangeError("the snapshot ends too early")
    for (const delivery of Codec.decodeUnsafe(many, bytes.subarray(4, 4 + length))) this.add(delivery)
    return bytes.subarray(4 + length)
  }
}
