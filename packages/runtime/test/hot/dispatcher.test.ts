import * as fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import {
  BUSY,
  Cell,
  ENDED,
  ENDING,
  type Handler,
  IDLE,
  type Message,
  type Replier,
  STARTING
} from "../../src/internal/hot/cell.ts"
import { Dispatcher, type Hooks, type Links } from "../../src/internal/hot/dispatcher.ts"
import {
  BECOME,
  Becoming,
  CRASH,
  FAIL,
  FORK,
  LATER,
  NEXT,
  REPLY,
  STASH,
  Step,
  STOP,
  STREAM,
  UNHANDLED
} from "../../src/internal/hot/step.ts"

/** What a message makes its handler do: send other messages, and then end in one of many ways. */
interface Script {
  readonly sends: ReadonlyArray<{ readonly to: number; readonly script: Script }>
  readonly asked: boolean
  readonly outcome: Outcome
}
const outcomes = [
  "next",
  "next",
  "next",
  "reply",
  "fail",
  "later",
  "stop",
  "crash",
  "throw",
  "effect",
  "effect",
  "done effect",
  "become",
  "unhandled",
  "fork",
  "stream",
  "stash",
  "unstash",
  "end, next",
  "end, effect",
  "end, throw",
  "run others"
] as const
type Outcome = typeof outcomes[number]

/** How a cell starts: it stands ready, with its first message, or when an effect is done, or not at all. */
type Start = "ready" | "at once" | "later" | "never"

type Command =
  | { readonly do: "send"; readonly to: number; readonly script: Script }
  /** Records from another thread, in one poll, when nothing else is ready. */
  | {
    readonly do: "receive"
    readonly records: ReadonlyArray<{ readonly to: number; readonly script: Script }>
  }
  | { readonly do: "finish"; readonly which: number }
  | { readonly do: "slice" }
  | { readonly do: "run for"; readonly after: number }

/** A message in a log: which it is, and what came of it. */
type Log = Array<string>

/** What both the dispatcher and its twin are told, and say. */
interface Subject {
  readonly log: Log
  send(to: number, id: number, script: Script): void
  /** Takes these in, in a slice of its own. */
  poll(records: ReadonlyArray<() => void>): void
  receive(to: number, id: number, script: Script): void
  finish(which: number): void
  slice(): void
  runFor(waiter: { readonly done: boolean }): void
}

// The real one.

class Actor extends Cell {
  stashed: Array<readonly [Payload, Replier | undefined]> = []
  readonly name: number
  readonly start: Start
  constructor(name: number, start: Start) {
    super(IDLE)
    this.name = name
    this.start = start
  }
}

interface Payload {
  readonly id: number
  readonly script: Script
}

class Real implements Subject, Hooks {
  readonly log: Log = []
  readonly deferred: Array<() => void> = []
  readonly dispatcher = new Dispatcher(this, (task) => this.deferred.push(task))
  /** Messages taken as from another thread. */
  received = 0
  /** Messages that are handled once more. */
  unstashed = 0
  readonly actors: ReadonlyArray<Actor>
  private ids = 1_000_000
  private readonly open: Array<() => void> = []
  private readonly handlers: ReadonlyArray<Handler> = [
    (_state, payload, self) => this.handle(self as Actor, payload as Payload)
  ]

  constructor(starts: ReadonlyArray<Start>) {
    this.actors = starts.map((start, name) => new Actor(name, start))
    for (const actor of this.actors) if (actor.start === "ready") actor.handlers = this.handlers
  }

  send(to: number, id: number, script: Script): void {
    const taken = this.dispatcher.send(
      this.actors[to]!,
      { index: 0 },
      { id, script },
      this.replier(id, script)
    )
    if (!taken) this.log.push(`${id} refused`)
  }

  receive(to: number, id: number, script: Script): void {
    const taken = this.dispatcher.receive(
      this.actors[to]!,
      { index: 0 },
      { id, script },
      this.replier(id, script)
    )
    if (taken) this.received++
    else this.log.push(`${id} refused`)
  }

