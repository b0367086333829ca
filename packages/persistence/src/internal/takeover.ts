/**
 * How a writer comes to the place where it goes on, whatever became of the one before it.
 *
 * | at the end of the newest file there is | the new writer |
 * | --- | --- |
 * | no file at all | makes the first |
 * | CLOSED | is refused |
 * | END, and the last writer left in order, or no record | goes on there |
 * | END, and the last writer died | marks it CONTINUED, and begins the next file |
 * | CONTINUED | begins the next file |
 * | damage behind what was on the disk | the same: that is how a loss of power leaves the last records |
 * | damage, or END, before that | is refused; under `onDamage: "seal"` the same |
 *
 * A writer that died between making a file and marking the one before it leaves two to look at.
 */
import type { Recovery } from "../Channel.ts"
import { ChannelError, Closed, Damaged, OtherFormat } from "../ChannelError.ts"
import {
  CONTINUED,
  DAMAGE,
  DAMAGE_CHECKSUM,
  DAMAGE_LENGTH,
  DAMAGE_MARK,
  DAMAGE_ZEROED,
  FOUND_CLOSED,
  FOUND_CONTINUED,
  FOUND_END,
  HEADER_BYTES,
  LEFT,
  SEALED
} from "./hot/segment.ts"
import { refuse } from "./attempt.ts"
import type { Scanner } from "./hot/scanner.ts"
import type * as Codec from "@troupe/runtime/Codec"
import * as Files from "./segmentFile.ts"

/** Where a writer begins. */
export interface Place {
  readonly segment: Files.Segment
  readonly offset: number
  readonly recovery: Recovery
}

export type Damage = Damaged["damage"]

export const damageOf = (found: number): Damage =>
  found === DAMAGE_ZEROED
    ? "zeroed"
    : found === DAMAGE_MARK
    ? "mark"
    : found === DAMAGE_LENGTH
    ? "length"
    : found === DAMAGE_CHECKSUM
    ? "checksum"
    : "outside"

/** Whether the mark CONTINUED is where the header says: then nothing need be scanned. */
const isSealed = (segment: Files.Segment): boolean => {
  const offset = Atomics.load(segment.i32, SEALED)
  return offset >= HEADER_BYTES && offset < segment.limit && offset % 8 === 0 &&
    segment.scanner(offset).look() === FOUND_CONTINUED
}

/** Ends a file with CONTINUED at `offset`: what stands there is overwritten. */
export const seal = (segment: Files.Segment, offset: number): void => {
  const { i32, header } = segment
  i32[SEALED] = offset
  i32[(offset >> 2) + 1] = header.salt ^ offset
  Atomics.store(i32, offset >> 2, CONTINUED)
}

/**
 * Finds the place. `header` is that of a file to be made, but for its base and its salt; `resume` is given the channel's
 * last record, if it is in one of the two newest files.
 */
export const takeOver = (directory: string, options: {
  readonly header: Omit<Files.Header, "base" | "salt">
  readonly durable: boolean
  readonly onDamage: "fail" | "seal"
  readonly resume: (last: Scanner<Codec.Bytes>) => void
}): Place => {
  const { durable, header } = options
  const bases = Files.list(directory)
  if (bases.length === 0) {
    const segment = Files.create(directory, { ...header, base: 0 }, durable)
    return { segment, offset: HEADER_BYTES, recovery: { _tag: "New" } }
  }
  const newest = Files.open(directory, bases.at(-1)!, "write")
  try {
    const { format } = newest.header
    if (format !== header.format) {
      refuse(directory, new OtherFormat({ expected: header.format, actual: format }))
    }
    const { found, last, offset } = newest.scan()
    let resumed = last !== undefined
    if (last !== undefined) options.resume(last)
    const before = sealBefore(directory, bases, options, (last) => {
      if (!resumed) options.resume(last)
      resumed = true
    })
    if (found === FOUND_CLOSED) refuse(directory, new Closed())
    const left = newest.i32[LEFT] === 1
    const position = newest.positionOf(offset)
    if (found === FOUND_END && offset >= newest.synced && (left || offset === HEADER_BYTES)) {
      newest.i32[LEFT] = 0
      return {
        segment: newest,
        offset,
        recovery: before ?? { _tag: "Continued", position }
      }
    }
    assertSealable(newest, offset, found, options.onDamage)
    // First the file that follows, so that a full disk changes nothing.
    const next = Files.create(directory, {
      ...header,
      channel: newest.header.channel,
      base: nextBase(newest)
    }, durable)
    if (found !== FOUND_CONTINUED) seal(newest, offset)
    if (durable) newest.mapping.syncUnsafe(offset, offset + 8)
    newest.close()
    return {
      segment: next,
      offset: HEADER_BYTES,
      recovery: { _tag: "TakenOver", position, damage: found >= DAMAGE ? damageOf(found) : undefined }
    }
  } catch (cause) {
    newest.close()
    throw cause
  }
}

export const nextBase = ({ header }: Files.Segment): number => header.base + header.capacity

const assertSealable = (
  segment: Files.Segment,
  offset: number,
  found: number,
  onDamage: "fail" | "seal"
): void => {
  // What was on the disk once cannot be less now, unless the bytes have changed since.
  const lost = offset < segment.synced
  if (!lost || onDamage === "seal" || found === FOUND_CONTINUED) return
  const damage = found === FOUND_END ? "mark" : damageOf(found)
  throw new ChannelError({
    path: segment.mapping.path,
    reason: new Damaged({ position: segment.positionOf(offset), offset, damage })
  })
}

/** Marks the file before the newest CONTINUED, if its writer died before it did. */
const sealBefore = (directory: string, bases: ReadonlyArray<number>, options: {
  readonly durable: boolean
  readonly onDamage: "fail" | "seal"
}, resume: (last: Scanner<Codec.Bytes>) => void): Recovery | undefined => {
  const base = bases.at(-2)
  if (base === undefined) return undefined
  const before = Files.open(directory, base, "write")
  try {
    const { found, last, offset } = before.scan()
    if (last !== undefined) resume(last)
    if (found === FOUND_CONTINUED || isSealed(before)) return undefined
    assertSealable(before, offset, found, options.onDamage)
    seal(before, offset)
    if (options.durable) before.mapping.syncUnsafe(offset, offset + 8)
    return {
      _tag: "TakenOver",
      position: before.positionOf(offset),
      damage: found >= DAMAGE ? damageOf(found) : undefined
    }
  } finally {
    before.close()
  }
}
