/**
 * A link: records of bytes from one thread to another, through a ring in shared memory.
 *
 * Layout, in a SharedArrayBuffer: a cache line each for the producer's position, the consumer's position, the flag of
 * a producer that waits for room, and what each of the two must not forget when its thread ends; then the ring, a power
 * of two bytes long (256 at least, 2^30 at most).
 *
 * ```
 * | 0: tail | 64: head | 128: starved | 192: taken, received, lost, epochs | 256: written, handles, asks | 320: ring ... |
 * record:  | length, kind << 24 | a | b | c | d | reserved | payload ... | padding to 8 |
 * ```
 *
 * **Contract**: one writing thread and one reading thread at a time; when a writer's thread has ended, another may
 * go on from the published position, when a reader's has ended, from what it has taken. Each side trusts the other's memory no more than a file: the reader checks
 * every header against what was published, and reads each of its words once; the writer does not believe a reader's
 * position that is not between the last one and what was published.
 * **Invariant**: `0 <= tail - head <= capacity`, as 32-bit numbers that wrap; records are whole and contiguous: one
 * that would pass the end of the ring is preceded by a record of the kind PAD. While anything is kept for lack of
 * room, everything is kept, so that records never overtake each other.
 * **Ordering**: the writer's plain stores into a record come before `Atomics.store` of `tail`, the reader's plain
 * loads after `Atomics.load` of it. The reader's loads come before its `Atomics.store` of `head`, the writer's
 * stores into the freed bytes after its `Atomics.load` of that. A starved writer stores the flag and then loads
 * `head`, the reader stores `head` and then loads the flag: one of the two sees the other. Only the writer takes the
 * flag down, when nothing is kept: a reader that did so after freeing a little would not tell of what it frees next.
 * What is only for a successor (`taken`, the counts) is stored plainly: it starts after the thread has ended. `taken`
 * has a line of its own, since the writer looks at `head`.
 * **Allocation**: none while there is room; what is kept for lack of room is copied once.
 * **Evidence**: `test/hot/link.test.ts` (a naive twin, hostile headers), `stress/link.test.ts`, `threads.*`.
 */
import { Bytes } from "./bytes.ts"
import { Chunk, FILLED, FIRST, PARTIAL, SLOT, Slot, USED } from "./chunk.ts"

const TAIL = 0
const HEAD = 16
const STARVED = 32
/** The reader's position, exactly: behind the last record that it took. */
const TAKEN = 48
/** Messages that the reader has got, and those that it never will; 64-bit floats, by their places among those. */
const RECEIVED = 25
const LOST = 26
/** The last epochs of which the writer has said that it sends by them, and that it has handed over its keys. */
const FENCED = 54
const CLOSED = 55
/** Messages that the writer was given; a 64-bit float. */
const WRITTEN = 32
/** Handles that the writer has given away, and correlations: a successor's must not be the same. */
const HANDLES = 66
const CORRELATIONS = 67
const RING = 320

/** Bytes of a record's header: six 32-bit words. */
export const HEADER = 24
/** Skips to the start of the ring. */
const PAD = 0
/** A part of a record that is too long for the ring: its whole has `a` bytes, and these are the ones from `b` on. */
const PART = 1
/** The first kind that is the users'. */
export const FIRST_KIND = 2

/** No record is as long as this, its header included: lengths have 24 bits. */
export const MAX_RECORD = 1 << 24
const LONGEST_RECORD = MAX_RECORD - 1
/** The bytes of a link with a ring of `capacity` bytes, a power of two. */
export const linkBytes = (capacity: number): number => RING + capacity

/** What a link counts, by all of its writers and readers so far. */
export const linkCounts = (
  buffer: SharedArrayBuffer,
  byteOffset: number
): { readonly written: number; readonly received: number; readonly lost: number } => {
  const counts = new Float64Array(buffer, byteOffset, RING >> 3)
  return { written: counts[WRITTEN]!, received: counts[RECEIVED]!, lost: counts[LOST]! }
}

const align = (n: number): number => (n + 7) & ~7

/** The longest record that is moved in one piece: there is room for it some time, wherever the ring's end is. */
const longestWhole = (capacity: number): number => capacity >> 2