  // Signals have a test of their own: `lane.test.ts`.

  signal(): undefined {
    return undefined
  }

  signalled(): boolean {
    return false
  }

  poll(records: ReadonlyArray<() => void>): void {
    this.slice()
    let rest = records
    this.dispatcher.links = {
      poll: () => {
        const now = rest
        rest = []
        now.forEach((record) => record())
        return now.length
      },
      flush: () => {},
      idle: () => false
    }
    this.slice()
    this.dispatcher.links = undefined
  }

  finish(which: number): void {
    if (this.open.length > 0) this.open.splice(which % this.open.length, 1)[0]!()
  }

  slice(): void {
    this.dispatcher.slice()
  }

  runFor(waiter: { readonly done: boolean }): void {
    this.dispatcher.runFor(waiter)
  }

  private replier(id: number, { asked }: Script): Replier | undefined {
    if (!asked) return undefined
    let done = false
    const say = (what: string) => (): void => {
      if (!done) this.log.push(`${id} ${what}`)
      done = true
    }
    return { succeed: say("answered"), fail: say("failed"), abandon: say("abandoned") }
  }

  private handle(actor: Actor, { id, script }: Payload): unknown {
    const { outcome, sends } = script
    this.log.push(`${id} in ${actor.name}`)
    const { state } = actor
    for (const { script, to } of sends) this.send(to, this.ids++, script)
    if (outcome.startsWith("end")) this.end(actor)
    switch (outcome) {
      case "reply":
        return new Step(REPLY, state, id)
      case "fail":
        return new Step(FAIL, state, id)
      case "later":
        return new Step(LATER, state, undefined)
      case "stop":
        return new Step(STOP, state, id)
      case "crash":
        return new Step(CRASH, state, id)
      case "throw":
      case "end, throw":
        throw new Error("no")
      case "effect":
      case "end, effect":
        return "effect"
      case "done effect":
        return "done"
      case "become":
        return new Step(BECOME, state, new Becoming(this.handlers, id))
      case "unhandled":
        return new Step(UNHANDLED, state, undefined)
      case "fork":
        return new Step(FORK, state, id)
      case "stream":
        return new Step(STREAM, state, id)
      case "stash":
        return new Step(STASH, state, undefined)
      case "unstash":
        for (const [payload, replier] of actor.stashed.toReversed()) {
          this.unstashed++
          actor.putFirst(
            { index: 0 },
            { ...payload, script: quiet(payload.script) },
            replier,
            this.dispatcher.pool
          )
        }
        actor.stashed = []
        return new Step(NEXT, state, undefined)
      case "run others":
        this.runFor({ done: false })
        return new Step(NEXT, id, undefined)
      default:
        return new Step(NEXT, id, undefined)
    }
  }

  start(cell: Cell): void {
    const actor = cell as Actor
    this.log.push(`start ${actor.name}`)
    if (actor.start === "never") return this.end(actor)
    if (actor.start === "at once") {
      actor.handlers = this.handlers
      return
    }
    actor.status = STARTING
    this.open.push(() => {
      if (actor.status !== STARTING) return
      actor.handlers = this.handlers
      this.dispatcher.rest(actor)
    })
  }

  effect(cell: Cell, result: unknown, message: Message, payload: unknown): void {
    const { name } = cell as Actor
    const complete = (): void => {
      if (cell.status !== BUSY) return
      this.log.push(`effect of ${name}`)
      this.dispatcher.complete(cell, new Step(REPLY, cell.state, 0), message, payload)
    }
    if (result === "done") complete()
    else this.open.push(complete)
  }

  crash(cell: Cell, _error: unknown, deliberate: boolean): void {
    this.log.push(`crash of ${(cell as Actor).name}${deliberate ? " on purpose" : ""}`)
    this.end(cell as Actor)
  }

