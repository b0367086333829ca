/** Programs that fail in some orders of their actors' turns only. */
import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Schedules from "@troupe/runtime/testing/Schedules"
import * as TestSystem from "@troupe/runtime/testing/TestSystem"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

/** A number that others raise: at once, or by reading it and writing one more, which is a race. */
const Cell = Actor.make("Cell", {
  protocol: RpcGroup.make(
    Rpc.make("Read", {
      payload: { by: ActorRef.ActorRef(RpcGroup.make(Rpc.make("Is", { payload: { n: Schema.Int } }))) }
    }),
    Rpc.make("Write", { payload: { n: Schema.Int } }),
    Rpc.make("Raise"),
    Rpc.make("Value", { success: Schema.Int })
  )
})

const Raiser = Actor.make("Raiser", {
  protocol: RpcGroup.make(Rpc.make("Start"), Rpc.make("Is", { payload: { n: Schema.Int } })),
  args: Schema.Struct({ cell: Cell.ref, atOnce: Schema.Boolean })
})

const CellLive = Cell.toLayer({
  state: Schema.Int,
  initial: () => 0,
  handlers: {
    Read: (n, { by }, ctx) => {
      ctx.send(by, "Is", { n })
      return Actor.next(n)
    },
    Write: (_, { n }) => Actor.next(n),
    Raise: (n) => Actor.next(n + 1),
    Value: (n) => Actor.reply(n, n)
  }
})

const RaiserLive = Raiser.toLayer({
  state: Actor.opaque<{ readonly cell: Actor.Ref<typeof Cell>; readonly atOnce: boolean }>(),
  initial: (args) => args,
  handlers: {
    Start: (state, _, ctx) => {
      if (state.atOnce) ctx.send(state.cell, "Raise")
      else ctx.send(state.cell, "Read", { by: ctx.self })
      return Actor.next(state)
    },
    Is: (state, { n }, ctx) => {
      ctx.send(state.cell, "Write", { n: n + 1 })
      return Actor.next(state)
    }
  }
})

/**
 * Carries the start of the second raiser around for so long that the first one is done, if all have their turns first
 * come, first served.
 */
const Courier = Actor.make("Courier", {
  protocol: RpcGroup.make(
    Rpc.make("Carry", {
      payload: { to: ActorRef.ActorRef(RpcGroup.make(Rpc.make("Start"))), hops: Schema.Int }
    })
  )
})

const CourierLive = Courier.toLayer({
  state: Schema.Void,
  initial: () => {},
  handlers: {
    Carry: (state, { hops, to }, ctx) => {
      if (hops === 0) ctx.send(to, "Start")
      else ctx.send(ctx.self, "Carry", { to, hops: hops - 1 })
      return Actor.next(state)
    }
  }
})

const live = Layer.provideMerge(Layer.mergeAll(CellLive, RaiserLive, CourierLive), ActorSystem.layer)

const program = (atOnce: boolean) =>
  Effect.gen(function*() {
    const cell = yield* Cell.spawn()
    const courier = yield* Courier.spawn()
    const one = yield* Raiser.spawn({ cell, atOnce })
    const two = yield* Raiser.spawn({ cell, atOnce })
    one.tellUnsafe("Start")
    courier.tellUnsafe("Carry", { to: two, hops: 8 })
    yield* TestSystem.quiet
    assert.strictEqual(yield* cell.ask("Value"), 2)
  }).pipe(Effect.scoped, Effect.provide(live))

describe("Schedules", () => {
  it.effect("are first come, first served, where nobody says otherwise (S17, S134)", () => program(false))

  it.effect("finds the order in which a race is lost, as simple as it can be (S134)", () =>
    Effect.gen(function*() {
      const found = yield* Effect.flip(Schedules.check(program(false), { seed: 42 }))
      assert.include(Cause.pretty(found.cause as Cause.Cause<unknown>), "expected 1 to equal 2")
      assert.isNotEmpty(found.turns)
      assert.include(found.message, "seed 42")
      assert.include(found.message, JSON.stringify(found.schedule))
      // Every choice of it is needed: with any of them left to its turn, the race is won.
      for (const [at, choice] of found.schedule.entries()) {
        if (choice > 0) yield* Schedules.replay(program(false), found.schedule.with(at, 0))
      }
    }))

  it.effect("fails alike whenever it is replayed, and with the same seed (S134)", () =>
    Effect.gen(function*() {
      const one = yield* Effect.flip(Schedules.check(program(false), { seed: 7 }))
      const other = yield* Effect.flip(Schedules.check(program(false), { seed: 7 }))
      assert.deepStrictEqual([one.schedule, one.turns, one.runs], [other.schedule, other.turns, other.runs])
      for (let n = 0; n < 3; n++) {
        const exit = yield* Effect.exit(program(false).pipe(Schedules.replay(one.schedule)))
        assert.strictEqual(exit._tag, "Failure")
      }
    }))

  it.effect("finds nothing where there is no race (S134)", () =>
    Schedules.check(program(true), { runs: 200 }))
})
