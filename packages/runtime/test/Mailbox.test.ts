import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import type { AskError } from "@troupe/runtime/AskError"
import type { DeadLetter } from "@troupe/runtime/DeadLetter"
import * as Mailbox from "@troupe/runtime/Mailbox"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"

const protocol = RpcGroup.make(
  /** Keeps the actor busy until the gate opens: meanwhile its mailbox fills. */
  Rpc.make("Hold"),
  Rpc.make("Add", { payload: { n: Schema.Number }, success: Schema.Number }),
  Rpc.make("Stop")
)

type Ref = Actor.Ref<Actor.Actor<"Gated", RpcGroup.Rpcs<typeof protocol>, typeof Schema.Void>>

interface Gated {
  readonly ref: Ref
  /** The numbers that were handled, in order. */
  readonly handled: ReadonlyArray<number>
  readonly letters: ReadonlyArray<DeadLetter>
  /** Opens the gate, and waits until everything is handled that is to be. */
  readonly open: Effect.Effect<void>
  readonly end: Effect.Effect<void>
  readonly stats: Effect.Effect<ActorSystem.ThreadStats>
}

/** Lets the fibers and actors of this thread do what they can. */
const settle = Effect.forEach(Array.from({ length: 10 }), () => Effect.yieldNow, { discard: true })

/** An actor whose handler is held, with an empty mailbox. */
const held = Effect.fnUntraced(
  function*(mailbox: Mailbox.Bounded | undefined, how: "spawned" | "keyed" = "spawned") {
    const handled: Array<number> = []
    const letters: Array<DeadLetter> = []
    const gate = Latch.makeUnsafe()
    const Gated = Actor.make("Gated", { protocol, mailbox })
    const live = Gated.toLayer({
      state: Schema.Void,
      initial: () => undefined,
      handlers: {
        Hold: () => Effect.as(gate.await, Actor.next(undefined)),
        Add: (_, { n }) => {
          handled.push(n)
          return Actor.reply(undefined, n)
        },
        Stop: () => Actor.stop()
      }
    })
    const context = yield* Layer.build(Layer.provideMerge(live, ActorSystem.layer))
    const scope = yield* Scope.make()
    const ref: Ref = yield* (how === "spawned" ? Gated.spawn() : Gated.keyed("key")).pipe(
      Effect.provideService(Scope.Scope, scope),
      Effect.provideContext(context)
    )
    const system = yield* Effect.provideContext(ActorSystem.ActorSystem, context)
    yield* Effect.forkScoped(
      Stream.runForEach(system.deadLetters, (letter) => Effect.sync(() => letters.push(letter)))
    )
    yield* ref.tell("Hold")
    yield* settle
    const gated: Gated = {
      ref,
      handled,
      letters,
      open: Effect.andThen(gate.open, settle),
      end: Effect.andThen(Scope.close(scope, Exit.void), settle),
      stats: Effect.map(system.stats, ([here]) => here!)
    }
    return gated
  }
)

const capacity = 2

/** Held, with the numbers 1 to `capacity` in its mailbox. */
const full = Effect.fnUntraced(function*(overflow: Mailbox.Overflow, how: "spawned" | "keyed" = "spawned") {
  const gated = yield* held({ capacity, overflow }, how)
  for (let n = 1; n <= capacity; n++) assert.isTrue(gated.ref.tellUnsafe("Add", { n }))
  return gated
})

const reasons = (gated: Gated): ReadonlyArray<readonly [string, unknown]> =>
  gated.letters.map(({ payload, reason }) => [reason, (payload as { readonly n: number }).n])

const faces = {
  tell: ({ ref }: Gated) => Effect.as(ref.tell("Add", { n: 3 }), "told"),
  tellUnsafe: ({ ref }: Gated) => Effect.sync(() => ref.tellUnsafe("Add", { n: 3 })),
  offer: ({ ref }: Gated) => ref.offer("Add", { n: 3 }),
  ask: ({ ref }: Gated) =>
    Effect.catch(ref.ask("Add", { n: 3 }), (error) => Effect.succeed(error.reason._tag))
}

/** What a face gives at once ("waits": nothing yet), what is handled afterwards, and the dead letters. */
type Row = readonly [unknown, ReadonlyArray<number>, ReadonlyArray<readonly [string, number]>]

const lost = (n: number) => ["MailboxFull", n] as const

