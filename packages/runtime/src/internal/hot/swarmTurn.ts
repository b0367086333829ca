/**
 * A turn of one chunk: first the messages for its rows, then the broadcasts, each row after row.
 *
 * **Contract**: one thread at a time runs a chunk. It changes rows and marks of that chunk, and nothing else: what
 * concerns others goes into the outputs.
 * **Invariant**: which rows there are does not change during a turn; a row whose instance has ended is marked. A row
 * is as its handler left it, or, if that threw, crashed or went on in an effect, as it was before that message; only
 * handlers of whole columns leave behind what they wrote before they threw.
 * **Ordering**: messages in the order of the inbox, broadcasts in the order in which they were sent.
 * **Allocation**: none a message, unless a handler asks for something. A copy of the chunk is kept for broadcasts of
 * shapes without managed memory; elsewhere the cursor keeps what is overwritten.
 * **Evidence**: `test/Swarm.property.test.ts` compares it with objects, on workers, too; `swarm.broadcast`, `swarm.tell`.
 */
import { BUSY, Chunk, type Cursor, ENDED, FAILED, type Loop, type Rows, shape } from "./columns.ts"
import { Heap } from "./heap.ts"
import { CRASH as CRASHED, DEAD, EFFECT, END, FAILURE, OWE, SUCCESS, SwarmOutputs } from "./swarmOutputs.ts"
import * as Outputs from "./swarmOutputs.ts"
import { CRASH, FAIL, LATER, NEXT, REPLY, Step, STOP, UNHANDLED } from "./step.ts"

/** A message's handler for one row, and for whole columns. */
export interface Handling {
  readonly row: (view: any, payload: any, context: any) => unknown
  readonly columns: ((columns: any, from: number, to: number, payload: any, context: any) => void) | undefined
  /** Also handled by an instance that has failed. */
  readonly essential: boolean
}

/** What becomes of an instance whose handler has failed. */
export type Policy = "end" | "keep" | "stop" | "postMortem"

/** Messages for the rows of a chunk. */
export interface Deal<R> {
  readonly order: Uint32Array
  readonly rows: Uint32Array
  readonly told: Uint32Array
  /** The payload of message k is at k - `first`. */
  readonly content: ReadonlyArray<unknown>
  readonly first: number
  readonly repliers: ReadonlyMap<number, R>
  readonly size: number
}

export interface Broadcast {
  readonly message: number
  readonly payload: unknown
}

/** What handlers are given besides the row. */
export interface Context {
  settle(result: unknown): void
  /** It goes with an effect from now on: the row in hand is the one of the cursor, wherever the turn goes. */
  depart(turn: SwarmTurn<any>, cursor: Cursor): void
  /** The effect is done. */
  arrive(turn: SwarmTurn<any>): void
}

/** A handler's effect, with the row that it works on: a copy, which takes the row's place when the effect is done. */
export class Flight {
  readonly effect: unknown
  readonly cursor: Cursor
  readonly context: Context
  constructor(effect: unknown, cursor: Cursor, context: Context) {
    this.effect = effect
    this.cursor = cursor
    this.context = context
  }
}