/** How much of a record of `length` bytes goes into the part that begins at `from`. */
const partLength = (capacity: number, length: number, from: number): number =>
  Math.min(longestWhole(capacity) - HEADER, length - from)

/** What is kept for lack of room: whole records, one after the other, as they will lie in the ring. */
class Kept {
  readonly bytes: Bytes
  readonly words: Int32Array
  /** Where the oldest record begins. */
  start = 0
  /** Where the youngest record ends. */
  end = 0

  constructor(size: number) {
    const buffer = new ArrayBuffer(size)
    this.bytes = new Bytes(buffer)
    this.words = new Int32Array(buffer)
  }
}

/** Bytes of the buffers for what is kept; a longer record gets one of its own. */
const KEPT_BYTES = 1 << 16

/** Writes a value at `offset`, ends before `limit`, and returns where it ended, or -1 if it does not fit. */
export type Encode<A> = (value: A, bytes: Bytes, offset: number, limit: number) => number

export class LinkWriter {
  private readonly words: Int32Array
  private readonly counts: Float64Array
  private readonly bytes: Bytes
  private readonly capacity: number
  private readonly mask: number
  private readonly longest: number
  private tail: number
  private published: number
  /** The reader's position when it was last looked at: never ahead of the truth. */
  private head: number
  /** What is kept for lack of room, the oldest first. */
  private kept: Array<Kept> = []
  private spare: Kept | undefined = undefined
  /** How much of the oldest kept record has been written, in parts. */
  private parted = 0
  /** Whether the flag is up, as far as this writer knows. */
  private starved: boolean

  constructor(buffer: SharedArrayBuffer, byteOffset: number, capacity: number) {
    this.words = new Int32Array(buffer, byteOffset, linkBytes(capacity) >> 2)
    this.counts = new Float64Array(buffer, byteOffset, RING >> 3)
    this.bytes = new Bytes(buffer, byteOffset + RING, capacity)
    this.capacity = capacity
    this.mask = capacity - 1
    this.longest = longestWhole(capacity)
    this.tail = this.published = Atomics.load(this.words, TAIL)
    this.head = Atomics.load(this.words, HEAD)
    // One that ended before may have left it up.
    this.starved = Atomics.load(this.words, STARVED) !== 0
  }

  /** Messages that it was given, by those before it too. */
  get written(): number {
    return this.counts[WRITTEN]!
  }

  /** The next record is a message, or none after all (-1). */
  count(messages: 1 | -1): void {
    this.counts[WRITTEN]! += messages
  }

  /** A handle that no writer of this link has given away. */
  handle(): number {
    return this.words[HANDLES]!++
  }

  /** A correlation that no writer of this link had in use lately. */
  correlation(): number {
    return this.words[CORRELATIONS] = (this.words[CORRELATIONS]! + 1) | 0
  }

  /** Whether anything is kept for lack of room. */
  get keeps(): boolean {
    return this.kept.length > 0
  }

  /** Bytes written that the reader cannot see yet. */
  get unpublished(): number {
    return (this.tail - this.published) | 0
  }

  /** Whether the reader had freed all that was published when it was last heard of: it has nothing to do. */
  get caughtUp(): boolean {
    return Atomics.load(this.words, HEAD) === this.published
  }

  /** Whether nothing is kept or unpublished, and the reader has freed everything. */
  get idle(): boolean {
    return this.kept.length === 0 && this.tail === this.published && this.caughtUp
  }

  /** Whether something is kept, and the reader has freed room since this was last looked at. */
  get unblocked(): boolean {
    return this.kept.length > 0 && this.moved(Atomics.load(this.words, HEAD))
  }

  /**
   * Adds a record; false when it is longer than a record can be. Visible to the reader after `publish`. `encode`
   * may be called more than once.
   */
  add<A>(kind: number, a: number, b: number, c: number, d: number, value: A, encode: Encode<A>): boolean {
    if (this.kept.length === 0) {
      if (this.place(kind, a, b, c, d, value, encode)) return true
      // Perhaps there is room that was not known of.
      if (this.look() && this.place(kind, a, b, c, d, value, encode)) return true
    }
    return this.keep(kind, a, b, c, d, value, encode)
  }

