/**
 * Events, snapshots and states of many ids in one channel, and the index that finds them again.
 *
 * What an id has is what the records of the channel say, read from its beginning; the index is made so when the log is
 * opened, and kept in memory. Nothing in a file is changed: what was given up stays until the file that it lies in holds
 * little that is alive. Then that is written once more at the end, and the file goes.
 */
import * as Codec from "@troupe/runtime/Codec"
import * as Schema from "effect/Schema"
import type * as Channel from "../Channel.ts"
import * as Format from "../Format.ts"
import type { Scanner } from "./hot/scanner.ts"
import { FOUND_RECORD } from "./hot/segment.ts"
import * as Files from "./segmentFile.ts"

const Record = Schema.Union([
  /** Events that were written at once; `after` is the sequence before the first. */
  Schema.TaggedStruct("Events", {
    id: Schema.String,
    after: Schema.Int,
    at: Schema.Number,
    events: Schema.Array(Schema.Uint8Array)
  }),
  /** An id's events up to this sequence were given up, and its last event was that one. */
  Schema.TaggedStruct("Discarded", { id: Schema.String, upTo: Schema.Int, last: Schema.Int }),
  Schema.TaggedStruct("Snapshot", {
    id: Schema.String,
    sequence: Schema.Int,
    at: Schema.Number,
    bytes: Schema.Uint8Array
  }),
  Schema.TaggedStruct("SnapshotsDiscarded", { id: Schema.String, upTo: Schema.Int }),
  Schema.TaggedStruct("State", {
    id: Schema.String,
    revision: Schema.Int,
    at: Schema.Number,
    bytes: Schema.Uint8Array
  }),
  Schema.TaggedStruct("StateRemoved", { id: Schema.String })
])
export type Record = typeof Record.Type

/** What the channel of a log holds. */
export const format: Format.Format<Record> = Format.schema(Record)

const codec = Codec.make(Record)

/** A record that is alive: somebody may want to read it. */
interface Live {
  position: number
  readonly size: number
}

interface Write extends Live {
  readonly after: number
  readonly count: number
}

interface Snapshot extends Live {
  readonly sequence: number
}

interface State extends Live {
  readonly revision: number
}

/** What the log has of an id. */
interface Entry {
  /** The sequence of its last event. */
  last: number
  /** Its events up to this one were given up. */
  discarded: number
  /** Says the two above where no event does; what has to outlive the events. */
  head: Live | undefined
  /** In the order of their sequences. */
  writes: Array<Write>
  /** In the order of their sequences. */
  snapshots: Array<Snapshot>
  state: State | undefined
}

/** A file that is read from. */
interface Opened {
  readonly segment: Files.Segment
  readonly scanner: Scanner<Codec.Bytes>
}

/** What the index knows of is not where it was: somebody has changed the files. */
export class Lost extends Error {
  constructor(position: number) {
    super(`what was written at position ${position} is no longer there`)
  }
}

/** Files that are kept open for reading. */
const OPEN_FILES = 16

/** A file goes when less than this part of it is alive. */
const SPARSE = 0.25

export class DiskLog {
  readonly #writer: Channel.Writer<Record>
  readonly #directory: string
  readonly #trim: (position: number) => void
  readonly #entries = new Map<string, Entry>()
  /** Bytes that are alive, by the number of their file. */
  readonly #alive = new Map<number, number>()
  readonly #capacity: number
  /** The files that records were read from lately, the last one at the end. */
  readonly #open = new Map<number, Opened>()
  /** The oldest file that is there. */
  #oldest: number
  /** The file that was written last. */
  #newest: number
  #compacting = false

