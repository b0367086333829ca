/**
 * The actor cell: state, status and mailbox of one actor on this thread.
 *
 * **Contract**: one thread. Only the dispatcher changes `status`, `state` and the mailbox.
 * **Invariant**: a cell stands in the run queue exactly while its status is READY. Messages are kept in a
 * circular buffer of three slots each (message, payload, replier); slots outside `[head, head + size)` are undefined.
 * **Ordering**: first in, first out.
 * **Allocation**: none a message. A buffer is borrowed from the dispatcher's pool when the first message arrives
 * and given back when the last one is handled, so that an idle actor holds none.
 * **Evidence**: `test/hot/dispatcher.test.ts` compares it with a plain array; `local.bytes.idle`, `local.tell.plain`.
 */

/** A declared message, as the kernel needs it: its place in the handler table. */
export interface Message {
  readonly index: number
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
/** Told to end: takes no more messages. */
export const ENDING = 5
/** Ended. */
export const ENDED = 6

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
  private buffer: Array<unknown> = EMPTY
  private mask = -1
  private head = 0
  /** How many messages wait. */
  size = 0

  constructor(status: number) {
    this.status = status
  }

  put(message: Message, payload: unknown, replier: Replier | undefined, pool: BufferPool): void {
    if (this.size > this.mask) this.grow(pool)
    const at = ((this.head + this.size) & this.mask) * STRIDE
    const buffer = this.buffer
    buffer[at] = message
    buffer[at + 1] = payload
    buffer[at + 2] = replier
    this.size++
  }

  /** Takes the oldest message into `into`; there must be one. */
  take(into: Taken): void {
    const at = this.head * STRIDE
    const buffer = this.buffer
    into.message = buffer[at] as Message
    into.payload = buffer[at + 1]
    into.replier = buffer[at + 2] as Replier | undefined
    // The buffer outlives its messages: what stays in it would not be collected.
    buffer[at] = undefined
    buffer[at + 1] = undefined
    buffer[at + 2] = undefined
    this.head = (this.head + 1) & this.mask
    this.size--
  }

  /** Gives the buffer back; the mailbox must be empty. */
  release(pool: BufferPool): void {
    if (this.mask === -1) return
    pool.give(this.buffer)
    this.buffer = EMPTY
    this.mask = -1
    this.head = 0
  }

  private grow(pool: BufferPool): void {
    const old = this.buffer
    const next = pool.take(this.mask === -1 ? SMALLEST : (this.mask + 1) * 2)
    for (let i = 0; i < this.size; i++) {
      const from = ((this.head + i) & this.mask) * STRIDE
      for (let k = 0; k < STRIDE; k++) {
        next[i * STRIDE + k] = old[from + k]
        old[from + k] = undefined
      }
    }
    if (this.mask !== -1) pool.give(old)
    this.buffer = next
    this.mask = next.length / STRIDE - 1
    this.head = 0
  }
}

/** Where `Cell.take` puts a message: one a dispatcher, reused. */
export interface Taken {
  message: Message
  payload: unknown
  replier: Replier | undefined
}

/** Messages that the smallest buffer holds. */
const SMALLEST = 16
/** Messages that the largest pooled buffer holds: longer mailboxes leave theirs to the collector. */
const LARGEST = 4096
/** Messages that the pooled buffers of one size hold together, at most. */
const POOLED = 16_384

/** Buffers of `STRIDE` slots a message, all of them undefined; sizes are powers of two. */
export class BufferPool {
  /** By the logarithm of their sizes. */
  private readonly buffers: Array<Array<Array<unknown>>> = Array.from({ length: 32 }, () => [])

  take(messages: number): Array<unknown> {
    return this.buffers[31 - Math.clz32(messages)]!.pop() ?? makeBuffer(messages)
  }

  give(buffer: Array<unknown>): void {
    const messages = buffer.length / STRIDE
    if (messages > LARGEST) return
    const same = this.buffers[31 - Math.clz32(messages)]!
    if (same.length * messages < POOLED) same.push(buffer)
  }
}

const makeBuffer = (messages: number): Array<unknown> =>
  // Filled, so that it has no holes; `Array.from` takes 20 times as long.
  // oxlint-disable-next-line unicorn/no-new-array
  new Array(messages * STRIDE).fill(undefined)