  /** The same, where there is room now: nothing is kept. */
  addNow<A>(kind: number, a: number, b: number, c: number, d: number, value: A, encode: Encode<A>): boolean {
    if (this.kept.length > 0) return false
    return this.place(kind, a, b, c, d, value, encode) ||
      (this.look() && this.place(kind, a, b, c, d, value, encode))
  }

  /** Where the last record ends that was written into the ring. */
  get position(): number {
    return this.tail
  }

  /** Whether all up to this position is published. */
  reached(position: number): boolean {
    return ((this.published - position) | 0) >= 0
  }

  /** Makes what was written visible to the reader; true when there was anything new. */
  publish(): boolean {
    if (this.tail === this.published) return false
    this.published = this.tail
    Atomics.store(this.words, TAIL, this.tail)
    return true
  }

  /** Writes what was kept, as far as there is room now. While some does not fit, the reader tells what it frees. */
  drain(): void {
    while (this.kept.length > 0) {
      const kept = this.kept[0]!
      if (kept.start === kept.end) {
        this.kept.shift()
        if (kept.bytes.u8.length === KEPT_BYTES) this.spare = kept
      } else if (!this.move(kept)) {
        // The reader looks at the flag after it has freed room. It may have done so before the flag was up, so
        // its position is looked at once more.
        this.starve(true)
        if (!this.look()) return
      }
    }
    this.starve(false)
  }

  private starve(starved: boolean): void {
    if (this.starved === starved) return
    this.starved = starved
    Atomics.store(this.words, STARVED, starved ? 1 : 0)
  }

  /** Looks at the reader's position; whether it has freed anything since the last look. */
  private look(): boolean {
    const head = Atomics.load(this.words, HEAD)
    if (!this.moved(head)) return false
    this.head = head
    return true
  }

  /** Whether the reader has got further with this position, which must make sense. */
  private moved(head: number): boolean {
    return ((head - this.head) | 0) > 0 && ((this.published - head) | 0) >= 0 && (head & 7) === 0
  }

  /** Writes a record into the ring, if there is room as far as is known. */
  private place<A>(
    kind: number,
    a: number,
    b: number,
    c: number,
    d: number,
    value: A,
    encode: Encode<A>
  ): boolean {
    const at = this.tail & this.mask
    const room = this.capacity - ((this.tail - this.head) | 0)
    const toEnd = this.capacity - at
    const limit = at + Math.min(room, toEnd, LONGEST_RECORD)
    const end = limit - at < HEADER ? -1 : encode(value, this.bytes, at + HEADER, limit)
    if (end >= 0) {
      this.commit(at, end, kind, a, b, c, d)
      return true
    }
    const before = room - toEnd
    if (before < HEADER) return false
    const wrapped = encode(value, this.bytes, HEADER, Math.min(before, LONGEST_RECORD))
    if (wrapped < 0) return false
    this.pad(at, toEnd)
    this.commit(0, wrapped, kind, a, b, c, d)
    return true
  }

  private commit(at: number, end: number, kind: number, a: number, b: number, c: number, d: number): void {
    const word = (RING + at) >> 2
    header(this.words, word, end - at, kind, a, b, c, d)
    this.tail = (this.tail + align(end - at)) | 0
  }

  private pad(at: number, length: number): void {
    this.words[(RING + at) >> 2] = PAD << 24
    this.tail = (this.tail + length) | 0
  }

  private keep<A>(
    kind: number,
    a: number,
    b: number,
    c: number,
    d: number,
    value: A,
    encode: Encode<A>
  ): boolean {
    const last = this.kept.at(-1)
    if (last !== undefined && append(last, kind, a, b, c, d, value, encode)) return true
    for (let size = KEPT_BYTES; size <= MAX_RECORD; size *= 2) {
      const kept = size === KEPT_BYTES ? this.fresh() : new Kept(size)
      if (append(kept, kind, a, b, c, d, value, encode)) {
        this.kept.push(kept)
        return true
      }
    }
    return false
  }