  /**
   * Reads the whole log: throws a `ChannelError` where it is damaged. `trim` removes what is before a position when what
   * was written up to now is as safe as it is to be.
   */
  constructor(options: {
    readonly directory: string
    readonly writer: Channel.Writer<Record>
    readonly reader: Channel.Reader<Record>
    readonly trim: (position: number) => void
  }) {
    const { directory, reader, trim, writer } = options
    this.#directory = directory
    this.#writer = writer
    this.#trim = trim
    this.#capacity = writer.metadata.capacity
    this.#oldest = this.#fileOf(reader.position)
    while (reader.pollUnsafe((record, position) => this.#apply(record, position)) > 0);
    this.#newest = this.#fileOf(writer.position)
    // Whoever takes over begins a file: with those that ended early, deaths would fill the disk.
    this.#compact()
  }

  get ids(): ReadonlyArray<string> {
    return Array.from(this.#entries).filter(([, { last }]) => last > 0).map(([id]) => id)
  }

  last(id: string): number {
    return this.#entries.get(id)?.last ?? 0
  }

  revision(id: string): number {
    return this.#entries.get(id)?.state?.revision ?? 0
  }

  sequences(id: string): ReadonlyArray<number> {
    return this.#entries.get(id)?.snapshots.map(({ sequence }) => sequence) ?? []
  }

  /** Writes a record. Throws a `ChannelError`, and then nothing has changed. */
  write(record: Record): void {
    this.#apply(record, this.#writer.appendUnsafe(record))
    const newest = this.#fileOf(this.#writer.position)
    if (newest === this.#newest) return
    this.#newest = newest
    this.#compact()
  }

  /** Up to where an id's events were given up. */
  discarded(id: string): number {
    return this.#entries.get(id)?.discarded ?? 0
  }

  /** The events of an id after a sequence, of a few writes, and of one at least if there is one. */
  read(
    id: string,
    after: number,
    writes: number
  ): ReadonlyArray<Extract<Record, { readonly _tag: "Events" }>> {
    const all = this.#entries.get(id)?.writes ?? []
    const first = firstWhere(all, (write) => write.after + write.count > after)
    return all.slice(first, first + writes).map(({ position }) => this.#recordAt(position, "Events"))
  }

  snapshot(id: string): Extract<Record, { readonly _tag: "Snapshot" }> | undefined {
    const live = this.#entries.get(id)?.snapshots.at(-1)
    return live && this.#recordAt(live.position, "Snapshot")
  }

  state(id: string): Extract<Record, { readonly _tag: "State" }> | undefined {
    const live = this.#entries.get(id)?.state
    return live && this.#recordAt(live.position, "State")
  }

  /** Closes the files that it reads from. */
  close(): void {
    for (const { segment } of this.#open.values()) segment.close()
    this.#open.clear()
  }

  /** The record that `apply` was told lies there. */
  #recordAt<Tag extends Record["_tag"]>(
    position: number,
    tag: Tag
  ): Extract<Record, { readonly _tag: Tag }> {
    const { scanner, segment } = this.#opened(this.#fileOf(position))
    scanner.offset = segment.offsetOf(position)
    const found = scanner.look() === FOUND_RECORD
      ? codec.decode(scanner.bytes, scanner.start, scanner.end)
      : undefined
    if (found?._tag !== tag) throw new Lost(position)
    return found as Extract<Record, { readonly _tag: Tag }>
  }

  #opened(file: number): Opened {
    let opened = this.#open.get(file)
    if (opened === undefined) {
      const segment = Files.open(this.#directory, file * this.#capacity, "read")
      opened = { segment, scanner: segment.scanner(0) }
    }
    this.#open.delete(file)
    this.#open.set(file, opened)
    if (this.#open.size > OPEN_FILES) this.#shut(this.#open.keys().next().value!)
    return opened
  }

  #shut(file: number): void {
    this.#open.get(file)?.segment.close()
    this.#open.delete(file)
  }

  #fileOf(position: number): number {
    return Math.floor(position / this.#capacity)
  }

  #entryOf(id: string): Entry {
    let entry = this.#entries.get(id)
    if (entry === undefined) {
      entry = { last: 0, discarded: 0, head: undefined, writes: [], snapshots: [], state: undefined }
      this.#entries.set(id, entry)
    }
    return entry
  }

  /** Takes a record into the index. */
  #apply(record: Record, position: number): void {
    const entry = this.#entryOf(record.id)
    switch (record._tag) {
      case "Events": {
        const size = record.events.reduce((sum, event) => sum + event.length + 4, 32 + record.id.length)
        const write = { position, size, after: record.after, count: record.events.length }
        // At the end, but for those that were written once more.
        const at = entry.last <= record.after
          ? entry.writes.length
          : firstWhere(entry.writes, ({ after }) => after >= record.after)
        const known = entry.writes[at]
        // Written once more, by a compaction: the older one is in a file that goes, or would have.
        if (known?.after === record.after) this.#move(known, position)
        else if (record.after + write.count > entry.discarded) {
          entry.writes.splice(at, 0, write)
          this.#count(write, 1)
        }
        entry.last = Math.max(entry.last, write.after + write.count)
        return
      }
      case "Discarded": {
        entry.discarded = Math.max(entry.discarded, record.upTo)
        entry.last = Math.max(entry.last, record.last)
        entry.writes = this.#without(entry.writes, (write) => write.after + write.count <= entry.discarded)
        if (entry.head !== undefined) this.#count(entry.head, -1)
        entry.head = { position, size: 32 + record.id.length }
        this.#count(entry.head, 1)
        return
      }
      case "Snapshot": {
        const { sequence } = record
        entry.snapshots = this.#without(entry.snapshots, (one) => one.sequence === sequence)
        const snapshot = { position, size: record.bytes.length + 32 + record.id.length, sequence }
        entry.snapshots.push(snapshot)
        entry.snapshots.sort((a, b) => a.sequence - b.sequence)
        this.#count(snapshot, 1)
        return
      }
      case "SnapshotsDiscarded":
        entry.snapshots = this.#without(entry.snapshots, ({ sequence }) => sequence <= record.upTo)
        return
      case "State":
      case "StateRemoved":
        if (entry.state !== undefined) this.#count(entry.state, -1)
        if (record._tag === "StateRemoved") entry.state = undefined
        else {
          entry.state = {
            position,
            size: record.bytes.length + 32 + record.id.length,
            revision: record.revision
          }
          this.#count(entry.state, 1)
        }
    }
  }

  #without<A extends Live>(all: ReadonlyArray<A>, gone: (one: A) => boolean): Array<A> {
    return all.filter((one) => {
      if (!gone(one)) return true
      this.#count(one, -1)
      return false
    })
  }

  #count(live: Live, sign: number): void {
    const file = this.#fileOf(live.position)
    this.#alive.set(file, (this.#alive.get(file) ?? 0) + sign * live.size)
  }

  #move(live: Live, position: number): void {
    this.#count(live, -1)
    live.position = position
    this.#count(live, 1)
  }

