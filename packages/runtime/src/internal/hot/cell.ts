/**
 * The actor cell: state, status and mailbox of one actor on this thread.
 *
 * **Contract**: one thread. Only the dispatcher changes `status`, `state` and the mailbox.
 * **Invariant**: a cell stands in the run queue while its status is READY, or SIGNALLED outside its turn; one that was
 * taken out of these, and is back, stands there twice, and has its second turn for nothing. Messages are kept in a
 * circular buffer of three slots each (message, payload, replier); slots that hold no message are undefined.
 * **Ordering**: first in, first out.
 * **Allocation**: none a message. A buffer is borrowed from the dispatcher's pool when the first message arrives
 * and given back when the last one is handled, so that an idle actor holds none.
 * **Evidence**: `test/hot/dispatcher.test.ts` compares it with a plain array; `local.bytes.idle`, `local.tell.plain`.
 */

/** A declared message, as the kernel needs it: its place in the handler table. */
export interface Message {
  readonly index: number
}

/**
 * What the system tells an actor. Signals wait in a lane of their own, which is never full, and go before every message
 * that waits; among themselves they keep their order. Only a message in hand, its effect included, is not interrupted.
 */
export interface Signal extends Message {
  /** What it is about, where that is a message's payload. */
  readonly payload?: unknown
  /** What a handler is to a message: gives a step, or an effect of one. */
  handle(state: unknown, cell: unknown): unknown
}

/** Who awaits an answer. Exactly one of the three is called, once; later calls are ignored. */
export interface Replier {
  succeed(value: unknown): void
  /** The message's declared error. */
  fail(error: unknown): void
  /** No answer will come; `reason` says why. */
  abandon(reason: unknown): void
}

/** A handler; its context is the cell itself. */
export type Handler = (state: unknown, payload: unknown, cell: unknown) => unknown

/** Nothing to do, not queued. */
export const IDLE = 0
/** Waits in the run queue. */
export const READY = 1
/** In its turn, now. */
export const RUNNING = 2
/** An effect of it is in flight: messages wait. */
export const BUSY = 3
/** Its start is in flight: messages wait. */
export const STARTING = 4
/** Waits in the run queue, or is in its turn, and has a signal, which goes before the next message. */
export const SIGNALLED = 5
/** Its overseer decides what becomes of it: messages wait, and what was in hand takes no step any more. */
export const HELD = 6
/** Told to end: takes no more messages. */
export const ENDING = 7
/** Ended. */
export const ENDED = 8

/** Slots a message takes in the mailbox. */
export const STRIDE = 3
const EMPTY: Array<unknown> = []

export class Cell {
  status: number
  state: unknown = undefined
  /** The handler table; undefined until the actor has started. */
  handlers: ReadonlyArray<Handler> | undefined = undefined
  /** Who awaits the answer to the message in hand. */
  replier: Replier | undefined = undefined
  /** A power of two of messages, `STRIDE` slots each; none while the mailbox is empty. */
  private buffer: Array<unknown> = EMPTY
  /** The oldest message's first slot. */
  private head = 0
  /** How many messages wait. */
  size = 0
  /** The most that ever waited. */
  high = 0

  constructor(status: number) {
    this.status = status
  }

  put(message: Message, payload: unknown, replier: Replier | undefined, pool: BufferPool): void {
    if (this.size * STRIDE === this.buffer.length) this.grow(pool)
    const buffer = this.buffer
    let at = this.head + this.size * STRIDE
    if (at >= buffer.length) at -= buffer.length
    buffer[at] = message
    buffer[at + 1] = payload
    buffer[at + 2] = replier
    const size = ++this.size
    if (size > this.high) this.high = size
  }

  /** Puts a message before all that wait. */
  putFirst(message: Message, payload: unknown, replier: Replier | undefined, pool: BufferPool): void {
    if (this.size * STRIDE === this.buffer.length) this.grow(pool)
    const buffer = this.buffer
    const at = (this.head === 0 ? buffer.length : this.head) - STRIDE
    buffer[at] = message
    buffer[at + 1] = payload
    buffer[at + 2] = replier
    this.head = at
    const size = ++this.size
    if (size > this.high) this.high = size
  }

  // The oldest message; there must be one. Read part by part, and then dropped: to put the parts into an object that
  // is kept would cost the collector's write barrier three times a message.

  get message(): Message {
    return this.buffer[this.head] as Message
  }

  get payload(): unknown {
    return this.buffer[this.head + 1]
  }

  get asker(): Replier | undefined {
    return this.buffer[this.head + 2] as Replier | undefined
  }

  /** Takes the oldest message out. */
  drop(): void {
    const at = this.head
    const buffer = this.buffer
    // The buffer outlives its messages: what stays in it would not be collected.
    buffer[at] = undefined
    buffer[at + 1] = undefined
    buffer[at + 2] = undefined
    const next = at + STRIDE
    this.head = next === buffer.length ? 0 : next
    this.size--
  }

  /** Gives the buffer back; the mailbox must be empty. */
  release(pool: BufferPool): void {
    if (this.buffer === EMPTY) return
    pool.give(this.buffer)
    this.buffer = EMPTY
    this.head = 0
  }

  private grow(pool: BufferPool): void {
    const old = this.buffer
    if (old === EMPTY) {
      this.buffer = pool.first()
      return
    }
    const next = pool.take((old.length / STRIDE) * 2)
    // It is full: from the head around to the head again.
    for (let i = 0, from = this.head; i < old.length; i++) {
      next[i] = old[from]
      old[from] = undefined
      if (++from === old.length) from = 0
    }
    pool.give(old)
    this.buffer = next
    this.head = 0
  }
}

/** Messages that the smallest buffer holds. */
const SMALLEST = 16
/** Messages that the largest pooled buffer holds: longer mailboxes leave theirs to the collector. */
const LARGEST = 4096
/** Messages that the pooled buffers of one size hold together, at most. */
const POOLED = 16_384

/** Buffers of `STRIDE` slots a message, all of them undefined; sizes are powers of two. */
export class BufferPool {
  /** The smallest ones: an actor takes and gives one back for a single message. */
  private readonly smallest: Array<Array<unknown>> = []
  /** The larger ones, by the logarithm of their sizes. */
  private readonly larger: Array<Array<Array<unknown>>> = Array.from({ length: 32 }, () => [])

  /** A buffer for a mailbox that was empty. */
  first(): Array<unknown> {
    return this.smallest.pop() ?? makeBuffer(SMALLEST)
  }

  take(messages: number): Array<unknown> {
    return this.larger[31 - Math.clz32(messages)]!.pop() ?? makeBuffer(messages)
  }

  give(buffer: Array<unknown>): void {
    if (buffer.length === SMALLEST * STRIDE) {
      if (this.smallest.length < POOLED / SMALLEST) this.smallest.push(buffer)
      return
    }
    const messages = buffer.length / STRIDE
    if (messages > LARGEST) return
    const same = this.larger[31 - Math.clz32(messages)]!
    if (same.length * messages < POOLED) same.push(buffer)
  }
}

const makeBuffer = (messages: number): Array<unknown> =>
  // Filled, so that it has no holes; `Array.from` takes 20 times as long.
  // oxlint-disable-next-line unicorn/no-new-array
  new Array(messages * STRIDE).fill(undefined)
