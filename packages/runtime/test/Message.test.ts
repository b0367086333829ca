/** What the annotations of messages mean beside what else a contract says. */
import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as Message from "@troupe/runtime/Message"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Context from "effect/Context"
import { here } from "./fixtures/desks.ts"
import { fresh, letters } from "./fixtures/places.ts"
import { Ranked, RankedBounded, RankedDropping } from "./fixtures/Ranks.ts"
import { Gate } from "./fixtures/Subject.ts"

const open = (gate: string) => Effect.flatMap(Gate.keyed(gate), (gate) => gate.ask("Open"))
const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

describe("Message", () => {
  it.effect("has no priority over the end of an actor that is to stop when the rest is handled (S58)", () =>
    Effect.gen(function*() {
      const ranked = yield* Ranked.spawn()
      const gate = fresh("gate")
      yield* ranked.tell("Hold", { gate })
      const dead = yield* letters(1, ({ tag }) => tag === "High")
      yield* ranked.tell("Low", { line: "low" })
      const held = yield* fork(ranked.ask("Lines"))
      const stopping = yield* fork(ActorRef.stop(ranked))
      const again = yield* fork(ActorRef.stop(ranked))
      yield* ranked.tell("High", { line: "too late" })
      yield* open(gate)
      yield* Fiber.join(stopping)
      yield* Fiber.join(again)
      assert.deepStrictEqual(yield* Fiber.join(held), [])
      const [letter] = yield* dead
      assert.deepInclude(letter, { reason: "Ended", payload: { line: "too late" } })
    }).pipe(Effect.scoped, Effect.provide(here)))

  it.effect("decides which one makes way in a mailbox that drops its oldest (S36, S58)", () =>
    Effect.gen(function*() {
      const key = fresh("ranked")
      const ranked = yield* RankedDropping.keyed(key)
      const gate = fresh("gate")
      yield* ranked.tell("Hold", { gate })
      const dead = yield* letters(2, (letter) => letter.key === key)
      yield* Effect.repeat(ranked.ask("Peek"), { until: (lines) => lines.length === 0 })
      yield* ranked.tell("High", { line: "high" })
      yield* ranked.tell("Normal", { line: "normal 1" })
      yield* ranked.tell("Low", { line: "low" })
      yield* ranked.tell("Normal", { line: "normal 2" })
      yield* ranked.tell("Normal", { line: "normal 3" })
      assert.deepStrictEqual((yield* dead).map(({ reason, tag }) => [reason, tag]), [
        ["MailboxFull", "Low"],
        ["MailboxFull", "Normal"]
      ])
      yield* open(gate)
      yield* Effect.repeat(Effect.yieldNow, { times: 3 })
      assert.deepStrictEqual(yield* ranked.ask("Lines"), ["high", "normal 2", "normal 3"])
    }).pipe(Effect.scoped, Effect.provide(here)))

  it.effect("replaces one that waits where the mailbox is full (S58)", () =>
    Effect.gen(function*() {
      const ranked = yield* RankedBounded.keyed(fresh("ranked"))
      const gate = fresh("gate")
      yield* ranked.tell("Hold", { gate })
      yield* Effect.yieldNow
      assert.isTrue(yield* ranked.offer("Price", { symbol: "a", price: 1 }))
      assert.isTrue(yield* ranked.offer("Normal", { line: "1" }))
      assert.isTrue(yield* ranked.offer("Normal", { line: "2" }))
      assert.isFalse(yield* ranked.offer("Normal", { line: "3" }))
      assert.isFalse(yield* ranked.offer("Price", { symbol: "b", price: 1 }))
      for (let price = 2; price < 10; price++) {
        assert.isTrue(yield* ranked.offer("Price", { symbol: "a", price }))
      }
      yield* open(gate)
      yield* Effect.repeat(Effect.yieldNow, { times: 3 })
      assert.deepStrictEqual(yield* ranked.ask("Lines"), ["a 9", "1", "2"])
    }).pipe(Effect.scoped, Effect.provide(here)))

  it("is said by annotations, which others may read", () => {
    const rpc = Rpc.make("Halt").pipe(Message.priority(3), Message.essential, Message.interleave)
    assert.strictEqual(Context.get(rpc.annotations, Message.Priority), 3)
    assert.isTrue(Context.get(rpc.annotations, Message.Essential))
    assert.isTrue(Context.get(rpc.annotations, Message.Interleave))
    const plain = Rpc.make("Plain")
    assert.deepStrictEqual(
      [Message.Priority, Message.Essential, Message.Interleave, Message.CoalesceBy].map((key) =>
        Context.get(plain.annotations, key as typeof Message.Priority)
      ) as Array<unknown>,
      [0, false, false, undefined]
    )
  })

  it("refuses what makes no sense, where the contract is made", () => {
    const streamed = Rpc.make("Count", { payload: { n: Schema.Int }, success: Schema.Int, stream: true })
    assert.throws(
      () =>
        Actor.make("Counter", { protocol: RpcGroup.make(streamed.pipe(Message.coalesceBy(({ n }) => n))) }),
      /Counter\.Count/
    )
    assert.throws(
      () =>
        Actor.make("Counter", { protocol: RpcGroup.make(Rpc.make("Go").pipe(Message.priority(Number.NaN))) }),
      /Counter\.Go/
    )
  })

  it.effect("refuses handlers of fewer than one message (S57)", () =>
    Effect.gen(function*() {
      const Doer = Actor.make("Doer", { protocol: RpcGroup.make(Rpc.make("Do")) })
      const live = Doer.toLayer({
        state: Schema.Int,
        initial: () => 0,
        handlers: { Do: { batch: (n) => Actor.next(n), max: 0 } }
      })
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(Layer.provide(live, ActorSystem.layer))))
      assert.include(String(exit), "Do: a batch has at least 1 message, not 0")
    }))
})