  private fresh(): Kept {
    const { spare } = this
    if (spare === undefined) return new Kept(KEPT_BYTES)
    this.spare = undefined
    spare.start = spare.end = 0
    return spare
  }

  /** Moves records into the ring, as many as fit in one piece, or a part of one that is too long; false if none. */
  private move(kept: Kept): boolean {
    const at = this.tail & this.mask
    const room = this.capacity - ((this.tail - this.head) | 0)
    const toEnd = this.capacity - at
    const length = kept.words[kept.start >> 2]! & 0xffffff
    if (align(length) > this.longest) return this.movePart(kept, length, at, room, toEnd)
    const fits = room < toEnd ? room : toEnd
    let end = kept.start
    while (end < kept.end) {
      const next = end + align(kept.words[end >> 2]! & 0xffffff)
      if (next - kept.start > fits || next - end > this.longest) break
      end = next
    }
    if (end > kept.start) {
      this.bytes.u8.set(kept.bytes.u8.subarray(kept.start, end), at)
      this.tail = (this.tail + end - kept.start) | 0
      kept.start = end
      return true
    }
    if (room - toEnd < align(length)) return false
    this.pad(at, toEnd)
    return true
  }

  private movePart(kept: Kept, length: number, at: number, room: number, toEnd: number): boolean {
    const part = partLength(this.capacity, length, this.parted)
    const total = align(HEADER + part)
    if (toEnd < total) {
      if (room < toEnd + total) return false
      this.pad(at, toEnd)
      return true
    }
    if (room < total) return false
    const from = kept.start + this.parted
    this.bytes.u8.set(kept.bytes.u8.subarray(from, from + part), at + HEADER)
    this.commit(at, at + HEADER + part, PART, length, this.parted, 0, 0)
    this.parted += part
    if (this.parted === length) {
      this.parted = 0
      kept.start += align(length)
    }
    return true
  }
}

/** Adds a record to what is kept; false if it does not fit. */
const append = <A>(
  kept: Kept,
  kind: number,
  a: number,
  b: number,
  c: number,
  d: number,
  value: A,
  encode: Encode<A>
): boolean => {
  const room = Math.min(kept.bytes.u8.length - kept.end, LONGEST_RECORD)
  if (room < HEADER) return false
  const end = encode(value, kept.bytes, kept.end + HEADER, kept.end + room)
  if (end < 0) return false
  header(kept.words, kept.end >> 2, end - kept.end, kind, a, b, c, d)
  kept.end = align(end)
  return true
}

const header = (
  words: Int32Array,
  word: number,
  length: number,
  kind: number,
  a: number,
  b: number,
  c: number,
  d: number
): void => {
  words[word] = length | (kind << 24)
  words[word + 1] = a
  words[word + 2] = b
  words[word + 3] = c
  words[word + 4] = d
}

/**
 * What a reader gives its records to. `bytes` between `offset` and `end` are the payload, valid during the call, or
 * until it polls the same reader.
 */
export interface Sink {
  record(
    kind: number,
    a: number,
    b: number,
    c: number,
    d: number,
    bytes: Bytes,
    offset: number,
    end: number
  ): void
}

/** The link's bytes do not make sense: its writer is broken or hostile. Not an Error: a caller gives it a context. */
export class CorruptLink {
  readonly position: number
  readonly problem: string
  constructor(position: number, problem: string) {
    this.position = position
    this.problem = problem
  }
}

const none = new Int32Array(0)

export class LinkReader {
  private readonly words: Int32Array
  private readonly counts: Float64Array
  private readonly bytes: Bytes
  private readonly capacity: number
  private readonly mask: number
  private readonly wholes: Wholes
  /** The thread at the other end: whatever `wholes` are to know it by. */
  private readonly from: number
  private head: number
  private released: number
  /** The whole of a record that comes in parts. */
  private whole: Slot | undefined = undefined
  /** Where the record lies that the sink has in hand, if not in the ring. */
  slot: Slot | undefined = undefined
  /** Where messages are counted that took places, and the word of the one in hand; -1 for one that took none. */
  ledger: Int32Array = none
  came = -1

