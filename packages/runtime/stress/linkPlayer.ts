/**
 * One side of a case: sends its records, checks what it receives, and sleeps when there is nothing to do, the way
 * `internal/mesh.ts` does it.
 */
import type { Bytes } from "../src/internal/hot/bytes.ts"
import { Doorbell } from "../src/internal/hot/doorbell.ts"
import {
  CorruptLink,
  type Encode,
  FIRST_KIND,
  type LinkReader,
  type LinkWriter,
  type Sink
} from "../src/internal/hot/link.ts"
import { type Case, checksum, DONE, type Field, generator, Records, RUNNING, SLEEPING } from "./linkCase.ts"
import { makeReader, makeWriter } from "./linkMutants.ts"

/** Rounds before the event loop has its turn. */
const ROUNDS = 200

export const encodeRecord: Encode<Records> = (records, bytes, offset, limit) => {
  const end = offset + records.length
  if (end > limit) return -1
  for (let i = 0; i < records.length; i++) bytes.u8[offset + i] = records.bytes[i]!
  return end
}

/** Adds record `n` to a link. */
export const send = (writer: LinkWriter, records: Records, n: number): void => {
  records.make(n)
  writer.add(FIRST_KIND + (n & 63), n, records.mark, records.length, records.checksum, records, encodeRecord)
}

/** Checks that records come one after the other, whole. */
export class Checker implements Sink {
  private readonly records: Records
  received = 0

  constructor(records: Records) {
    this.records = records
  }

  record(
    kind: number,
    a: number,
    b: number,
    c: number,
    d: number,
    bytes: Bytes,
    offset: number,
    end: number
  ): void {
    const n = this.received++
    const { records } = this
    if (a !== n) throw new Forbidden(`record ${n} was to come, and ${a} came: lost, doubled or reordered`)
    records.make(n)
    const whole = kind === FIRST_KIND + (n & 63) && b === records.mark && c === end - offset &&
      c === records.length && d === records.checksum && d === checksum(bytes.u8, offset, end)
    if (!whole) throw new Forbidden(`record ${n} is torn`)
  }
}

/** Something that must not happen has happened. */
class Forbidden {
  readonly what: string
  constructor(what: string) {
    this.what = what
  }
}

export class Player {
  private readonly play: Case
  private readonly field: Field
  private readonly me: number
  private readonly over: (failure: string | undefined) => void
  private readonly writer: LinkWriter
  private readonly reader: LinkReader
  private readonly mine: Doorbell
  private readonly theirs: Doorbell
  private readonly outgoing: Records
  private readonly checker: Checker
  private readonly random: () => number
  private sent = 0
  private looked = 0

  constructor(play: Case, field: Field, me: number, over: (failure: string | undefined) => void) {
    const you = 1 - me
    this.play = play
    this.field = field
    this.me = me
    this.over = over
    this.random = generator(play.seed + 7 * me)
    const { capacity, mutant } = play
    this.writer = makeWriter(field.memory, field.link(me), capacity, this.dawdle, mutant)
    this.reader = makeReader(field.memory, field.link(you), capacity, this.dawdle, mutant)
    this.mine = new Doorbell(field.words, field.bell(me))
    this.theirs = new Doorbell(field.words, field.bell(you))
    this.outgoing = new Records(play, me)
    this.checker = new Checker(new Records(play, you))
  }

  readonly run = (): void => {
    try {
      for (let round = 0; round < ROUNDS; round++) {
        Atomics.add(this.field.words, this.field.rounds(this.me), 1)
        this.send()
        const read = this.poll()
        this.flush()
        if (this.done) return this.end(undefined)
        if (read === 0 && !this.sending && !this.idle()) return
      }
    } catch (error) {
      if (error instanceof Forbidden) return this.end(error.what)
      if (error instanceof CorruptLink) return this.end(`corrupt at ${error.position}: ${error.problem}`)
      return this.end(String(error))
    }
    setImmediate(this.run)
  }

  private get done(): boolean {
    const { checker, me, play, sent, writer } = this
    return sent === play.records[me] && checker.received === play.records[1 - me]! && !writer.keeps
  }

  private end(failure: string | undefined): void {
    this.state(DONE)
    this.over(failure)
  }

  private state(state: number): void {
    Atomics.store(this.field.words, this.field.state(this.me), state)
  }

  /** Whether it may send a record now. */
  private get sending(): boolean {
    const { checker, me, play, sent, writer } = this
    return sent < play.records[me]! && sent - checker.received < play.window &&
      !(play.patient && writer.keeps)
  }

  /** Sends a few records, if it may. */
  private send(): void {
    for (let burst = 1 + (this.random() % 40); burst > 0 && this.sending; burst--) {
      send(this.writer, this.outgoing, this.sent++)
      if (this.random() % 8 === 0) this.flush()
    }
  }

  private poll(): number {
    this.dawdle()
    const read = this.reader.poll(this.checker, this.play.poll)
    if (read > 0 && this.reader.release()) this.theirs.ring()
    return read
  }

  private flush(): void {
    const { writer } = this
    if (writer.keeps) writer.drain()
    if (this.play.mutant === "ring before publish") {
      if (writer.unpublished === 0) return
      this.theirs.ring()
      this.dawdle()
      writer.publish()
      return
    }
    if (writer.publish()) this.theirs.ring()
  }

  /** Nothing to do: looks a few times, then sleeps. True if there is something after all. */
  private idle(): boolean {
    if (this.looked < this.play.looks) {
      this.looked++
      this.dawdle()
      return true
    }
    this.looked = 0
    this.dawdle()
    this.mine.announce()
    if (this.play.mutant !== "no second look") {
      this.dawdle()
      if (this.look()) {
        this.mine.stay()
        return true
      }
    }
    this.mine.sleep(this.wake)
    this.state(SLEEPING)
    return false
  }

  private look(): boolean {
    return this.reader.ready || this.writer.unblocked
  }

  private readonly wake = (): void => {
    this.state(RUNNING)
    this.run()
  }

  /** Dawdles until the other thread has gone around, or turned its bell, and a little longer; or for a while. */
  private readonly dawdle = (): void => {
    const { field, me, play } = this
    if (play.dawdle === 0 || this.random() % 4 !== 0) return
    const { words } = field
    const word = this.random() % 2 === 0 ? field.rounds(1 - me) : field.bell(1 - me)
    const before = Atomics.load(words, word)
    for (let i = play.dawdle; i > 0 && Atomics.load(words, word) === before; i--);
    for (let i = this.random() % 64; i > 0; i--) Atomics.load(words, word)
  }
}
