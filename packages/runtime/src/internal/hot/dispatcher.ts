/**
 * One thread's dispatcher: runs the turns of the cells that have messages.
 *
 * **Contract**: one thread, one dispatcher a system. What it does not know (effects, crashes, dead letters) it
 * leaves to its `Hooks`, so that it stays free of Effect.
 * **Invariant**: a cell handles one message at a time, and one cell's turn runs at a time, except that an effect in
 * flight that asks has other cells' turns run within its own, as far as its answer needs them. While a slice runs,
 * nothing runs another one: a nested call only fills queues.
 * **Ordering**: messages to one cell in the order of `send`; cells in the order in which they became ready, unless a test
 * gives another queue.
 * **Fairness**: a turn handles what waited when it began, at most `TURN_MESSAGES`. A slice, and the turn in it,
 * ends after `SLICE_MILLIS`; then the event loop has its turn. The clock is looked at the more often the longer
 * messages take.
 * **Allocation**: none a message.
 * **Evidence**: `test/hot/dispatcher.test.ts` (a naive twin, fairness), `local.*` benchmarks.
 */
import {
  BufferPool,
  BUSY,
  type Cell,
  ENDING,
  HELD,
  IDLE,
  type Message,
  READY,
  type Replier,
  RUNNING,
  type Signal,
  SIGNALLED,
  STARTING
} from "./cell.ts"
import { COUNTS, HANDLED, LOCAL } from "./counts.ts"
import { Parcel } from "./parking.ts"
import { RunQueue } from "./runQueue.ts"
import {
  BECOME,
  type Becoming,
  CRASH,
  FAIL,
  FORK,
  INTERLEAVE,
  LATER,
  NEXT,
  REPLY,
  STASH,
  Step,
  STOP,
  STREAM,
  UNHANDLED
} from "./step.ts"
import { Together } from "./together.ts"

/** Messages that a cell handles before the next cell has its turn. */
const TURN_MESSAGES = 256
/** How long cells run before timers and I/O have their turn. */
const SLICE_MILLIS = 4
/** Messages between two looks at the clock, which costs about as much as a message: fewer where they take long. */
const LOOK_MESSAGES = 64
/** Messages between two looks at the clock are fewer if they take longer than this. */
const LOOK_MILLIS = 0.5
/** Slices run as microtasks between two that are deferred: a chain of microtasks lets nothing else run. */
const MICROTASKS = 64
/** Messages handled on behalf of one ask before its caller is parked. */
const INLINE_MESSAGES = 256
/** Asks of handlers' effects whose turns run within each other: each of them takes some of the stack. */
const DEEPEST = 16
/** Messages handled before other threads' messages are looked for. */
const POLL_MESSAGES = 64

/** What the dispatcher leaves to the layer above. None may throw. */
export interface Hooks {
  /** A keyed cell has its first message: give it state and handlers, or end it, or leave it STARTING. */
  start(cell: Cell): void
  /** A handler returned something that is not a step: an effect, or rubbish. */
  effect(cell: Cell, result: unknown, message: Message, payload: unknown): void
  /** A handler threw, or crashed its actor on purpose. */
  crash(cell: Cell, error: unknown, deliberate: boolean, message: Message): void
  /** A handler asked for its actor's end. */
  stop(cell: Cell): void
  /** A handler owes an answer. */
  owe(cell: Cell, replier: Replier): void
  /** Takes the next signal out of the cell's lane, if there is one. */
  signal(cell: Cell): Signal | undefined
  /** Whether there is a signal in the cell's lane. */
  signalled(cell: Cell): boolean
  /** A handler failed a message that nobody asked. */
  unheard(cell: Cell, message: Message, error: unknown): void
  /** A handler wants others in its place; false when they do not fit, and the cell has failed. */
  become(cell: Cell, handlers: object, message: Message): boolean
  /** A handler did not handle its message. */
  unhandled(cell: Cell, message: Message, payload: unknown, replier: Replier | undefined): void
  /** A handler keeps its message for later. */
  stash(cell: Cell, message: Message, payload: unknown, replier: Replier | undefined): void
  /** A handler leaves the answer to an effect that runs aside. */
  fork(cell: Cell, effect: unknown, message: Message, replier: Replier | undefined): void
  /** A handler leaves the answer to a stream that runs aside. */
  stream(cell: Cell, stream: unknown, message: Message, replier: Replier | undefined): void
  /** A handler's effect is not waited for: it gives the step when it is done. */
  interleave(
    cell: Cell,
    effect: unknown,
    message: Message,
    payload: unknown,
    replier: Replier | undefined
  ): void
  /** A cell has a turn while an effect of it is in flight: for what does not wait for that. */
  aside(cell: Cell): void
}