  constructor(
    buffer: SharedArrayBuffer,
    byteOffset: number,
    capacity: number,
    wholes: Wholes = onHeap,
    from = 0
  ) {
    this.words = new Int32Array(buffer, byteOffset, linkBytes(capacity) >> 2)
    this.counts = new Float64Array(buffer, byteOffset, RING >> 3)
    this.bytes = new Bytes(buffer, byteOffset + RING, capacity)
    this.capacity = capacity
    this.mask = capacity - 1
    this.wholes = wholes
    this.from = from
    this.released = Atomics.load(this.words, HEAD)
    // What one that ended before has taken, if that makes sense.
    const taken = (this.words[TAKEN]! - this.released) | 0
    const published = (Atomics.load(this.words, TAIL) - this.released) | 0
    this.head = taken > 0 && taken <= published ? this.words[TAKEN]! : this.released
  }

  /** Messages that came. */
  get received(): number {
    return this.counts[RECEIVED]!
  }

  /** Messages that a writer was given, and that died with its thread. */
  get lost(): number {
    return this.counts[LOST]!
  }

  /** The writer's thread has ended, after `written` messages, and all that it published has been read. */
  lose(written: number): void {
    this.counts[LOST] = written - this.counts[RECEIVED]!
  }

  // The epochs that the writer has told of: here, since a successor of this thread is not told again.

  get fenced(): number {
    return this.words[FENCED]!
  }

  set fenced(epoch: number) {
    this.words[FENCED] = epoch
  }

  get closed(): number {
    return this.words[CLOSED]!
  }

  set closed(epoch: number) {
    this.words[CLOSED] = epoch
  }

  /** The record in hand needs nobody any more: a successor goes on behind it. */
  take(): void {
    if (this.slot === undefined) this.words[TAKEN] = this.head
    else this.slot.take()
  }

  /** The same for a message, which is counted. */
  receive(): void {
    // Side by side, in both cases: there is no death between the two.
    if (this.slot === undefined) this.words[TAKEN] = this.head
    else this.slot.take()
    this.counts[RECEIVED]!++
    if (this.came >= 0) Atomics.add(this.ledger, this.came, 1)
  }

  /** The same for a message that lies elsewhere as soon as this word has this value. */
  receiveInto(words: Int32Array, word: number, value: number): void {
    words[word] = value
    this.words[TAKEN] = this.head
    this.counts[RECEIVED]!++
    if (this.came >= 0) Atomics.add(this.ledger, this.came, 1)
  }

  /** The same for a message that lies in `slot`, where it was put together. */
  receiveWhole(slot: Slot): void {
    slot.wait()
    this.counts[RECEIVED]!++
    if (this.came >= 0) Atomics.add(this.ledger, this.came, 1)
  }

  /** Copies the record in hand, with its header, whose payload lies between `offset` and `end`. */
  copy(offset: number, end: number, into: Int32Array, at: number): void {
    const from = (RING + offset - HEADER) >> 2
    const length = align(end - offset + HEADER) >> 2
    const { words } = this
    if (length > COPIED_SINGLY) into.set(words.subarray(from, from + length), at)
    else for (let i = 0; i < length; i++) into[at + i] = words[from + i]!
  }

  /** Whether there are records that were not read. */
  get ready(): boolean {
    return Atomics.load(this.words, TAIL) !== this.head
  }

