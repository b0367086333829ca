/** A channel's reader: the kernel on one file after another, its timeout, and how it waits. */
import type * as Codec from "@troupe/runtime/Codec"
import type * as WaitStrategy from "@troupe/runtime/WaitStrategy"
import * as Effect from "effect/Effect"
import { Abandoned, ChannelError, Damaged, Gone, NotDecoded, type Reason, Released } from "../ChannelError.ts"
import type { Coder } from "../Format.ts"
import { attempt, convert, issueOf, toChannelError } from "./attempt.ts"
import { DAMAGE, FOUND_CLOSED, FOUND_CONTINUED, FOUND_END, FOUND_RECORD } from "./hot/segment.ts"
import type { Walker } from "./hot/scanner.ts"
import { damageOf } from "./takeover.ts"

/** What a reader reads: files of Troupe or of kekbit, as far as they are open. */
export interface Source {
  readonly path: string
  readonly walker: Walker<Codec.Bytes>
  /** What is added to an offset to give a position. */
  readonly shift: number
  /** Milliseconds without data after which a reader gives up. */
  readonly timeout: number
  /** Goes on in the next file; false when there is none. */
  next(): boolean
  /** Throws when the file has been cut. */
  assertWhole(): void
  /** Goes to a position. Throws `Gone` or `Damaged`. */
  seek(position: number): void
  /** What wakes it; undefined when nothing can. */
  readonly sleeper: Sleeping | undefined
  close(): void
}

export interface Sleeping {
  sleep(wake: () => void): void
  rise(): void
}

/** Milliseconds between two looks where nobody can wake a reader. */
const POLL_MILLIS = 5
/** Looks between two turns of the event loop. */
const SPINS = 10_000

export class ChannelReader<Out> {
  readonly source: Source
  readonly #decode: Coder<never, Out>["decode"]
  readonly #now: () => number
  readonly #wait: WaitStrategy.WaitStrategy
  /** Why nothing is read any more. */
  #failure: ChannelError | undefined
  #closed = false
  /** When it gives up: set by the first look in vain after the last record. */
  #deadline = Infinity
  #idleAt = -1
  #waiting = false

  constructor(source: Source, options: {
    readonly decode: Coder<never, Out>["decode"]
    readonly now: () => number
    readonly wait: WaitStrategy.WaitStrategy
  }) {
    this.source = source
    this.#decode = options.decode
    this.#now = options.now
    this.#wait = options.wait
  }

  get position(): number {
    return this.source.shift + this.source.walker.offset
  }

  /** Whether the channel is closed and all of it is read. */
  get ended(): boolean {
    return this.#closed
  }

  poll(f: (value: Out, position: number) => void, limit: number): number {
    let passed = 0
    for (;;) {
      const { walker } = this.source
      const more = this.#failure === undefined ? this.#pollFile(f, limit - passed, passed) : 0
      passed += more
      if (passed >= limit || this.#beyond(passed) !== FOUND_RECORD) break
      // A record that does not decode is left for the next poll; in another file there may be more.
      if (more === 0 && walker === this.source.walker) break
    }
    if (passed > 0) this.#deadline = Infinity
    return passed
  }

  /** The records of the present file. `before`: how many this poll has passed already. */
  #pollFile(f: (value: Out, position: number) => void, limit: number, before: number): number {
    const { shift, walker } = this.source
    const decode = this.#decode
    let passed = 0
    while (passed < limit && walker.look() === FOUND_RECORD) {
      let value: Out
      try {
        value = decode(walker.bytes, walker.start, walker.end)
      } catch (cause) {
        // Those before it first: it shows in the next poll.
        if (passed + before > 0) break
        throw this.#notDecoded(cause)
      }
      f(value, shift + walker.offset)
      walker.advance()
      passed++
    }
    return passed
  }

