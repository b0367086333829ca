/** The system lane: signals go before messages, wherever the actor is. */
import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import { signal } from "../../src/internal/life.ts"
import type { LocalRef } from "../../src/internal/localRef.ts"

const Noter = Actor.make("Noter", {
  protocol: RpcGroup.make(
    Rpc.make("Note", { payload: { text: Schema.String } }),
    /** Signals itself twice, in its turn. */
    Rpc.make("Signal"),
    Rpc.make("Hold"),
    Rpc.make("Seen", { success: Schema.Array(Schema.String) })
  ),
  mailbox: { capacity: 3, overflow: "fail" }
})

const noting = (text: string) => ({
  index: -1,
  tag: text,
  handle: (seen: unknown) => Actor.next([...(seen as ReadonlyArray<string>), text])
})

const setup = Effect.gen(function*() {
  const gate = Latch.makeUnsafe()
  const initial = Latch.makeUnsafe(true)
  const live = Noter.toLayer({
    state: Schema.Array(Schema.String),
    initial: () => Effect.as(initial.await, []),
    handlers: {
      Note: (seen, { text }) => Actor.next([...seen, text]),
      Signal: (seen, _, ctx) => {
        const self = ctx.self as unknown as LocalRef
        signal(self, noting("s1"))
        signal(self, noting("s2"))
        return Actor.next([...seen, "Signal"])
      },
      Hold: (seen) => Effect.as(gate.await, Actor.next([...seen, "Hold"])),
      Seen: (seen) => Actor.reply(seen, seen)
    }
  })
  const context = yield* Layer.build(Layer.provideMerge(live, ActorSystem.layer))
  const ref = yield* Effect.provideContext(Noter.spawn(), context)
  const key = yield* Effect.provideContext(Noter.keyed("key"), context)
  return { ref, local: ref as unknown as LocalRef, key, gate, initial }
})

describe("the system lane", () => {
  it.effect("goes before the messages that wait", () =>
    Effect.gen(function*() {
      const { local, ref } = yield* setup
      ref.tellUnsafe("Note", { text: "m1" })
      ref.tellUnsafe("Note", { text: "m2" })
      assert.isTrue(signal(local, noting("s1")))
      assert.isTrue(signal(local, noting("s2")))
      assert.deepStrictEqual(yield* ref.ask("Seen"), ["s1", "s2", "m1", "m2"])
    }).pipe(Effect.scoped))

  it.effect("wakes an idle actor", () =>
    Effect.gen(function*() {
      const { local, ref } = yield* setup
      signal(local, noting("s1"))
      yield* Effect.yieldNow
      assert.deepStrictEqual(local.state, ["s1"])
      assert.deepStrictEqual(yield* ref.ask("Seen"), ["s1"])
    }).pipe(Effect.scoped))

  it.effect("comes between two messages of one turn", () =>
    Effect.gen(function*() {
      const { ref } = yield* setup
      ref.tellUnsafe("Signal")
      ref.tellUnsafe("Note", { text: "m" })
      assert.deepStrictEqual(yield* ref.ask("Seen"), ["Signal", "s1", "s2", "m"])
    }).pipe(Effect.scoped))

  it.effect("waits for an effect in flight, and for nothing else; a full mailbox does not stop it", () =>
    Effect.gen(function*() {
      const { gate, local, ref } = yield* setup
      ref.tellUnsafe("Hold")
      yield* Effect.yieldNow
      for (const text of ["m1", "m2"]) ref.tellUnsafe("Note", { text })
      const seen = yield* Effect.forkChild(ref.ask("Seen"), { startImmediately: true })
      assert.isFalse(yield* ref.offer("Note", { text: "m3" }))
      for (const text of ["s1", "s2", "s3", "s4", "s5"]) assert.isTrue(signal(local, noting(text)))
      yield* gate.open
      assert.deepStrictEqual(yield* Fiber.join(seen), ["Hold", "s1", "s2", "s3", "s4", "s5", "m1", "m2"])
    }).pipe(Effect.scoped))

  it.effect("a signal's effect is in flight as a message's is", () =>
    Effect.gen(function*() {
      const { gate, local, ref } = yield* setup
      signal(local, {
        index: -1,
        tag: "slow",
        handle: (seen: unknown) =>
          Effect.as(gate.await, Actor.next([...(seen as ReadonlyArray<string>), "slow"]))
      })
      signal(local, noting("s2"))
      ref.tellUnsafe("Note", { text: "m" })
      yield* Effect.yieldNow
      assert.deepStrictEqual(local.state, [])
      yield* gate.open
      assert.deepStrictEqual(yield* ref.ask("Seen"), ["slow", "s2", "m"])
    }).pipe(Effect.scoped))

  it.effect("a signal that throws ends the actor, and an ended actor takes none", () =>
    Effect.gen(function*() {
      const { local } = yield* setup
      signal(local, {
        index: -1,
        tag: "bad",
        handle: () => {
          throw new Error("bad")
        }
      })
      signal(local, noting("never"))
      yield* Effect.yieldNow
      assert.isFalse(signal(local, noting("late")))
    }).pipe(Effect.scoped))
})
