import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

const Link = Actor.make("Link", {
  protocol: RpcGroup.make(
    /** Asks the next link, down to 0; how many links answered. */
    Rpc.make("Chain", { payload: { left: Schema.Int }, success: Schema.Int }),
    /** Asks this one `n` times, one after the other. */
    Rpc.make("Many", { payload: { of: Schema.String, n: Schema.Int }, success: Schema.Int }),
    Rpc.make("Count", { success: Schema.Int }),
    Rpc.make("Note", { payload: { line: Schema.String } }),
    /** Tells the other one, asks it, and notes what happened meanwhile. */
    Rpc.make("Meanwhile", { payload: { other: Schema.String }, success: Schema.Array(Schema.String) })
  )
})

interface State {
  readonly count: number
  readonly lines: ReadonlyArray<string>
}

const live = Link.toLayer({
  state: Actor.opaque<State>(),
  initial: () => ({ count: 0, lines: [] }),
  handlers: {
    Chain: (state, { left }) =>
      left === 0 ? Actor.reply(state, 0) : Effect.gen(function*() {
        const next = yield* Link.keyed(String(left - 1))
        return Actor.reply(state, 1 + (yield* next.ask("Chain", { left: left - 1 })))
      }).pipe(Effect.orDie),
    Many: (state, { n, of }) =>
      Effect.gen(function*() {
        const other = yield* Link.keyed(of)
        let last = 0
        for (let i = 0; i < n; i++) last = yield* other.ask("Count")
        return Actor.reply(state, last)
      }).pipe(Effect.orDie),
    Count: (state) => Actor.reply({ ...state, count: state.count + 1 }, state.count + 1),
    Note: (state, { line }) => Actor.next({ ...state, lines: [...state.lines, line] }),
    Meanwhile: (state, { other }, ctx) =>
      Effect.gen(function*() {
        const link = yield* Link.keyed(other)
        // Both wait for the end of this handler, in order.
        ctx.send(ctx.self, "Note", { line: "sent before" })
        yield* link.ask("Count")
        ctx.send(ctx.self, "Note", { line: "sent after" })
        yield* link.ask("Count")
        return Actor.reply(state, state.lines)
      }).pipe(Effect.orDie)
  }
})

const system = Layer.provideMerge(live, ActorSystem.layer)

describe("an ask within a handler", () => {
  it.effect("is answered within the handler's turn where it can be, however long the chain is (S19)", () =>
    Effect.gen(function*() {
      const first = yield* Link.keyed("500")
      assert.strictEqual(yield* first.ask("Chain", { left: 500 }), 500)
    }).pipe(Effect.provide(system)))

  it.effect("keeps an actor at one message at a time, and its messages in order (S2, S3)", () =>
    Effect.gen(function*() {
      const a = yield* Link.keyed("a")
      assert.strictEqual(yield* a.ask("Many", { of: "b", n: 2000 }), 2000)
      assert.deepStrictEqual(yield* a.ask("Meanwhile", { other: "b" }), [])
      assert.deepStrictEqual(yield* a.ask("Meanwhile", { other: "b" }), ["sent before", "sent after"])
    }).pipe(Effect.provide(system)))

  it.live("does not starve timers, however many there are (S18)", () =>
    Effect.gen(function*() {
      const a = yield* Link.keyed("a")
      let fired = false
      const many = yield* Effect.forkChild(a.ask("Many", { of: "b", n: 1_000_000 }))
      yield* Effect.sleep(1)
      fired = many.pollUnsafe() === undefined
      assert.isTrue(fired)
    }).pipe(Effect.provide(system)))
})