/** Wraps the error of a deliberate crash. */
class Crash {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

const HEAP_BYTES = 1024

/** Is called where handlers of whole columns are. */
const nothing = (): void => {}

/** A chunk of one row, of plain memory: where effects work. */
export const single = (rows: Rows): Chunk => {
  const { byteLength, columns } = shape(rows.shape.columns, 1)
  const heap = rows.shape.managed
    ? new Heap(HEAP_BYTES, { buffer: new ArrayBuffer(HEAP_BYTES), byteOffset: 0, byteLength: HEAP_BYTES })
    : undefined
  return new Chunk({ ...rows.shape, byteLength, columns, rows: 1 }, new ArrayBuffer(byteLength), 0, heap)
}

/** Runs chunks, on one thread. */
export class SwarmTurn<R> {
  private readonly rows: Rows
  private readonly handling: ReadonlyArray<Handling>
  private readonly policy: Policy
  private readonly loops: Array<Loop | undefined> = []
  /** A chunk as it was before a broadcast. */
  private readonly before: Chunk | undefined
  /** From where on a chunk's bytes are columns. */
  private readonly columnsFrom: number
  out: SwarmOutputs = new SwarmOutputs()
  cursor: Cursor
  context: Context
  private readonly makeContext: (turn: SwarmTurn<R>) => Context
  /** Views and contexts that are free again. */
  private readonly idle: Array<Hand> = []
  seed = 0
  turn = 0
  /** The number of what is handled in this turn: makes its random numbers its own. */
  ordinal = 0
  message = 0
  payload: unknown = undefined
  asker: R | undefined = undefined
  /** Version of a slot. */
  version: (slot: number) => number = () => 0
  /** What was handled, by the places of the messages in the protocol. */
  readonly handled: Float64Array
  /** What broadcasts have made instances of messages: handled, or said to be later or never. */
  swept = 0
  failed = 0

  constructor(
    rows: Rows,
    handling: ReadonlyArray<Handling>,
    policy: Policy,
    makeContext: (turn: SwarmTurn<R>) => Context
  ) {
    this.handled = new Float64Array(handling.length)
    this.makeContext = makeContext
    this.context = makeContext(this)
    this.rows = rows
    this.handling = handling
    this.policy = policy
    this.cursor = rows.cursor(single(rows))
    this.columnsFrom = rows.shape.columns[0]?.at ?? 0
    this.before = rows.shape.managed
      ? undefined
      : new Chunk(rows.shape, new ArrayBuffer(rows.shape.byteLength), 0, undefined)
  }

  /** The slot of the row in hand. */
  get slot(): number {
    return this.cursor.chunk.slots[this.cursor.r]!
  }

  /** Handles what there is for one chunk. */
  run(
    chunk: Chunk,
    size: number,
    deal: Deal<R>,
    from: number,
    to: number,
    broadcasts: ReadonlyArray<Broadcast>
  ): void {
    this.cursor.enter(chunk)
    if (from < to) this.messages(chunk, deal, from, to)
    for (let b = 0; b < broadcasts.length; b++) {
      const { message, payload } = broadcasts[b]!
      this.ordinal = deal.size + b
      this.message = message
      this.payload = payload
      this.asker = undefined
      this.broadcast(chunk, size, message, payload)
    }
  }

  private messages(chunk: Chunk, deal: Deal<R>, from: number, to: number): void {
    const { handling } = this
    const { content, first, order, repliers, rows, told } = deal
    const asked = repliers.size > 0
    const mask = this.rows.shape.rows - 1
    const { managed } = this.rows.shape
    const { marks } = chunk
    for (let k = from; k < to; k++) {
      const row = rows[k]! & mask
      const head = told[k]!
      const message = head & 0xffff
      const payload = content[k - first]
      const handler = handling[message]!
      this.asker = asked ? repliers.get(order[k]!) : undefined
      this.message = message
      this.payload = payload
      if (marks[row] !== 0 && this.special(chunk, row, message, head, payload)) continue
      const { cursor } = this
      cursor.r = row
      cursor.d0 = 0
      cursor.d1 = 0
      this.ordinal = order[k]!
      this.handled[message]!++
      try {
        const result = handler.row(cursor.view, payload, this.context)
        if (result !== undefined || this.asker !== undefined) this.settle(result)
        else if (managed) cursor.commit()
      } catch (error) {
        this.caught(chunk, error, false)
      }
    }
  }