  stop(cell: Cell): void {
    this.end(cell as Actor)
  }

  owe(cell: Cell): void {
    this.log.push(`${(cell as Actor).name} owes`)
  }

  unheard(cell: Cell): void {
    this.log.push(`unheard in ${(cell as Actor).name}`)
  }

  become(cell: Cell, handlers: object): boolean {
    this.log.push(`${(cell as Actor).name} becomes another`)
    cell.handlers = handlers as ReadonlyArray<Handler>
    return true
  }

  unhandled(_cell: Cell, _message: Message, payload: unknown, replier: Replier | undefined): void {
    this.log.push(`${(payload as Payload).id} unhandled`)
    replier?.abandon(undefined)
  }

  fork(cell: Cell, effect: unknown, _message: Message, replier: Replier | undefined): void {
    this.log.push(`${(cell as Actor).name} forks ${effect}`)
    if (replier !== undefined) this.open.push(() => replier.succeed(undefined))
  }

  stream(cell: Cell, stream: unknown, message: Message, replier: Replier | undefined): void {
    this.fork(cell, stream, message, replier)
  }

  interleave(
    cell: Cell,
    effect: unknown,
    message: Message,
    _payload: unknown,
    replier: Replier | undefined
  ): void {
    this.fork(cell, effect, message, replier)
  }

  aside(): void {}

  stash(cell: Cell, _message: Message, payload: unknown, replier: Replier | undefined): void {
    ;(cell as Actor).stashed.push([payload as Payload, replier])
  }

  private end(actor: Actor): void {
    if (actor.status >= ENDING) return
    actor.status = ENDING
    this.log.push(`end of ${actor.name}`)
    actor.replier?.abandon(undefined)
    actor.replier = undefined
    while (actor.size > 0) {
      const { asker, payload } = actor
      actor.drop()
      this.log.push(`${(payload as Payload).id} dead`)
      asker?.abandon(undefined)
    }
    actor.release(this.dispatcher.pool)
    actor.handlers = undefined
    actor.status = ENDED
  }
}

/** What comes out of the stash does no more than answer: else it might go in and out for ever. */
const quiet = ({ asked }: Script): Script => ({ asked, sends: [], outcome: "reply" })

// Its twin: plain arrays, and no thought of speed.

interface Waiting extends Payload {
  readonly answer: (what: string) => void
}

interface TwinActor {
  readonly name: number
  readonly start: Start
  started: boolean
  ended: boolean
  /** It takes nothing now: it starts, runs, or has an effect in flight. */
  occupied: boolean
  queued: boolean
  inHand: Waiting | undefined
  readonly mailbox: Array<Waiting>
  readonly stashed: Array<Waiting>
}

class Twin implements Subject {
  readonly log: Log = []
  private readonly actors: ReadonlyArray<TwinActor>
  private readonly ready: Array<TwinActor> = []
  private readonly open: Array<() => void> = []
  private ids = 1_000_000
  private running = false
  private inTurn: TwinActor | undefined = undefined

  constructor(starts: ReadonlyArray<Start>) {
    this.actors = starts.map((start, name) => ({
      name,
      start,
      started: start === "ready",
      ended: false,
      occupied: false,
      queued: false,
      inHand: undefined,
      mailbox: [],
      stashed: []
    }))
  }

  send(to: number, id: number, script: Script): void {
    const actor = this.actors[to]!
    if (actor.ended) return void this.log.push(`${id} refused`)
    actor.mailbox.push(this.waiting(id, script))
    this.queue(actor)
  }

  receive(to: number, id: number, script: Script): void {
    const actor = this.actors[to]!
    const idle = actor.started && !actor.ended && !actor.occupied && !actor.queued
    if (!idle) return this.send(to, id, script)
    actor.occupied = true
    this.inTurn = actor
    this.handle(actor, this.waiting(id, script))
    this.inTurn = undefined
    this.rest(actor)
  }

