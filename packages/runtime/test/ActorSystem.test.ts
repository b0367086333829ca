import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import type { ActorRef } from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import { SpawnError } from "@troupe/runtime/SpawnError"
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
import { stat } from "node:fs"

/** Goes on for ever, until somebody outside its system says stop. */
const Runner = Actor.make("Runner", {
  args: Schema.Struct({ run: Schema.String }),
  protocol: RpcGroup.make(
    Rpc.make("Plain"),
    Rpc.make("Slow"),
    Rpc.make("Sync"),
    Rpc.make("Yield"),
    Rpc.make("Promise"),
    Rpc.make("Count", { success: Schema.Int })
  )
})

const runs = new Map<string, { stopped: boolean }>()

interface Running {
  readonly run: { stopped: boolean }
  count: number
}

type RunnerRpcs = RpcGroup.Rpcs<typeof Runner.protocol>

const again = (
  state: Running,
  self: ActorRef<RunnerRpcs>,
  tag: "Plain" | "Slow" | "Sync" | "Yield" | "Promise"
) => {
  state.count++
  if (!state.run.stopped) self.tellUnsafe(tag)
  return Actor.next(state)
}

const busy = (millis: number): void => {
  const end = performance.now() + millis
  while (performance.now() < end);
}

const runner = Runner.toLayer({
  state: Actor.opaque<Running>(),
  initial: ({ run }) => ({ run: runs.get(run)!, count: 0 }),
  handlers: {
    Plain: (state, _, { self }) => again(state, self, "Plain"),
    Slow: (state, _, { self }) => {
      busy(1)
      return again(state, self, "Slow")
    },
    Sync: (state, _, { self }) => Effect.sync(() => again(state, self, "Sync")),
    Yield: (state, _, { self }) => Effect.map(Effect.yieldNow, () => again(state, self, "Yield")),
    Promise: (state, _, { self }) => Effect.promise(() => Promise.resolve(again(state, self, "Promise"))),
    Count: (state) => Actor.reply(state, state.count)
  }
})

/** Counts, and passes questions on. */
const Link = Actor.make("Link", {
  protocol: RpcGroup.make(
    Rpc.make("Add", { payload: { n: Schema.Int } }),
    Rpc.make("Total", { success: Schema.Int }),
    Rpc.make("TotalLater", { success: Schema.Int }),
    /** Asks the link before it, down to the first one. */
    Rpc.make("Depth", { payload: { n: Schema.Int }, success: Schema.Int }),
    Rpc.make("Stop")
  )
})

const link = Link.toLayer({
  state: Schema.Int,
  initial: () => 0,
  handlers: {
    Add: (total, { n }) => Actor.next(total + n),
    Total: (total) => Actor.reply(total, total),
    TotalLater: (total) => Effect.as(Effect.yieldNow, Actor.reply(total, total)),
    Depth: (total, { n }) =>
      n === 0
        ? Actor.reply(total, 0)
        : Effect.gen(function*() {
          const before = yield* Link.keyed(`${n - 1}`)
          return Actor.reply(total, 1 + (yield* Effect.orDie(before.ask("Depth", { n: n - 1 }))))
        }),
    Stop: () => Actor.stop()
  }
})

const system = Layer.provideMerge(Layer.mergeAll(runner, link), ActorSystem.layer)
const checking = Layer.provide(system, Layer.succeed(ActorSystem.ValidateMessages, true))

/** What the event loop has to do besides. */
const callbacks: ReadonlyArray<readonly [what: string, schedule: (callback: () => void) => void]> = [
  ["a timer", (callback) => void setTimeout(callback, 0)],
  ["an immediate", (callback) => void setImmediate(callback)],
  ["I/O", (callback) => stat(import.meta.filename, () => callback())]
]