  /** Whether a marked row's message is dealt with. */
  private special(chunk: Chunk, row: number, message: number, head: number, payload: unknown): boolean {
    const mark = chunk.marks[row]!
    const slot = chunk.slots[row]!
    if ((mark & ENDED) !== 0) {
      this.out.add(DEAD, slot, message, this.asker, payload)
      return true
    }
    if ((mark & BUSY) !== 0) {
      this.out.add(Outputs.AGAIN, slot, head, this.asker, payload)
      return true
    }
    if (this.handling[message]!.essential) return false
    this.out.add(DEAD, slot, message, this.asker, payload)
    return true
  }

  private broadcast(chunk: Chunk, size: number, message: number, payload: unknown): void {
    const { columns, row: handler } = this.handling[message]!
    if (columns !== undefined && chunk.marked === 0) {
      this.handled[message]! += size
      this.swept += size
      this.whole(chunk, size, columns, payload)
      return
    }
    const loop = this.loops[message] ??= this.rows.loop()
    const { before } = this
    if (before !== undefined) {
      before.bytes.set(chunk.bytes.subarray(this.columnsFrom), this.columnsFrom)
    }
    let from = 0
    while (from < size) {
      let to = size
      if (chunk.marked > 0) {
        if (chunk.marks[from] !== 0) {
          const head = this.version(chunk.slots[from]!) << 16 | message
          const ended = (chunk.marks[from]! & ENDED) !== 0
          if (ended || this.special(chunk, from, message, head, payload)) {
            if (!ended) this.swept++
            from++
            continue
          }
        }
        to = from + 1
        while (to < size && chunk.marks[to] === 0) to++
      }
      const { cursor } = this
      cursor.d0 = before === undefined ? 0 : -1
      cursor.d1 = cursor.d0
      try {
        loop(cursor, cursor.view, from, to, handler, payload, this.context)
        this.handled[message]! += to - from
        this.swept += to - from
        from = to
      } catch (error) {
        const at = cursor.r
        this.handled[message]! += at + 1 - from
        this.swept += at + 1 - from
        this.caught(chunk, error, true, at)
        from = at + 1
      }
    }
  }

  /** A handler of whole columns: no copy is made for it, and if it throws, rows are as it left them. */
  private whole(
    chunk: Chunk,
    size: number,
    handler: NonNullable<Handling["columns"]>,
    payload: unknown
  ): void {
    try {
      const columns = this.rows.named(chunk)
      // One place that calls two functions, so that V8 inlines neither: inlined here, inside of a `try`, the handler's
      // loop takes 2.8 ns a row, and compiled by itself 1.0, as a bare one does.
      for (const call of [nothing, handler]) call(columns, 0, size, payload, this.context)
    } catch (error) {
      // It is no single instance's failure: each of the chunk's has failed.
      for (let row = 0; row < size; row++) {
        this.cursor.r = row
        this.fail(chunk, row, error)
      }
    }
  }

  /** What a handler has returned. */
  settle(result: unknown): void {
    const { asker, cursor } = this
    if (result instanceof Step) {
      const { kind, state, value } = result
      if (kind === CRASH) throw new Crash(value)
      if (kind !== STOP && state !== cursor.view && state !== undefined) cursor.write(state)
      switch (kind) {
        case NEXT:
          if (asker !== undefined) this.out.add(SUCCESS, this.slot, this.message, asker, undefined)
          break
        case REPLY:
          if (asker !== undefined) this.out.add(SUCCESS, this.slot, this.message, asker, value)
          break
        case FAIL:
          this.out.add(FAILURE, this.slot, this.message, asker, value)
          break
        case LATER:
          if (asker !== undefined) this.out.add(OWE, this.slot, 0, asker, undefined)
          break
        case STOP:
          this.end()
          if (asker !== undefined) this.out.add(SUCCESS, this.slot, this.message, asker, value)
          break
        case UNHANDLED:
          this.out.add(Outputs.UNHANDLED, this.slot, this.message, asker, this.payload)
          break
        default:
          throw new TypeError("an instance of a swarm neither becomes, nor stashes, nor forks")
      }
      if (this.rows.shape.managed) cursor.commit()
    } else if (result === undefined) {
      if (asker !== undefined) this.out.add(SUCCESS, this.slot, this.message, asker, undefined)
      if (this.rows.shape.managed) cursor.commit()
    } else {
      this.fly(result)
    }
  }