  poll(records: ReadonlyArray<() => void>): void {
    this.slice()
    this.running = true
    records.forEach((record) => record())
    this.running = false
    this.slice()
  }

  finish(which: number): void {
    if (this.open.length > 0) this.open.splice(which % this.open.length, 1)[0]!()
  }

  slice(): void {
    this.runFor({ done: false })
  }

  runFor(waiter: { readonly done: boolean }): void {
    if (this.running) return
    this.running = true
    while (!waiter.done && this.ready.length > 0) this.turn(this.ready.shift()!)
    this.running = false
  }

  private waiting(id: number, script: Script): Waiting {
    let done = !script.asked
    return {
      id,
      script,
      answer: (what) => {
        if (!done) this.log.push(`${id} ${what}`)
        done = true
      }
    }
  }

  private queue(actor: TwinActor): void {
    if (actor.queued || actor.occupied || actor.ended || actor.mailbox.length === 0) return
    actor.queued = true
    this.ready.push(actor)
  }

  private turn(actor: TwinActor): void {
    actor.queued = false
    if (actor.ended) return
    actor.occupied = true
    this.inTurn = actor
    if (!actor.started) this.start(actor)
    if (actor.started) {
      for (let left = actor.mailbox.length; left > 0 && !actor.ended && actor.inHand === undefined; left--) {
        this.handle(actor, actor.mailbox.shift()!)
      }
      this.rest(actor)
    }
    this.inTurn = undefined
  }

  private start(actor: TwinActor): void {
    this.log.push(`start ${actor.name}`)
    if (actor.start === "never") return this.end(actor)
    if (actor.start === "at once") {
      actor.started = true
      return
    }
    this.open.push(() => {
      if (actor.ended || actor.started) return
      actor.started = true
      this.rest(actor)
    })
  }

  /** It is free again, unless an effect is in flight. */
  private rest(actor: TwinActor): void {
    if (actor.ended || actor.inHand !== undefined) return
    actor.occupied = false
    this.queue(actor)
  }

  private handle(actor: TwinActor, waiting: Waiting): void {
    const { id, script } = waiting
    const { outcome, sends } = script
    this.log.push(`${id} in ${actor.name}`)
    actor.inHand = waiting
    for (const { script, to } of sends) this.send(to, this.ids++, script)
    if (outcome.startsWith("end")) this.end(actor)
    if (outcome === "throw" || outcome === "end, throw") {
      this.log.push(`crash of ${actor.name}`)
      return this.end(actor)
    }
    if (actor.ended || outcome === "effect") {
      if (outcome === "effect") this.open.push(() => this.complete(actor, waiting))
      return
    }
    if (outcome === "done effect") return this.complete(actor, waiting)
    if (outcome === "crash") {
      this.log.push(`crash of ${actor.name} on purpose`)
      return this.end(actor)
    }
    actor.inHand = undefined
    if (outcome === "become") this.log.push(`${actor.name} becomes another`)
    if (outcome === "stash") {
      actor.stashed.push(waiting)
    } else if (outcome === "unstash") {
      actor.mailbox.unshift(
        ...actor.stashed.splice(0).map((stashed) => ({ ...stashed, script: quiet(stashed.script) }))
      )
      waiting.answer("answered")
    } else if (outcome === "unhandled") {
      this.log.push(`${id} unhandled`)
      waiting.answer("abandoned")
    } else if (outcome === "fork" || outcome === "stream") {
      this.log.push(`${actor.name} forks ${id}`)
      if (script.asked) this.open.push(() => waiting.answer("answered"))
    } else if (outcome === "later") {
      if (script.asked) this.log.push(`${actor.name} owes`)
    } else if (outcome === "fail") {
      if (script.asked) waiting.answer("failed")
      else this.log.push(`unheard in ${actor.name}`)
    } else if (outcome === "stop") {
      this.end(actor)
      waiting.answer("answered")
    } else waiting.answer("answered")
  }

