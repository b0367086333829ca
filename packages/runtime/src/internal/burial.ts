/** What becomes of the messages to a thread that has ended for good: dead letters, each of them counted. */
import * as Fabric from "./fabric.ts"
import { KEPT, WAITING } from "./hot/chunk.ts"
import { CorruptLink, HEADER, LinkReader, type Sink } from "./hot/link.ts"
import { type Memory, Parking } from "./hot/parking.ts"
import * as Peer from "./peer.ts"
import type { System } from "./system.ts"
import * as Wire from "./wire.ts"

/** Shows a message to a host and message, by its address, and to a key, if that is known. */
export type Bury = (address: number, key: string | undefined) => void

/** Records that are read before the room that they took is freed. */
const POLL_RECORDS = 256

/**
 * What this thread has sent to one that is lost, and that was not read there: nobody else reads that link any more.
 * `keys` are those of this thread's handles.
 */
export const sent = (
  system: System,
  fabric: Fabric.Fabric,
  { thread, writer }: Peer.Peer,
  keys: ReadonlyMap<number, string | undefined>,
  bury: Bury
): void => {
  const { capacity, memory } = fabric
  const reader = new LinkReader(memory, Fabric.linkOffset(fabric, system.thread, thread), capacity)
  const sink: Sink = {
    record: (kind, a, b, c) => {
      if (kind !== Peer.TELL && kind !== Peer.ASK) return reader.take()
      reader.receive()
      bury(a, c === 0 ? keys.get(b) : undefined)
    }
  }
  try {
    do {
      writer.drain()
      writer.publish()
      while (reader.poll(sink, POLL_RECORDS) > 0) reader.release()
    } while (writer.keeps)
  } catch (error) {
    // The thread ended within a record in parts: what was left of the link is counted as lost.
    if (!(error instanceof CorruptLink)) throw error
    system.log(`the link to thread ${thread} is not to be read at ${error.position}: ${error.problem}`)
  }
  reader.lose(writer.written)
}

/** What a thread that is lost had read and not taken, and what died with it. */
export const parked = (
  fabric: Fabric.Fabric,
  thread: number,
  chunks: ReadonlyArray<Memory>,
  bury: Bury
): void => {
  const left = new Parking({ add: () => {}, remove: () => {} }, chunks).adopt()
  const waiting = left.filter(({ state }) => state === WAITING)
  Fabric.settle(fabric, thread, waiting.length)
  const keys = new Map<string, string>()
  for (const slot of left) {
    if (slot.state !== KEPT) continue
    const [length, , handle] = slot.chunk.words.subarray(slot.record)
    if (length! >>> 24 !== Peer.BIND) continue
    const at = slot.record * 4
    const key = Wire.key.decode(slot.chunk.bytes, at + HEADER, at + (length! & 0xffffff))
    keys.set(`${slot.from} ${handle}`, key)
  }
  for (const slot of waiting) {
    const [, address, target, version] = slot.chunk.words.subarray(slot.record)
    slot.take()
    bury(address!, version === 0 ? keys.get(`${slot.from} ${target}`) : undefined)
  }
}
