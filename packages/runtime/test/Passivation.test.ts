import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import type { Replier } from "@troupe/runtime/ActorContext"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"

const Guest = Actor.make("Guest", {
  protocol: RpcGroup.make(
    Rpc.make("Visit", { success: Schema.Int }),
    /** Answered by the next `Settle`, as all that are owed. */
    Rpc.make("Owe", { success: Schema.String }),
    Rpc.make("Settle"),
    Rpc.make("Work", { payload: { millis: Schema.Int } }),
    Rpc.make("WorkAside", { payload: { millis: Schema.Int } }),
    Rpc.make("Stash"),
    Rpc.make("Unstash"),
    Rpc.make("Child")
  )
})

/** What has happened to whom, and how many are there. */
class House {
  readonly events: Array<string> = []
  readonly present = new Set<string>()
  most = 0
  come(key: string): void {
    this.events.push(`+${key}`)
    this.present.add(key)
    this.most = Math.max(this.most, this.present.size)
  }
  go(key: string): void {
    this.events.push(`-${key}`)
    this.present.delete(key)
  }
}

const live = (house: House, passivation: Actor.Passivation, finalizer = Effect.void) =>
  Layer.provideMerge(
    Guest.toLayer({
      state: Actor.opaque<
        { readonly visits: number; readonly owed: ReadonlyArray<Replier<string, never> | undefined> }
      >(),
      initial: (_, ctx) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            house.come(ctx.key!)
            return { visits: 0, owed: [] }
          }),
          () => Effect.andThen(finalizer, Effect.sync(() => house.go(ctx.key!)))
        ),
      handlers: {
        Visit: ({ owed, visits }) => Actor.reply({ owed, visits: visits + 1 }, visits + 1),
        Owe: ({ owed, visits }, _, ctx) => Actor.later({ visits, owed: [...owed, ctx.replier] }),
        Settle: ({ owed, visits }) => {
          for (const replier of owed) replier?.succeed("settled")
          return Actor.next({ visits, owed: [] })
        },
        Work: (state, { millis }) => Effect.as(Effect.sleep(millis), Actor.next(state)),
        WorkAside: (state, { millis }, ctx) => {
          ctx.pipeToSelf(Effect.sleep(millis), () => ["Visit"])
          return Actor.next(state)
        },
        Stash: (state) => Actor.stash(state),
        Unstash: (state, _, ctx) => {
          ctx.unstashAll()
          return Actor.next(state)
        },
        Child: (state) => Effect.as(Effect.orDie(Lodger.spawn()), Actor.next(state))
      },
      passivation
    }),
    Layer.provideMerge(lodger, ActorSystem.layer)
  )

const Lodger = Actor.make("Lodger", { protocol: RpcGroup.make(Rpc.make("Stay")) })
const lodger = Lodger.toLayer({
  state: Schema.Void,
  initial: () => undefined,
  handlers: { Stay: () => Actor.next(undefined) }
})

const visit = (key: string) => Effect.flatMap(Guest.keyed(key), (guest) => guest.ask("Visit"))