  /** Passes over the record here without decoding it; false when there is none. */
  skip(): boolean {
    if (this.#settle() !== FOUND_RECORD) return false
    this.source.walker.advance()
    this.#deadline = Infinity
    return true
  }

  seek(position: number): void {
    this.#assertUsable()
    convert(() => this.source.seek(position))
    this.#closed = false
    this.#deadline = Infinity
  }

  release(): void {
    this.#failure = this.#error(new Released())
    this.source.close()
  }

  /** Waits until there is something to poll (true), or the channel is closed and read (false). */
  readonly ready: Effect.Effect<boolean, ChannelError> = Effect.suspend(() =>
    Effect.flatMap(attempt(() => this.#settle()), (found) => {
      if (found === FOUND_RECORD) return Effect.succeed(true)
      if (found === FOUND_CLOSED) return Effect.succeed(false)
      return Effect.andThen(this.#pause, this.ready)
    })
  )

  // ---------------------------------------------------------------------------
  // what is not a record
  // ---------------------------------------------------------------------------

  /** What is here, after `passed` records of this poll: what ends them, if anything does, shows in the next one. */
  #beyond(passed: number): number {
    if (passed === 0) return this.#settle()
    if (this.#failure !== undefined) return FOUND_END
    try {
      return this.#across()
    } catch {
      return FOUND_END
    }
  }

  /** What is here, in whichever file that is, without giving up. */
  #across(): number {
    for (;;) {
      const found = this.source.walker.look()
      if (found !== FOUND_CONTINUED) return found
      try {
        if (!this.source.next()) return FOUND_END
      } catch (cause) {
        throw this.#fail(toChannelError(cause))
      }
    }
  }

  /** The same, and gives up where there is damage, or nothing for too long. */
  #settle(): number {
    this.#assertUsable()
    const found = this.#across()
    if (found >= DAMAGE) {
      const { offset } = this.source.walker
      const { position } = this
      throw this.#fail(this.#error(new Damaged({ position, offset, damage: damageOf(found) })))
    }
    this.#closed = found === FOUND_CLOSED
    if (found === FOUND_END && this.source.timeout < Infinity) {
      const now = this.#now()
      // Elsewhere than at the last look in vain: behind a record, a heartbeat, in another file. The writer lived.
      if (this.#deadline === Infinity || this.position !== this.#idleAt) {
        this.#idleAt = this.position
        this.#deadline = now + this.source.timeout
      } else if (now >= this.#deadline) {
        const { position, source: { timeout } } = this
        throw this.#fail(this.#error(new Abandoned({ position, timeout })))
      }
    }
    return found
  }

  /** Whether the writer has put something here. */
  #hasSomething(): boolean {
    return this.#failure !== undefined || this.source.walker.look() !== FOUND_END
  }

  #notDecoded(cause: unknown): ChannelError {
    return this.#error(new NotDecoded({ position: this.position, issue: issueOf(cause) }))
  }

  #error(reason: Reason): ChannelError {
    return new ChannelError({ path: this.source.path, reason })
  }

  #fail(error: ChannelError): ChannelError {
    this.#failure ??= error
    return error
  }

  #assertUsable(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  // ---------------------------------------------------------------------------
  // waiting
  // ---------------------------------------------------------------------------

  /** Waits as the strategy says, at most until the deadline. */
  get #pause(): Effect.Effect<void, ChannelError> {
    const wait = this.#wait
    switch (wait._tag) {
      case "BusySpin":
        return this.#spinning(SPINS)
      case "Yielding":
        return this.#spinning(wait.spins)
      case "SpinThenPark": {
        let turns = wait.turns
        const turn: Effect.Effect<void, ChannelError> = Effect.suspend(() => {
          if (this.#looked(wait.spins)) return Effect.void
          return turns-- > 0 ? Effect.andThen(macrotask, turn) : this.#parked
        })
        return turn
      }
      default:
        return this.#parked
    }
  }

  #looked(spins: number): boolean {
    for (let i = 0; i < spins; i++) if (this.#hasSomething()) return true
    return this.#hasSomething()
  }

  #spinning(spins: number): Effect.Effect<void, ChannelError> {
    return Effect.suspend(() => this.#looked(spins) ? Effect.void : macrotask)
  }

  get #parked(): Effect.Effect<void, ChannelError> {
    return Effect.suspend(() => {
      const left = this.#deadline - this.#now()
      const asleep = this.#asleep
      // The deadline itself is looked at by whoever is woken.
      return left < Infinity ? Effect.asVoid(Effect.timeoutOption(asleep, Math.max(0, left))) : asleep
    })
  }

  get #asleep(): Effect.Effect<void, ChannelError> {
    const { sleeper } = this.source
    // Of two fibers that wait on one reader only one has the bell.
    if (sleeper === undefined || this.#waiting) return Effect.sleep(POLL_MILLIS)
    return Effect.flatMap(attempt(() => this.source.assertWhole()), () =>
      Effect.callback<void>((resume) => {
        this.#waiting = true
        const rise = () => {
          this.#waiting = false
          if (this.#failure?.reason._tag !== "Released") sleeper.rise()
        }
        const wake = () => {
          rise()
          resume(Effect.void)
        }
        sleeper.sleep(wake)
        if (this.#hasSomething()) return wake()
        return Effect.sync(rise)
      }))
  }
}

/** A turn of the event loop: a fiber that only yields may go on before it. */
const macrotask = Effect.callback<void>((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})

/** `Gone`, when the next file is not there but others are. */
export const gone = (path: string, position: number, oldest: number): ChannelError =>
  new ChannelError({ path, reason: new Gone({ position, oldest }) })