/** Messages from and to other threads, polled between turns. */
export interface Links {
  /** Takes in what has arrived; the number of records taken. */
  poll(): number
  /** Makes visible what was written, and writes what had been kept for lack of room. */
  flush(): void
  /** Nothing is left to do. True: look again at once. False: it will call `slice` when there is something. */
  idle(): boolean
}

/** A message from another thread, on its way to its actor. */
export interface Arrival {
  /** Its handler is called next, or it has become a dead letter. */
  take(): void
  /** It will wait. What stands for its replier meanwhile. */
  park(replier: Replier | undefined): Replier | undefined
}

/** For those that do not care whether a message survives its thread. */
const careless: Arrival = {
  take: () => {},
  park: (replier) => replier
}

export class Dispatcher {
  private readonly ready: RunQueue<Cell>
  readonly pool = new BufferPool()
  private readonly hooks: Hooks
  private readonly defer: (task: () => void) => void
  links: Links | undefined = undefined
  /** Whether a slice runs now. */
  running = false
  private armed = false
  /** Slices run as microtasks since one was deferred. */
  private microtasks = 0
  /** The cell whose turn it is, the innermost one where an effect's ask runs the turns of others. */
  private current: Cell | undefined = undefined
  private depth = 0
  private readonly counts: Float64Array
  /** Whether the slice's time is up. */
  private over = false
  /** When the slice is over; 0 until its first look at the clock, which a short slice does not need. */
  private end = 0
  private lookedAt = 0
  /** Look at the clock when so many messages are handled. */
  private lookWhen = 0
  private lookEvery = LOOK_MESSAGES

  /**
   * `defer` runs a task after timers and I/O have had their turn; `counts` is where it counts; `ready` says which cell
   * of those that wait has the next turn.
   */
  constructor(
    hooks: Hooks,
    defer: (task: () => void) => void,
    counts: Float64Array = new Float64Array(COUNTS),
    ready: RunQueue<Cell> = new RunQueue()
  ) {
    this.ready = ready
    this.hooks = hooks
    this.defer = defer
    this.counts = counts
  }

  /** Messages handled since the start. */
  get handled(): number {
    return this.counts[HANDLED]!
  }

  /** Messages accepted from this thread since the start. */
  get accepted(): number {
    return this.counts[LOCAL]!
  }

  /** Puts a message into a cell's mailbox; false when the cell has ended. */
  send(cell: Cell, message: Message, payload: unknown, replier: Replier | undefined): boolean {
    if (cell.status >= ENDING) return false
    this.counts[LOCAL]!++
    this.enqueue(cell, message, payload, replier)
    return true
  }

  /**
   * Hands over a message from another thread: within a slice handled at once if its cell is idle, without a detour
   * through its mailbox; false when the cell has ended, and then nobody has taken it.
   */
  receive(
    cell: Cell,
    message: Message,
    payload: unknown,
    replier: Replier | undefined,
    arrival: Arrival = careless
  ): boolean {
    // Outside a slice its handler's asks would run other cells' turns within its own.
    const inline = this.running && this.current === undefined
    if (!inline || cell.status !== IDLE || cell.handlers === undefined) {
      if (cell.status >= ENDING) return false
      this.enqueue(cell, message, payload, arrival.park(replier))
      return true
    }
    // Before the handler runs: a message that ends its thread is not delivered again.
    arrival.take()
    cell.status = RUNNING
    this.current = cell
    this.handle(cell, message, payload, replier)
    this.current = undefined
    if (cell.status === RUNNING || cell.status === SIGNALLED) this.rest(cell)
    return true
  }