const whenFull: Record<Mailbox.Overflow, Record<keyof typeof faces, Row>> = {
  suspend: {
    tell: ["waits", [1, 2, 3], []],
    tellUnsafe: [false, [1, 2], [lost(3)]],
    offer: [false, [1, 2], []],
    ask: ["waits", [1, 2, 3], []]
  },
  fail: {
    tell: ["told", [1, 2], [lost(3)]],
    tellUnsafe: [false, [1, 2], [lost(3)]],
    offer: [false, [1, 2], []],
    ask: ["MailboxFull", [1, 2], [lost(3)]]
  },
  dropNewest: {
    tell: ["told", [1, 2], [lost(3)]],
    tellUnsafe: [false, [1, 2], [lost(3)]],
    offer: [false, [1, 2], [lost(3)]],
    ask: ["MailboxFull", [1, 2], [lost(3)]]
  },
  dropOldest: {
    tell: ["told", [2, 3], [lost(1)]],
    tellUnsafe: [true, [2, 3], [lost(1)]],
    offer: [true, [2, 3], [lost(1)]],
    // The answer comes when the gate is open.
    ask: ["waits", [2, 3], [lost(1)]]
  }
}

const keysOf = <K extends string>(record: Record<K, unknown>): ReadonlyArray<K> =>
  Object.keys(record) as Array<K>