  private complete(actor: TwinActor, waiting: Waiting): void {
    if (actor.ended) return
    this.log.push(`effect of ${actor.name}`)
    actor.inHand = undefined
    waiting.answer("answered")
    if (this.inTurn !== actor) this.rest(actor)
  }

  private end(actor: TwinActor): void {
    if (actor.ended) return
    actor.ended = true
    this.log.push(`end of ${actor.name}`)
    actor.inHand?.answer("abandoned")
    for (const { answer, id } of actor.mailbox.splice(0)) {
      this.log.push(`${id} dead`)
      answer("abandoned")
    }
  }
}

const CELLS = 5

const scripts = fc.letrec<{ script: Script }>((tie) => ({
  script: fc.record({
    sends: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constant([]),
      fc.array(fc.record({ to: fc.nat(CELLS - 1), script: tie("script") }), { maxLength: 3 })
    ),
    asked: fc.boolean(),
    outcome: fc.constantFrom(...outcomes)
  })
})).script

const commands = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("send" as const), to: fc.nat(CELLS - 1), script: scripts })
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("receive" as const),
        records: fc.array(fc.record({ to: fc.nat(CELLS - 1), script: scripts }), {
          minLength: 1,
          maxLength: 4
        })
      })
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("finish" as const), which: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.constant({ do: "slice" as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("run for" as const), after: fc.nat(6) }) }
  ),
  { maxLength: 60, size: "max" }
)

const play = (subject: Subject, commands: ReadonlyArray<Command>): Log => {
  commands.forEach((command, id) => {
    if (command.do === "send") subject.send(command.to, id, command.script)
    else if (command.do === "receive") {
      subject.poll(
        command.records.map(({ script, to }, n) => () => subject.receive(to, id * 1000 + n, script))
      )
    } else if (command.do === "finish") subject.finish(command.which)
    else if (command.do === "slice") subject.slice()
    else {
      // Done when the log has grown by so much.
      const { length } = subject.log
      subject.runFor({
        get done() {
          return subject.log.length > length + command.after
        }
      })
    }
    subject.log.push(`after ${id}`)
  })
  for (let i = 0; i < 1000; i++) {
    subject.slice()
    subject.finish(0)
  }
  return subject.log
}