  /** The instance in hand ends with this turn. */
  end(): void {
    const { chunk, r } = this.cursor
    if ((chunk.marks[r]! & ENDED) !== 0) return
    chunk.mark(r, ENDED)
    this.out.add(END, chunk.slots[r]!, 0, undefined, undefined)
  }

  /** The handler goes on in an effect: on a copy of the row, with the view that it has. */
  private fly(effect: unknown): void {
    const { cursor, idle, rows } = this
    const { chunk, r } = cursor
    const next = idle.pop() ?? { cursor: rows.cursor(single(rows)), context: this.makeContext(this) }
    const alone = next.cursor.chunk
    rows.copy(chunk, r, alone, 0)
    chunk.mark(r, BUSY)
    alone.slots[0] = chunk.slots[r]!
    throw new Departure(effect, alone, next)
  }

  private caught(chunk: Chunk, error: unknown, swept: boolean, row = this.cursor.r): void {
    const { before, cursor } = this
    // With a copy of the chunk the cursor has kept nothing.
    if (swept && before !== undefined) this.rows.copy(before, row, chunk, row)
    else cursor.rollback()
    if (error instanceof Departure) {
      // The view that the effect has now stands on the copy; another one goes on here.
      const { alone, effect, next } = error
      const { context } = this
      cursor.enter(alone)
      cursor.r = 0
      cursor.d0 = 0
      cursor.d1 = 0
      context.depart(this, cursor)
      this.cursor = next.cursor
      this.context = next.context
      this.cursor.enter(chunk)
      const flight = new Flight(effect, cursor, context)
      this.out.add(EFFECT, chunk.slots[row]!, this.message, this.asker, flight)
      return
    }
    this.fail(chunk, row, error)
  }

  private fail(chunk: Chunk, row: number, error: unknown): void {
    this.failed++
    const slot = chunk.slots[row]!
    this.out.add(CRASHED, slot, this.message, this.asker, error instanceof Crash ? error.error : error)
    if (this.policy === "keep" || (chunk.marks[row]! & ENDED) !== 0) return
    if (this.policy === "end") {
      chunk.mark(row, ENDED)
      this.out.add(END, slot, 0, undefined, undefined)
    } else chunk.mark(row, FAILED)
  }

  /** An effect is done: its view and its context are free. */
  land({ context, cursor }: Flight): void {
    context.arrive(this)
    // Managed values of an effect go with its row.
    if (this.idle.length < 64 && !this.rows.shape.managed) this.idle.push({ cursor, context })
  }
}

interface Hand {
  readonly cursor: Cursor
  readonly context: Context
}

/** Thrown out of a loop: the handler goes on in an effect, and has taken view and context along. */
class Departure {
  readonly effect: unknown
  readonly alone: Chunk
  readonly next: Hand
  constructor(effect: unknown, alone: Chunk, next: Hand) {
    this.effect = effect
    this.alone = alone
    this.next = next
  }
}

/** A number from 0 to 1 that depends on nothing but these: the same on every thread. */
export const random = (
  seed: number,
  slot: number,
  version: number,
  turn: number,
  ordinal: number,
  n: number
): number => {
  let h = mix(seed ^ 0x9e3779b9, slot)
  h = mix(h, version << 24 ^ n)
  h = mix(h, turn)
  h = mix(h, ordinal)
  // 53 bits: one more round for the lower ones.
  const low = mix(h, 0x2545f491)
  return ((h >>> 5) * 67108864 + (low >>> 6)) / 9007199254740992
}

/** A round of murmur3's finalizer over both. */
const mix = (h: number, k: number): number => {
  h = Math.imul(h ^ k, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