describe("ActorSystem", () => {
  describe("fairness", () => {
    for (const tag of ["Plain", "Slow", "Sync", "Yield", "Promise"] as const) {
      for (const [what, schedule] of callbacks) {
        it.effect(`${what} comes through while an actor tells itself for ever: ${tag}`, () =>
          Effect.gen(function*() {
            const name = `${tag} ${what}`
            const run = { stopped: false }
            runs.set(name, run)
            const [one, two] = [yield* Runner.spawn({ run: name }), yield* Runner.spawn({ run: name })]
            yield* one.tell(tag)
            yield* two.tell(tag)
            // Ten in a row: it is not only the first that comes through.
            for (let i = 0; i < 10; i++) {
              yield* Effect.callback<void>((resume) => schedule(() => resume(Effect.void)))
            }
            run.stopped = true
            assert.isAbove(yield* one.ask("Count"), 0)
            assert.isAbove(yield* two.ask("Count"), 0)
          }).pipe(Effect.scoped, Effect.provide(system)))
      }
    }

    it.effect("an actor has its turn while another one is flooded", () =>
      Effect.gen(function*() {
        const [flooded, other] = [yield* Link.spawn(), yield* Link.spawn()]
        for (let n = 0; n < 50_000; n++) flooded.tellUnsafe("Add", { n: 1 })
        other.tellUnsafe("Add", { n: 1 })
        assert.strictEqual(yield* other.ask("Total"), 1)
        const { stats } = yield* ActorSystem.ActorSystem
        assert.isBelow((yield* stats)[0]!.handled, 50_000)
        assert.strictEqual(yield* flooded.ask("Total"), 50_000)
      }).pipe(Effect.scoped, Effect.provide(system)))

    it.effect("a fiber that asks for ever starves no other one", () =>
      Effect.gen(function*() {
        const [one, two] = [yield* Link.spawn(), yield* Link.spawn()]
        const asking = yield* Effect.forkChild(Effect.forever(one.ask("Total")), { startImmediately: true })
        for (let n = 0; n < 100; n++) yield* two.ask("TotalLater")
        yield* Fiber.interrupt(asking)
        assert.strictEqual(yield* two.ask("Total"), 0)
      }).pipe(Effect.scoped, Effect.provide(system)))
  })

  describe("many", () => {
    it.effect("10,000 actors have each their own state", () =>
      Effect.gen(function*() {
        const links = yield* Effect.all(Array.from({ length: 10_000 }, () => Link.spawn()))
        links.forEach((link, n) => link.tellUnsafe("Add", { n }))
        const totals = yield* Effect.forEach(links, (link) => link.ask("Total"))
        assert.isTrue(totals.every((total, n) => total === n))
      }).pipe(Effect.scoped, Effect.provide(system)))

    it.effect("1,000 actors ask each the next one, within their handlers", () =>
      Effect.gen(function*() {
        const last = yield* Link.keyed("1000")
        assert.strictEqual(yield* last.ask("Depth", { n: 1000 }), 1000)
        assert.strictEqual(yield* last.ask("Depth", { n: 1000 }), 1000)
      }).pipe(Effect.provide(system)))
  })

  describe("an answer that resumes its asker at once", () => {
    for (const tag of ["Total", "TotalLater"] as const) {
      it.effect(`may lead to another question to the same actor: ${tag}`, () =>
        Effect.gen(function*() {
          const link = yield* Link.spawn()
          const asking = Effect.gen(function*() {
            for (let n = 0; n < 100; n++) {
              yield* link.ask(tag)
              yield* link.tell("Add", { n: 1 })
            }
          })
          yield* Effect.all([asking, asking, asking], { concurrency: "unbounded" })
          assert.strictEqual(yield* link.ask("Total"), 300)
        }).pipe(Effect.scoped, Effect.provide(system)))

      it.effect(`may end the actor that answered: ${tag}`, () =>
        Effect.gen(function*() {
          for (let n = 0; n < 20; n++) {
            const scope = yield* Scope.make()
            const link = yield* Effect.provideService(Link.spawn(), Scope.Scope, scope)
            const ending = Effect.gen(function*() {
              yield* link.ask(tag)
              yield* Scope.close(scope, Exit.void)
            })
            const others = Array.from({ length: 3 }, () => Effect.exit(link.ask(tag)))
            yield* Effect.all([ending, ...others], { concurrency: "unbounded" })
            const error = yield* Effect.flip(link.ask(tag))
            assert.strictEqual(error.reason._tag, "DeadRef")
          }
        }).pipe(Effect.provide(system)))
    }
  })

  describe("deadLetters", () => {
    it.effect("forget the oldest when their reader lags", () =>
      Effect.gen(function*() {
        const { deadLetters } = yield* ActorSystem.ActorSystem
        const link = yield* Link.spawn()
        yield* link.ask("Stop")
        const sent = yield* Latch.make()
        const reading = yield* deadLetters.pipe(
          Stream.tap(() => sent.await),
          Stream.map(({ payload }) => (payload as { readonly n: number }).n),
          Stream.takeUntil((n) => n === 4999),
          Stream.runCollect,
          Effect.forkChild({ startImmediately: true })
        )
        for (let n = 0; n < 5000; n++) link.tellUnsafe("Add", { n })
        yield* sent.open
        const read = yield* Fiber.join(reading)
        assert.strictEqual(read.at(-1), 4999)
        assert.isAtMost(read.length, 1025)
        assert.isTrue(read.slice(1).every((n, i) => n > read[i]!))
      }).pipe(Effect.scoped, Effect.provide(system)))

    it.effect("come to every reader", () =>
      Effect.gen(function*() {
        const { deadLetters } = yield* ActorSystem.ActorSystem
        const link = yield* Link.spawn()
        yield* link.ask("Stop")
        const one = deadLetters.pipe(
          Stream.take(1),
          Stream.runCollect,
          Effect.forkChild({ startImmediately: true })
        )
        const readers = [yield* one, yield* one]
        yield* link.tell("Add", { n: 1 })
        for (const reader of readers) {
          const [letter] = yield* Fiber.join(reader)
          assert.deepInclude(letter, {
            _tag: "DeadLetter",
            reason: "Ended",
            actor: "Link",
            key: undefined,
            tag: "Add"
          })
          assert.deepStrictEqual(letter?.payload, { n: 1 })
        }
      }).pipe(Effect.scoped, Effect.provide(system)))
  })

  describe("stats", () => {
    it.effect("count what was accepted, handled, and reached nobody", () =>
      Effect.gen(function*() {
        const { stats } = yield* ActorSystem.ActorSystem
        assert.deepStrictEqual(yield* stats, [{
          thread: 0,
          sent: 0,
          accepted: 0,
          handled: 0,
          deadLettered: 0,
          lost: 0,
          lostFrom: [0]
        }])
        const link = yield* Link.spawn()
        yield* link.tell("Add", { n: 1 })
        yield* link.ask("Stop")
        yield* link.tell("Add", { n: 1 })
        yield* link.offer("Add", { n: 1 })
        assert.deepStrictEqual(yield* stats, [{
          thread: 0,
          sent: 3,
          accepted: 2,
          handled: 2,
          deadLettered: 1,
          lost: 0,
          lostFrom: [0]
        }])
      }).pipe(Effect.scoped, Effect.provide(system)))

    it.effect("are each system's own", () =>
      Effect.gen(function*() {
        const count = Effect.gen(function*() {
          const { stats } = yield* ActorSystem.ActorSystem
          yield* (yield* Link.keyed("it")).ask("Add", { n: 1 })
          return [(yield* stats)[0]!.handled, yield* (yield* Link.keyed("it")).ask("Total")]
        }).pipe(Effect.provide(system))
        assert.deepStrictEqual(yield* Effect.all([count, count], { concurrency: 2 }), [[1, 1], [1, 1]])
      }))
  })

  describe("ValidateMessages", () => {
    it.effect("checks messages and arguments that stay on their thread", () =>
      Effect.gen(function*() {
        const { stats } = yield* ActorSystem.ActorSystem
        const link = yield* Link.spawn()
        yield* link.tell("Add", { n: 1.5 })
        assert.isFalse(yield* link.offer("Add", { n: 1.5 }))
        const error = yield* Effect.flip(link.ask("Add", { n: 1.5 }))
        assert.strictEqual(error.reason._tag, "InvalidMessage")
        assert.strictEqual(yield* link.ask("Total"), 0)
        assert.deepInclude((yield* stats)[0]!, { handled: 1, deadLettered: 2 })
        assert.instanceOf(yield* Effect.flip(Runner.spawn({ run: 1 as never })), SpawnError)
      }).pipe(Effect.scoped, Effect.provide(checking)))

    it.effect("leaves them alone by default", () =>
      Effect.gen(function*() {
        const link = yield* Link.spawn()
        yield* link.tell("Add", { n: 1.5 })
        assert.strictEqual(yield* link.ask("Total"), 1.5)
      }).pipe(Effect.scoped, Effect.provide(system)))
  })

  describe("closing", () => {
    it.effect("ends the actors of keys, and refuses what comes later", () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(system, scope)
        const link = yield* Effect.provideContext(Link.keyed("it"), context)
        assert.strictEqual(yield* link.ask("Total"), 0)
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(link.tellUnsafe("Add", { n: 1 }))
        assert.strictEqual((yield* Effect.flip(link.ask("Total"))).reason._tag, "DeadRef")
      }))
  })
})