  /** Puts a message that is counted into the mailbox of a cell that has not ended. */
  enqueue(cell: Cell, message: Message, payload: unknown, replier: Replier | undefined): void {
    cell.put(message, payload, replier, this.pool)
    if (cell.status === IDLE) this.schedule(cell)
  }

  /** A signal is in the cell's lane: it goes before the next message. */
  signal(cell: Cell): void {
    const { status } = cell
    // It is looked for when what is in flight is done.
    if (status === BUSY || status === STARTING || status >= HELD) return
    // A mark in the status costs those nothing who have no signals: each turn looks at it anyway.
    cell.status = SIGNALLED
    if (status === IDLE) {
      this.ready.push(cell)
      this.arm()
    }
  }

  /** Queues an idle cell's turn. */
  schedule(cell: Cell): void {
    cell.status = READY
    this.ready.push(cell)
    this.arm()
  }

  /** Makes sure that a slice will run. */
  arm(): void {
    if (this.running || this.armed) return
    if (this.microtasks === MICROTASKS) return this.later()
    this.microtasks++
    this.armed = true
    queueMicrotask(this.slice)
  }

  /** How many cells wait for their turn. */
  get waiting(): number {
    return this.ready.size
  }

  /** Runs cells until none is ready or the slice is over. */
  readonly slice = (): void => {
    this.armed = false
    if (this.running) return
    this.begin()
    const links = this.links
    let more = this.run()
    if (links !== undefined) {
      while (true) {
        const polled = links.poll()
        links.flush()
        // A round, and each record in it, count as a message: an answer is handled by no cell, and takes its time too.
        this.lookWhen -= polled + 1
        if (this.handled >= this.lookWhen) this.look()
        // When the time is up nobody was told that this thread sleeps: it has to come back.
        more = polled > 0 || this.ready.size > 0 || this.over || links.idle()
        if (!more || this.over) break
        this.run()
      }
    }
    this.running = false
    if (more) this.later()
  }

  /** Runs a slice after timers and I/O have had their turn. */
  later(): void {
    if (this.armed) return
    this.armed = true
    this.microtasks = 0
    this.defer(this.slice)
  }

  /** Runs cells on behalf of a caller that waits for `done`: one outside of a slice, or a handler's effect. */
  runFor(waiter: { readonly done: boolean }): void {
    const { current } = this
    if (this.running) {
      // Not within a plain handler, and not while a step is applied: the caller waits until the turn is over.
      if (current === undefined || current.status !== BUSY || this.depth === DEEPEST) return
      this.depth++
      this.runUntil(waiter)
      this.depth--
      this.current = current
      return
    }
    this.begin()
    this.runUntil(waiter)
    this.running = false
    if (this.ready.size > 0 || this.links !== undefined) this.arm()
  }

  private runUntil(waiter: { readonly done: boolean }): void {
    const until = this.handled + INLINE_MESSAGES
    while (!waiter.done && this.handled < until && !this.over) {
      const cell = this.ready.shift()
      if (cell === undefined) break
      this.turn(cell)
    }
  }

  /**
   * The payloads of the message in hand and of those like it that wait next, at most so many: they are taken, and
   * handled as one. For the handler of the message in hand to call, first.
   */
  batch(cell: Cell, message: Message, payload: unknown, most: number): ReadonlyArray<unknown> {
    const payloads = [payload]
    if (cell.size === 0 || most === 1 || cell.message !== message) return payloads
    const repliers = [cell.replier]
    while (payloads.length < most && cell.size > 0 && cell.message === message) {
      const { asker, payload } = cell
      repliers.push(asker !== undefined && asker instanceof Parcel ? asker.open() : asker)
      payloads.push(payload)
      cell.drop()
      this.counts[HANDLED]!++
    }
    cell.replier = new Together(
      message,
      payloads,
      repliers,
      (message, error) => this.hooks.unheard(cell, message, error)
    )
    // Has the turn look how many are left.
    if (cell.status === RUNNING) cell.status = SIGNALLED
    return payloads
  }