describe("Dispatcher", () => {
  /** The clock stands still, but for what a test adds to it. */
  let now = 1000
  beforeEach(() => {
    now = 1000
    vi.spyOn(performance, "now").mockImplementation(() => now)
  })
  afterEach(() => void vi.restoreAllMocks())

  it("does what plain arrays would do, in the same order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom<Start>("ready", "ready", "ready", "at once", "later", "never"), {
          minLength: CELLS,
          maxLength: CELLS
        }),
        commands,
        (starts, commands) => {
          const real = new Real(starts)
          expect(play(real, commands)).toEqual(play(new Twin(starts), commands))
          expect(real.dispatcher.running).toBe(false)
          expect(real.dispatcher.waiting).toBe(0)
          const { accepted, handled } = real.dispatcher
          const dead = real.log.filter((line) => line.endsWith(" dead")).length
          expect(accepted + real.received + real.unstashed).toBe(handled + dead)
          // Whatever is idle holds nothing: no mailbox, no answer it might owe.
          for (const cell of real.actors) {
            expect([IDLE, ENDED]).toContain(cell.status)
            expect([cell.size, cell.replier]).toEqual([0, undefined])
          }
        }
      ),
      { numRuns: 300 }
    )
  })

  /** A dispatcher whose one hook is the handler. */
  const simple = (handler: (cell: Cell, payload: number) => unknown) => {
    const deferred: Array<() => void> = []
    const done = (): void => {}
    const hooks: Hooks = {
      start: done,
      effect: done,
      crash: (_cell, error) => {
        throw error
      },
      stop: done,
      owe: done,
      unheard: done,
      become: () => true,
      unhandled: done,
      stash: done,
      fork: done,
      stream: done,
      interleave: done,
      aside: done,
      signal: () => undefined,
      signalled: () => false
    }
    const dispatcher = new Dispatcher(hooks, (task) => deferred.push(task))
    const cell = (): Cell => {
      const cell = new Cell(IDLE)
      cell.handlers = [(_state, payload, self) => handler(self as Cell, payload as number)]
      return cell
    }
    const send = (cell: Cell, payload: number): boolean =>
      dispatcher.send(cell, { index: 0 }, payload, undefined)
    return { dispatcher, deferred, cell, send, next: new Step(NEXT, undefined, undefined) }
  }

  describe("fairness", () => {
    it("lets others have their turn, however much one has to do", () => {
      const order: Array<string> = []
      const { cell, dispatcher, next, send } = simple((self, n) => {
        order.push(`${self === busy ? "busy" : "quick"} ${n}`)
        return next
      })
      const [busy, quick] = [cell(), cell()]
      for (let n = 0; n < 10_000; n++) send(busy, n)
      send(quick, 0)
      dispatcher.slice()
      expect(order.length).toBe(10_001)
      expect(order.indexOf("quick 0")).toBeLessThan(1000)
      expect(order.filter((line) => line.startsWith("busy"))).toEqual(
        Array.from({ length: 10_000 }, (_, n) => `busy ${n}`)
      )
    })

    it("lets others have their turn, though an actor tells itself for ever", () => {
      let told = 0
      let quicks = 0
      const { cell, dispatcher, next, send } = simple((self) => {
        if (self === busy) {
          now += 0.001
          if (told++ < 1_000_000) send(busy, 0)
        } else quicks++
        return next
      })
      const [busy, quick] = [cell(), cell()]
      send(busy, 0)
      send(quick, 0)
      dispatcher.slice()
      expect(quicks).toBe(1)
    })

    it("lets the event loop have its turn after some milliseconds, and goes on after it", () => {
      let handled = 0
      const { cell, deferred, dispatcher, next, send } = simple(() => {
        handled++
        now += 1
        return next
      })
      const busy = cell()
      for (let n = 0; n < 10_000; n++) send(busy, n)
      let slices = 0
      for (dispatcher.slice(); deferred.length > 0; slices++) {
        expect(deferred.length).toBe(1)
        const before = handled
        deferred.shift()!()
        // Milliseconds: a slice has a few, and a look at the clock between them.
        if (slices > 10) expect(handled - before).toBeLessThan(20)
      }
      expect(handled).toBe(10_000)
      expect(slices).toBeGreaterThan(500)
    })

    it("lets the event loop have its turn between starts that handle nothing", () => {
      const { deferred, dispatcher } = simple(() => undefined)
      let started = 0
      const hooks = (dispatcher as unknown as { hooks: Hooks }).hooks as { start: (cell: Cell) => void }
      hooks.start = (cell) => {
        started++
        now += 1
        cell.status = STARTING
      }
      for (let n = 0; n < 1000; n++) dispatcher.send(new Cell(IDLE), { index: 0 }, n, undefined)
      dispatcher.slice()
      expect(started).toBeLessThan(200)
      while (deferred.length > 0) deferred.shift()!()
      expect(started).toBe(1000)
    })
  })

  describe("links", () => {
    /** Links that have so many records, each of which takes so long, and that say whether they were told to sleep. */
    const links = (records: number, millis: number) => {
      const self = { left: records, slept: 0, flushed: 0 }
      const face: Links = {
        poll: () => {
          const polled = Math.min(8, self.left)
          self.left -= polled
          now += polled * millis
          return polled
        },
        flush: () => void self.flushed++,
        idle: () => {
          self.slept++
          return false
        }
      }
      return { self, face }
    }

    it("are told when there is nothing left to do, before the thread rests", () => {
      const { cell, deferred, dispatcher, next, send } = simple(() => next)
      const { face, self } = links(20, 0)
      dispatcher.links = face
      send(cell(), 0)
      dispatcher.slice()
      expect(self).toEqual({ left: 0, slept: 1, flushed: 4 })
      expect(deferred.length).toBe(0)
    })

    // Whoever neither comes back nor sleeps with its bell announced is never woken.
    it.each([1, 2, 3, 5, 50, 64, 65, 200])(
      "are told even when the time is up with the last of %i messages",
      (messages) => {
        const { cell, deferred, dispatcher, next, send } = simple(() => {
          now += 10
          return next
        })
        const { face, self } = links(0, 0)
        dispatcher.links = face
        const slow = cell()
        for (let n = 0; n < messages; n++) send(slow, n)
        dispatcher.slice()
        while (deferred.length > 0) deferred.shift()!()
        expect(self.slept).toBeGreaterThan(0)
        expect(dispatcher.handled).toBe(messages)
      }
    )

    it("let the event loop have its turn, though records come that no cell handles", () => {
      const { deferred, dispatcher } = simple(() => undefined)
      const { face, self } = links(100_000, 0.1)
      dispatcher.links = face
      dispatcher.slice()
      expect(self.left).toBeGreaterThan(99_000)
      expect(deferred.length).toBe(1)
    })

    it("let the event loop have its turn, though they say again and again that there is something", () => {
      const { deferred, dispatcher } = simple(() => undefined)
      const { face } = links(0, 0)
      dispatcher.links = {
        ...face,
        idle: () => {
          now += 0.01
          return true
        }
      }
      dispatcher.slice()
      expect(deferred.length).toBe(1)
    })
  })

  it("runs on behalf of a caller until it has what it waits for, and no further", () => {
    const order: Array<number> = []
    const waiter = { done: false }
    const { cell, dispatcher, next, send } = simple((_cell, n) => {
      order.push(n)
      waiter.done = n === 2
      return next
    })
    for (let n = 0; n < 5; n++) send(cell(), n)
    dispatcher.runFor(waiter)
    expect(order).toEqual([0, 1, 2])
    expect(dispatcher.waiting).toBe(2)
    dispatcher.slice()
    expect(order).toEqual([0, 1, 2, 3, 4])
  })

  it("hands over inline within a slice only, and not within a turn", () => {
    const order: Array<string> = []
    const { cell, dispatcher, next, send } = simple((_self, n) => {
      order.push(`${n} begins`)
      if (n === 1) dispatcher.receive(other, { index: 0 }, 2, undefined)
      if (n === 2) dispatcher.runFor({ done: false })
      order.push(`${n} ends`)
      return next
    })
    const other = cell()
    send(cell(), 1)
    dispatcher.slice()
    expect(order).toEqual(["1 begins", "1 ends", "2 begins", "2 ends"])
    // Not in a slice: what it would run, for an ask of its handler, would run within its turn.
    dispatcher.receive(other, { index: 0 }, 2, undefined)
    send(cell(), 3)
    expect(order.length).toBe(4)
    dispatcher.slice()
    expect(order.slice(4)).toEqual(["2 begins", "2 ends", "3 begins", "3 ends"])
  })

  it("runs by itself once something was sent, in a microtask", async () => {
    let handled = 0
    const { cell, next, send } = simple(() => {
      handled++
      return next
    })
    send(cell(), 0)
    expect(handled).toBe(0)
    await Promise.resolve()
    expect(handled).toBe(1)
  })

  it("leaves an actor ended that ended itself in its handler, whatever the handler gives", () => {
    for (const result of [new Step(NEXT, "new", undefined), "an effect"]) {
      const { cell, dispatcher, send } = simple((self) => {
        self.status = ENDED
        self.state = undefined
        return result
      })
      const one = cell()
      send(one, 0)
      dispatcher.slice()
      expect([one.status, one.state]).toEqual([ENDED, undefined])
      expect(send(one, 1)).toBe(false)
    }
  })
})