describe("Mailbox", () => {
  for (const overflow of keysOf(whenFull)) {
    describe(overflow, () => {
      for (const face of keysOf(faces)) {
        it.effect(`${face}, with room`, () =>
          Effect.gen(function*() {
            const gated = yield* held({ capacity, overflow })
            const fiber = yield* Effect.forkChild(faces[face](gated))
            yield* gated.open
            const gives = { tell: "told", tellUnsafe: true, offer: true, ask: 3 }
            assert.strictEqual(yield* Fiber.join(fiber), gives[face])
            assert.deepStrictEqual(gated.handled, [3])
            assert.deepStrictEqual(reasons(gated), [])
          }).pipe(Effect.scoped))

        for (const how of ["spawned", "keyed"] as const) {
          it.effect(`${face}, full (${how})`, () =>
            Effect.gen(function*() {
              const gated = yield* full(overflow, how)
              const [gives, handled, letters] = whenFull[overflow][face]
              const fiber = yield* Effect.forkChild(faces[face](gated))
              yield* settle
              const exit = fiber.pollUnsafe()
              if (gives === "waits") assert.isUndefined(exit)
              else assert.deepStrictEqual(exit, Exit.succeed(gives))
              assert.deepStrictEqual(Mailbox.depth(gated.ref), { now: capacity, high: capacity })
              yield* gated.open
              yield* Fiber.await(fiber)
              assert.deepStrictEqual(gated.handled, handled)
              assert.deepStrictEqual(reasons(gated), letters)
              assert.deepStrictEqual(Mailbox.depth(gated.ref), { now: 0, high: capacity })
              const { accepted, handled: count } = yield* gated.stats
              // The first message was the one that holds it; only what was accepted and dropped was not handled.
              assert.strictEqual(accepted, count + (overflow === "dropOldest" ? letters.length : 0))
              assert.strictEqual(count, handled.length + 1)
            }).pipe(Effect.scoped))
        }
      }
    })
  }

  describe("suspend", () => {
    it.effect("lets senders in in the order in which they began to wait", () =>
      Effect.gen(function*() {
        const gated = yield* full("suspend")
        const waiting: Array<Fiber.Fiber<unknown, AskError>> = []
        for (let n = 3; n <= 12; n++) {
          const face = n % 3 === 0 ? gated.ref.ask("Add", { n }) : gated.ref.tell("Add", { n })
          waiting.push(yield* Effect.forkChild(face))
        }
        yield* settle
        // Who does not wait does not overtake those who do.
        assert.isFalse(yield* gated.ref.offer("Add", { n: 99 }))
        yield* gated.open
        yield* Fiber.joinAll(waiting)
        assert.deepStrictEqual(gated.handled, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
        assert.deepStrictEqual(Mailbox.depth(gated.ref), { now: 0, high: capacity })
      }).pipe(Effect.scoped))

    it.effect("an interrupted sender leaves nothing behind", () =>
      Effect.gen(function*() {
        const gated = yield* full("suspend")
        const told = yield* Effect.forkChild(gated.ref.tell("Add", { n: 3 }))
        const asked = yield* Effect.forkChild(gated.ref.ask("Add", { n: 4 }))
        const stays = yield* Effect.forkChild(gated.ref.tell("Add", { n: 5 }))
        yield* settle
        yield* Fiber.interrupt(told)
        yield* Fiber.interrupt(asked)
        yield* gated.open
        yield* Fiber.join(stays)
        assert.deepStrictEqual(gated.handled, [1, 2, 5])
        assert.deepStrictEqual(reasons(gated), [])
        assert.deepStrictEqual(Mailbox.depth(gated.ref), { now: 0, high: capacity })
        assert.isTrue(yield* gated.ref.offer("Add", { n: 6 }))
      }).pipe(Effect.scoped))

    it.live("the deadline of an ask counts while it waits for room", () =>
      Effect.gen(function*() {
        const gated = yield* full("suspend")
        const error = yield* Effect.flip(gated.ref.ask("Add", { n: 3 }, { timeout: "1 millis" }))
        assert.strictEqual((error as AskError).reason._tag, "AskTimeout")
        yield* gated.open
        assert.deepStrictEqual(gated.handled, [1, 2])
      }).pipe(Effect.scoped))

    it.effect("the actor's end fails who waits", () =>
      Effect.gen(function*() {
        const gated = yield* full("suspend")
        const told = yield* Effect.forkChild(gated.ref.tell("Add", { n: 3 }))
        const asked = yield* Effect.forkChild(Effect.flip(gated.ref.ask("Add", { n: 4 })))
        yield* settle
        yield* gated.end
        yield* Fiber.join(told)
        assert.strictEqual(((yield* Fiber.join(asked)) as AskError).reason._tag, "DeadRef")
        assert.deepStrictEqual(reasons(gated), [["Ended", 1], ["Ended", 2], ["Ended", 3], ["Ended", 4]])
        assert.deepStrictEqual(gated.handled, [])
      }).pipe(Effect.scoped))

    it.effect("who waits for a key waits for its next incarnation", () =>
      Effect.gen(function*() {
        const gated = yield* held({ capacity, overflow: "suspend" }, "keyed")
        yield* gated.ref.tell("Stop")
        yield* gated.ref.tell("Add", { n: 1 })
        const told: Array<Fiber.Fiber<void>> = []
        for (const n of [2, 3, 4]) told.push(yield* Effect.forkChild(gated.ref.tell("Add", { n })))
        yield* settle
        yield* gated.open
        yield* Fiber.joinAll(told)
        yield* settle
        // The place of the message that stops it was free before it stopped.
        assert.deepStrictEqual(reasons(gated), [["Ended", 1], ["Ended", 2]])
        assert.deepStrictEqual(gated.handled, [3, 4])
      }).pipe(Effect.scoped))

    it.effect("an actor that tells itself more than fits is told so, and goes on", () =>
      Effect.gen(function*() {
        const Self = Actor.make("Self", {
          protocol: RpcGroup.make(
            Rpc.make("Go", { success: Schema.Array(Schema.Boolean) }),
            Rpc.make("Note")
          ),
          mailbox: { capacity, overflow: "suspend" }
        })
        const live = Self.toLayer({
          state: Schema.Void,
          initial: () => undefined,
          handlers: {
            Go: (_, __, ctx) => Actor.reply(undefined, [1, 2, 3].map(() => ctx.send(ctx.self, "Note"))),
            Note: () => Actor.next(undefined)
          }
        })
        const answer = yield* Effect.flatMap(Self.spawn(), (ref) => ref.ask("Go")).pipe(
          Effect.provide(Layer.provideMerge(live, ActorSystem.layer))
        )
        assert.deepStrictEqual(answer, [true, true, false])
      }).pipe(Effect.scoped))
  })

  describe("dropOldest", () => {
    it.effect("fails the asker of what it drops", () =>
      Effect.gen(function*() {
        const gated = yield* held({ capacity, overflow: "dropOldest" })
        const asked = yield* Effect.forkChild(Effect.flip(gated.ref.ask("Add", { n: 0 })))
        yield* settle
        yield* gated.ref.tell("Add", { n: 1 })
        yield* gated.ref.tell("Add", { n: 2 })
        const error = (yield* Fiber.join(asked)) as AskError
        assert.deepInclude(error.reason, { _tag: "MailboxFull", capacity })
        yield* gated.open
        assert.deepStrictEqual(gated.handled, [1, 2])
        assert.deepStrictEqual(reasons(gated), [["MailboxFull", 0]])
      }).pipe(Effect.scoped))
  })

  describe("depth", () => {
    it.effect("is known of an unbounded mailbox too", () =>
      Effect.gen(function*() {
        const gated = yield* held(undefined)
        assert.deepStrictEqual(Mailbox.depth(gated.ref), { now: 0, high: 1 })
        for (let n = 0; n < 100; n++) gated.ref.tellUnsafe("Add", { n })
        assert.deepStrictEqual(Mailbox.depth(gated.ref), { now: 100, high: 100 })
        yield* gated.open
        assert.deepStrictEqual(Mailbox.depth(gated.ref), { now: 0, high: 100 })
      }).pipe(Effect.scoped))
  })

  describe("make", () => {
    for (
      const mailbox of [
        { capacity: 0, overflow: "fail" },
        { capacity: 1.5, overflow: "fail" },
        { capacity: 2 ** 24 + 1, overflow: "fail" },
        { capacity: Number.NaN, overflow: "fail" },
        { capacity: 1, overflow: "drop" }
      ]
    ) {
      it(`refuses ${JSON.stringify(mailbox)}`, () => {
        assert.throws(
          () => Actor.make("Gated", { protocol, mailbox: mailbox as Mailbox.Bounded }),
          TypeError,
          "Gated"
        )
      })
    }
  })

  describe("beside a naive bounded queue", () => {
    const commands = fc.array(
      fc.record({
        what: fc.constantFrom("tell", "tellUnsafe", "offer", "ask", "interrupt", "take"),
        which: fc.nat()
      }),
      { maxLength: 60 }
    )

    /** What a bounded mailbox does, with arrays. */
    class Naive {
      readonly queue: Array<number> = []
      waiting: Array<number> = []
      readonly handled: Array<number> = []
      readonly dropped: Array<number> = []
      high = 0
      readonly bounds: Mailbox.Bounded
      constructor(bounds: Mailbox.Bounded) {
        this.bounds = bounds
      }

      send(n: number, what: string): void {
        const { capacity, overflow } = this.bounds
        if (this.queue.length < capacity && this.waiting.length === 0) this.queue.push(n)
        else if (overflow === "dropOldest") {
          this.dropped.push(this.queue.shift()!)
          this.queue.push(n)
        } else if (overflow === "suspend" && (what === "tell" || what === "ask")) this.waiting.push(n)
        else if (overflow === "dropNewest" || what !== "offer") this.dropped.push(n)
        this.high = Math.max(this.high, this.queue.length)
      }

      take(): void {
        while (this.queue.length > 0) {
          this.handled.push(this.queue.shift()!)
          if (this.waiting.length > 0) this.queue.push(this.waiting.shift()!)
        }
      }
    }

    for (const overflow of keysOf(whenFull)) {
      it.effect(overflow, () =>
        Effect.promise((signal) =>
          fc.assert(
            fc.asyncProperty(fc.integer({ min: 1, max: 5 }), commands, (size, all) =>
              Effect.runPromise(
                Effect.gen(function*() {
                  const bounds = { capacity: size, overflow }
                  const naive = new Naive(bounds)
                  const gated = yield* held(bounds)
                  const fibers = new Map<number, Fiber.Fiber<unknown, unknown>>()
                  let n = 0
                  for (const { what, which } of all) {
                    if (what === "take") break
                    if (what === "interrupt") {
                      const one = naive.waiting[which % Math.max(1, naive.waiting.length)]
                      if (one === undefined) continue
                      naive.waiting = naive.waiting.filter((other) => other !== one)
                      yield* Fiber.interrupt(fibers.get(one)!)
                    } else {
                      n++
                      const { ref } = gated
                      const payload = { n }
                      const sent: Effect.Effect<unknown, unknown> = what === "tell"
                        ? ref.tell("Add", payload)
                        : what === "ask"
                        ? ref.ask("Add", payload)
                        : what === "offer"
                        ? ref.offer("Add", payload)
                        : Effect.sync(() => ref.tellUnsafe("Add", payload))
                      fibers.set(n, yield* Effect.forkChild(Effect.ignore(sent), { startImmediately: true }))
                      naive.send(n, what)
                    }
                    assert.deepStrictEqual(Mailbox.depth(gated.ref), {
                      now: naive.queue.length,
                      high: Math.max(1, naive.high)
                    })
                  }
                  naive.take()
                  yield* gated.open
                  while (gated.handled.length < naive.handled.length) yield* Effect.yieldNow
                  yield* settle
                  assert.deepStrictEqual(gated.handled, naive.handled)
                  assert.deepStrictEqual(
                    gated.letters.map(({ payload }) => (payload as { n: number }).n),
                    naive.dropped
                  )
                  for (const fiber of fibers.values()) assert.isDefined(fiber.pollUnsafe())
                }).pipe(Effect.scoped),
                { signal }
              )),
            { numRuns: 60 }
          )
        ))
    }
  })
})