  /** Frees the oldest files, as long as little in them is alive. What is, is written once more before. */
  #compact(): void {
    // What it writes may fill a file itself.
    if (this.#compacting) return
    this.#compacting = true
    const before = this.#oldest
    try {
      while (this.#oldest < this.#newest && (this.#alive.get(this.#oldest) ?? 0) < this.#capacity * SPARSE) {
        const end = (this.#oldest + 1) * this.#capacity
        for (const [id, entry] of this.#entries) this.#rescue(id, entry, end)
        this.#alive.delete(this.#oldest)
        this.#shut(this.#oldest)
        this.#oldest++
      }
    } catch {
      // The write that brought it here is done. With the next file it is tried again.
    } finally {
      this.#compacting = false
    }
    if (this.#oldest > before) this.#trim(this.#oldest * this.#capacity)
  }

  /** Writes once more what an id has before a position. */
  #rescue(id: string, entry: Entry, end: number): void {
    const old = ({ position }: Live): boolean => position < end
    const { discarded, head, last, snapshots, state, writes } = entry
    // It says what the events before it no longer can.
    if (head !== undefined && old(head)) this.write({ _tag: "Discarded", id, upTo: discarded, last })
    for (const one of writes.filter(old)) this.write(this.#recordAt(one.position, "Events"))
    for (const one of snapshots.filter(old)) this.write(this.#recordAt(one.position, "Snapshot"))
    if (state !== undefined && old(state)) this.write(this.#recordAt(state.position, "State"))
  }
}

/** The index of the first of `all`, which are in order, that a predicate holds for; their number if there is none. */
const firstWhere = <A>(all: ReadonlyArray<A>, holds: (one: A) => boolean): number => {
  let from = 0
  let to = all.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (holds(all[middle]!)) to = middle
    else from = middle + 1
  }
  return from
}