  /** Gives a cell a turn though an effect of it is in flight. */
  aside(cell: Cell): void {
    this.ready.push(cell)
    this.arm()
  }

  /** What waits was put into the cell's mailbox by its own actor. */
  wake(cell: Cell): void {
    if (cell.status === IDLE && cell.size > 0) this.schedule(cell)
  }

  /** An effectful handler is done: apply its step, and go on with the mailbox. */
  complete(cell: Cell, step: Step, message: Message, payload: unknown): void {
    const replier = cell.replier
    // Within the cell's own turn the loop in `turn` goes on; afterwards the cell has to be queued again.
    const inTurn = this.current === cell
    cell.status = RUNNING
    this.apply(cell, step, message, payload, replier)
    if (cell.status !== RUNNING && cell.status !== SIGNALLED) return
    // A signal may have come while the effect was in flight: the turn, or `rest`, looks.
    cell.status = SIGNALLED
    if (!inTurn) this.rest(cell)
  }

  /** A start is done, or a crash resumed: go on with the mailbox. */
  rest(cell: Cell): void {
    cell.replier = undefined
    // In a turn a signal would have changed the status.
    if (cell.status !== RUNNING && this.hooks.signalled(cell)) {
      cell.status = SIGNALLED
      this.ready.push(cell)
      this.arm()
    } else if (cell.size > 0) {
      this.schedule(cell)
    } else {
      cell.status = IDLE
      cell.release(this.pool)
    }
  }

  private begin(): void {
    this.running = true
    this.over = false
    this.end = 0
    this.lookWhen = this.handled + this.lookEvery
  }

  /** Whether the slice is over: for what takes in many messages at once. */
  late(): boolean {
    if (this.handled >= this.lookWhen) this.look()
    return this.over
  }

  /** Looks at the clock. */
  private look(): void {
    const now = performance.now()
    if (this.end === 0) this.end = now + SLICE_MILLIS
    else if (now - this.lookedAt > LOOK_MILLIS) this.lookEvery = Math.max(1, this.lookEvery >> 2)
    else if (this.lookEvery < LOOK_MESSAGES) this.lookEvery *= 2
    this.lookedAt = now
    this.lookWhen = this.handled + this.lookEvery
    this.over = now >= this.end
  }

  /** Runs cells until none is ready, the slice is over, or it is time to look for other threads' messages. */
  private run(): boolean {
    const pollWhen = this.links === undefined ? Infinity : this.handled + POLL_MESSAGES
    while (true) {
      const cell = this.ready.shift()
      if (cell === undefined) return false
      this.turn(cell)
      if (this.over || this.handled >= pollWhen) return this.ready.size > 0
    }
  }

  private turn(cell: Cell): void {
    const signalled = cell.status === SIGNALLED
    // It ended while it waited in the run queue.
    if (cell.status !== READY && !signalled) {
      if (cell.status === BUSY) this.hooks.aside(cell)
      return
    }
    cell.status = RUNNING
    this.current = cell
    if (cell.handlers === undefined) {
      this.hooks.start(cell)
      // It takes as long as a message, and may be all that there is to do: a start that an effect makes handles none.
      if (this.handled >= --this.lookWhen) this.look()
    }
    if (cell.status === SIGNALLED || (signalled && cell.status === RUNNING)) this.lane(cell)
    if (cell.status === RUNNING) {
      // What arrives during the turn waits for the next one, so that an actor that tells itself starves nobody.
      let left = cell.size < TURN_MESSAGES ? cell.size : TURN_MESSAGES
      while (left-- > 0) {
        const { asker, message, payload } = cell
        // As in `receive`: taken before the handler runs.
        const replier = asker !== undefined && asker instanceof Parcel ? asker.open() : asker
        cell.drop()
        this.handle(cell, message, payload, replier)
        if (cell.status !== RUNNING) {
          if (cell.status === SIGNALLED) this.lane(cell)
          if (cell.status !== RUNNING) break
          // A batch takes more than one.
          if (left > cell.size) left = cell.size
        }
        if (this.handled >= this.lookWhen) {
          this.look()
          if (this.over) break
        }
      }
    }
    this.current = undefined
    if (cell.status === RUNNING) this.rest(cell)
  }