  /**
   * Reads up to `limit` records into the sink; how many. Throws a `CorruptLink` where a header makes no sense; what
   * came before it has been read.
   */
  poll(sink: Sink, limit: number): number {
    const tail = Atomics.load(this.words, TAIL)
    if (tail === this.head) return 0
    const published = (tail - this.head) | 0
    if (published < 0 || published > this.capacity || (tail & 7) !== 0) {
      throw new CorruptLink(this.head, `the writer's position ${tail} is out of bounds`)
    }
    let read = 0
    // Not just unequal: a sink that polls may have read beyond what was published when this began.
    while (((tail - this.head) | 0) > 0 && read < limit) {
      const at = this.head & this.mask
      const word = (RING + at) >> 2
      const header = this.words[word]!
      const kind = header >>> 24
      if (kind === PAD) {
        const length = this.capacity - at
        if (((tail - this.head) | 0) < length) {
          throw new CorruptLink(this.head, "a pad passes what was published")
        }
        this.head = (this.head + length) | 0
        continue
      }
      const length = header & 0xffffff
      const total = align(length)
      if (length < HEADER || at + total > this.capacity || total > ((tail - this.head) | 0)) {
        throw new CorruptLink(this.head, `a record of ${length} bytes does not fit`)
      }
      read++
      this.head = (this.head + total) | 0
      if (kind === PART) {
        this.part(sink, this.words[word + 1]!, this.words[word + 2]!, at + HEADER, at + length)
      } else {
        const { words } = this
        sink.record(
          kind,
          words[word + 1]!,
          words[word + 2]!,
          words[word + 3]!,
          words[word + 4]!,
          this.bytes,
          at + HEADER,
          at + length
        )
      }
      // Half a ring at a time: often enough for a writer without room, seldom enough to leave the line alone.
      if (((this.head - this.released) | 0) >= this.capacity >> 1) this.free()
    }
    return read
  }

  /** Frees what was read; true when the writer waits for room and has to be told. */
  release(): boolean {
    this.free()
    return Atomics.load(this.words, STARVED) !== 0
  }

  private free(): void {
    if (this.head === this.released) return
    this.released = this.head
    this.words[TAKEN] = this.head
    Atomics.store(this.words, HEAD, this.head)
  }

  /** Goes on with a record in parts that one before has begun. */
  resume(whole: Slot, sink: Sink): void {
    this.whole = whole
    // Nobody asks whether its first part is there: until then its header is not either, and so not the same.
    if (whole.filled >= HEADER && whole.filled === (whole.chunk.words[whole.record]! & 0xffffff)) {
      this.complete(sink, whole)
    }
  }

  private part(sink: Sink, length: number, from: number, offset: number, end: number): void {
    // The first part. What a writer that ended within a record left of it is forgotten.
    if (from === 0) {
      // A writer that lies about the length gets no more memory than a record may have.
      if (align(length) <= longestWhole(this.capacity) || length > LONGEST_RECORD) {
        throw new CorruptLink(this.head, `a record of ${length} bytes does not come in parts`)
      }
      this.whole?.take()
      this.whole = this.wholes.begin(length, this.from)
    }
    const { whole } = this
    if (
      whole === undefined || whole.length !== align(length) || from !== whole.filled ||
      end - offset !== partLength(this.capacity, length, from)
    ) {
      throw new CorruptLink(this.head, "a part does not belong to its record")
    }
    const filled = from + end - offset
    const { bytes, words } = whole.chunk
    bytes.u8.set(this.bytes.u8.subarray(offset, end), whole.record * 4 + from)
    // Side by side: there is no death between the two.
    words[whole.word + FILLED] = filled
    this.words[TAKEN] = this.head
    if (filled === length) this.complete(sink, whole)
  }

  private complete(sink: Sink, whole: Slot): void {
    this.whole = undefined
    const { bytes, words } = whole.chunk
    const at = whole.record
    const length = words[at]! & 0xffffff
    const kind = words[at]! >>> 24
    if (length !== whole.filled || kind < FIRST_KIND) {
      throw new CorruptLink(this.head, "a whole record is not one")
    }
    this.slot = whole
    try {
      sink.record(
        kind,
        words[at + 1]!,
        words[at + 2]!,
        words[at + 3]!,
        words[at + 4]!,
        bytes,
        at * 4 + HEADER,
        at * 4 + length
      )
    } finally {
      this.slot = undefined
    }
  }
}

/** Words that are copied one by one: a view for more costs more than that. */
const COPIED_SINGLY = 64

/** Where records in parts are put together. */
export interface Wholes {
  /** A PARTIAL slot for a record of `length` bytes from that thread. */
  begin(length: number, from: number): Slot
}

/** For those whose threads have no successors. */
const onHeap: Wholes = {
  begin: (length, from) => {
    const size = SLOT + align(length)
    const chunk = new Chunk(0, new ArrayBuffer(FIRST + size), undefined)
    const word = chunk.lay(size, PARTIAL, from)
    chunk.words[USED] = chunk.used
    return new Slot(chunk, word)
  }
}