describe("passivation", () => {
  describe("idleTimeToLive", () => {
    it.effect("S68: an actor leaves when it had no message for so long, and its key lives anew", () => {
      const house = new House()
      return Effect.gen(function*() {
        assert.strictEqual(yield* visit("a"), 1)
        yield* TestClock.adjust("59 seconds")
        assert.strictEqual(yield* visit("a"), 2)
        yield* TestClock.adjust("59 seconds")
        assert.deepStrictEqual(house.events, ["+a"])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(house.events, ["+a", "-a"])
        assert.strictEqual(yield* visit("a"), 1)
        assert.deepStrictEqual(house.events, ["+a", "-a", "+a"])
      }).pipe(Effect.provide(live(house, { idleTimeToLive: "1 minute" })))
    })

    it.effect("S68: each leaves at its own time", () => {
      const house = new House()
      return Effect.gen(function*() {
        for (const key of ["a", "b", "c"]) {
          yield* visit(key)
          yield* TestClock.adjust("10 seconds")
        }
        yield* visit("a")
        yield* TestClock.adjust("40 seconds")
        assert.deepStrictEqual([...house.present], ["a", "c"])
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([...house.present], ["a"])
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([...house.present], [])
      }).pipe(Effect.provide(live(house, { idleTimeToLive: "1 minute" })))
    })

    it.effect("S68: messages that come while it leaves wait for the next incarnation", () => {
      const house = new House()
      const gate = Deferred.makeUnsafe<void>()
      return Effect.gen(function*() {
        yield* visit("a")
        yield* TestClock.adjust("1 minute")
        const asks = yield* Effect.forkChild(Effect.all([visit("a"), visit("a")]), { startImmediately: true })
        yield* Effect.yieldNow
        assert.deepStrictEqual(house.events, ["+a"])
        yield* Deferred.succeed(gate, undefined)
        assert.deepStrictEqual(yield* Fiber.join(asks), [1, 2])
        assert.deepStrictEqual(house.events, ["+a", "-a", "+a"])
      }).pipe(Effect.provide(live(house, { idleTimeToLive: "1 minute" }, Deferred.await(gate))))
    })

    for (
      const [what, tag, payload, release] of [
        ["an answer", "Owe", undefined, "Settle"],
        ["an effect in hand", "Work", { millis: 180_000 }, undefined],
        ["an effect that runs aside", "WorkAside", { millis: 180_000 }, undefined],
        ["a stashed message", "Stash", undefined, undefined]
      ] as const
    ) {
      it.effect(`S68: who has ${what} stays`, () => {
        const house = new House()
        return Effect.gen(function*() {
          const guest = yield* Guest.keyed("a")
          const asked = yield* Effect.forkChild(
            (guest as unknown as { ask(tag: string, payload: unknown): Effect.Effect<unknown> }).ask(
              tag,
              payload
            ),
            { startImmediately: true }
          )
          yield* TestClock.adjust("2 minutes")
          assert.deepStrictEqual(house.events, ["+a"])
          if (release !== undefined) yield* guest.tell(release)
          yield* TestClock.adjust("3 minutes")
          if (tag !== "Stash") {
            yield* Fiber.join(asked)
            assert.deepStrictEqual(house.events, ["+a", "-a"])
          } else assert.deepStrictEqual(house.events, ["+a"])
        }).pipe(Effect.provide(live(house, { idleTimeToLive: "1 minute" })))
      })
    }

    it.effect("S68: who has children stays", () => {
      const house = new House()
      return Effect.gen(function*() {
        const guest = yield* Guest.keyed("a")
        yield* guest.ask("Child")
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(house.events, ["+a"])
      }).pipe(Effect.provide(live(house, { idleTimeToLive: "1 minute" })))
    })

    it.effect("ends with its system: nothing waits for somebody to leave", () => {
      const house = new House()
      return Effect.gen(function*() {
        yield* visit("a").pipe(Effect.provide(live(house, { idleTimeToLive: "1 minute" })))
        assert.deepStrictEqual(house.events, ["+a", "-a"])
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(house.events, ["+a", "-a"])
      })
    })
  })

  describe("capacity", () => {
    it.effect("S69: beyond it those leave whose last messages are the oldest", () => {
      const house = new House()
      return Effect.gen(function*() {
        for (const key of ["a", "b", "c", "a", "d"]) yield* visit(key)
        assert.deepStrictEqual([...house.present].sort(), ["a", "c", "d"])
        yield* visit("e")
        assert.deepStrictEqual([...house.present].sort(), ["a", "d", "e"])
        assert.strictEqual(yield* visit("a"), 3)
        assert.strictEqual(yield* visit("b"), 1)
        assert.strictEqual(house.most, 3)
      }).pipe(Effect.provide(live(house, { capacity: 3 })))
    })

    it.effect("S69: it is exceeded as long as too many have something in hand", () => {
      const house = new House()
      return Effect.gen(function*() {
        for (const key of Arr.range(1, 5)) {
          const guest = yield* Guest.keyed(`${key}`)
          yield* guest.tell("Work", { millis: 1000 })
        }
        yield* TestClock.adjust("500 millis")
        assert.strictEqual(house.present.size, 5)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(house.present.size, 2)
      }).pipe(Effect.provide(live(house, { capacity: 2 })))
    })

    it.effect("S69: nothing is lost, whatever comes in whatever order", () =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            fc.integer({ min: 1, max: 4 }),
            fc.array(fc.tuple(fc.nat(6), fc.constantFrom("Visit", "Work", "Owe", "Settle"), fc.nat(3)), {
              maxLength: 60
            }),
            (capacity, steps) => {
              const house = new House()
              return Effect.gen(function*() {
                const { stats } = yield* ActorSystem.ActorSystem
                const owed: Array<Fiber.Fiber<unknown, unknown>> = []
                for (const [key, tag, millis] of steps) {
                  const guest = yield* Guest.keyed(`${key}`)
                  if (tag === "Work") yield* guest.tell("Work", { millis: millis * 10 })
                  else if (tag === "Visit") yield* guest.tell("Visit")
                  else if (tag === "Settle") yield* guest.tell("Settle")
                  else owed.push(yield* Effect.forkChild(guest.ask("Owe"), { startImmediately: true }))
                  yield* TestClock.adjust(millis)
                }
                yield* TestClock.adjust("10 seconds")
                for (const key of Arr.range(0, 6)) {
                  const guest = yield* Guest.keyed(`${key}`)
                  yield* guest.ask("Settle")
                }
                const [{ deadLettered, handled, sent }] = (yield* stats) as [ActorSystem.ThreadStats]
                assert.strictEqual(deadLettered, 0)
                assert.strictEqual(handled, sent)
                assert.isAtMost(house.present.size, capacity)
                for (const fiber of owed) assert.strictEqual(yield* Fiber.join(fiber), "settled")
              }).pipe(
                Effect.provide(live(house, { capacity, idleTimeToLive: 5 })),
                Effect.provide(TestClock.layer()),
                Effect.runPromise
              )
            }
          ),
          { numRuns: 60 }
        )
      ))
  })

  it.effect("refuses bounds that mean nothing", () =>
    Effect.gen(function*() {
      for (const passivation of [{ capacity: 0 }, { idleTimeToLive: 0 }, { capacity: Number.NaN }]) {
        const exit = yield* Effect.exit(Effect.provide(visit("a"), live(new House(), passivation)))
        assert.strictEqual(exit._tag, "Failure")
      }
    }))
})