  /** Handles the signals of a cell in its turn; it is RUNNING afterwards, unless one of them changed that. */
  private lane(cell: Cell): void {
    while (true) {
      cell.status = RUNNING
      const signal = this.hooks.signal(cell)
      if (signal === undefined) return
      cell.replier = undefined
      let result: unknown
      try {
        result = signal.handle(cell.state, cell)
      } catch (error) {
        this.hooks.crash(cell, error, false, signal)
        return
      }
      this.settle(cell, result, signal, signal.payload, cell.replier)
      if (cell.status !== RUNNING && cell.status !== SIGNALLED) return
    }
  }

  private handle(cell: Cell, message: Message, payload: unknown, replier: Replier | undefined): void {
    this.counts[HANDLED]!++
    cell.replier = replier
    let result: unknown
    try {
      result = cell.handlers![message.index]!(cell.state, payload, cell)
    } catch (error) {
      this.hooks.crash(cell, error, false, message)
      return
    }
    // For a batch, all who await its answer.
    this.settle(cell, result, message, payload, cell.replier)
  }

  private settle(
    cell: Cell,
    result: unknown,
    message: Message,
    payload: unknown,
    replier: Replier | undefined
  ): void {
    // The handler ended its own actor, by the scope it lives in, or failed it: there is nobody left to take a step.
    if (cell.status >= HELD) return
    if (result instanceof Step) {
      this.apply(cell, result, message, payload, replier)
    } else {
      cell.status = BUSY
      this.hooks.effect(cell, result, message, payload)
    }
  }

  /** Takes a step. */
  apply(
    cell: Cell,
    step: Step,
    message: Message,
    payload: unknown,
    replier: Replier | undefined
  ): void {
    switch (step.kind) {
      case NEXT:
        cell.state = step.state
        if (replier !== undefined) replier.succeed(undefined)
        return
      case REPLY:
        cell.state = step.state
        if (replier !== undefined) replier.succeed(step.value)
        return
      case FAIL:
        cell.state = step.state
        if (replier !== undefined) replier.fail(step.value)
        else this.hooks.unheard(cell, message, step.value)
        return
      case LATER:
        cell.state = step.state
        if (replier !== undefined) this.hooks.owe(cell, replier)
        return
      case STOP:
        // It ends before it answers: what the asker sends next must not reach it any more.
        cell.replier = undefined
        this.hooks.stop(cell)
        if (replier !== undefined) replier.succeed(step.value)
        return
      case CRASH:
        this.hooks.crash(cell, step.value, true, message)
        return
      default:
        // Apart, so that what every message goes through stays small.
        this.applyRare(cell, step, message, payload, replier)
    }
  }

  private applyRare(
    cell: Cell,
    step: Step,
    message: Message,
    payload: unknown,
    replier: Replier | undefined
  ): void {
    cell.state = step.state
    switch (step.kind) {
      case BECOME: {
        const { answer, handlers } = step.value as Becoming
        if (this.hooks.become(cell, handlers, message) && replier !== undefined) replier.succeed(answer)
        return
      }
      case UNHANDLED:
        this.hooks.unhandled(cell, message, payload, replier)
        return
      case STASH:
        this.hooks.stash(cell, message, payload, replier)
        return
      case FORK:
        this.hooks.fork(cell, step.value, message, replier)
        return
      case INTERLEAVE:
        this.hooks.interleave(cell, step.value, message, payload, replier)
        return
      case STREAM:
        this.hooks.stream(cell, step.value, message, replier)
        return
    }
  }
}
