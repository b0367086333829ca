/** A fault point is where somebody asked for it, and nowhere else: what nobody hurts runs the code that it always ran. */
import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as FaultPoint from "@troupe/runtime/FaultPoint"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type { LocalRef } from "../src/internal/localRef.ts"
import type { System } from "../src/internal/system.ts"

const Sink = Actor.make("Sink", {
  protocol: RpcGroup.make(Rpc.make("Put")),
  mailbox: { capacity: 8, overflow: "fail" }
})

const put = () => Actor.next(undefined)

/** Which parts of a system are not those of a system that nobody hurts. */
const changed = (injector: FaultPoint.Injector | undefined) =>
  Effect.gen(function*() {
    const { dispatcher } = (yield* ActorSystem.ActorSystem) as unknown as System
    const sink = yield* Sink.spawn()
    yield* sink.ask("Put")
    const { handlers, mailbox } = sink as unknown as LocalRef
    return {
      handler: handlers![0] as unknown !== put,
      delivery: Object.hasOwn(dispatcher, "send") || Object.hasOwn(dispatcher, "receive"),
      full: Object.hasOwn(mailbox!, "reserve")
    }
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Sink.toLayer({ state: Schema.Void, initial: () => undefined, handlers: { Put: put } }).pipe(
        Layer.provideMerge(ActorSystem.layer),
        Layer.provide(injector === undefined ? Layer.empty : Layer.succeed(FaultPoint.Injector, injector))
      )
    )
  )

describe("FaultPoint", () => {
  const nothing = { handler: false, delivery: false, full: false }

  it.effect("a system without an injector has none, nor has one whose injector asks for none", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* changed(undefined), nothing)
      assert.deepStrictEqual(yield* changed({ threads: () => {} }), nothing)
    }))

  const points: ReadonlyArray<FaultPoint.Injector> = [
    { handler: () => undefined },
    { delivery: () => undefined },
    { full: () => false }
  ]
  for (const injector of points) {
    const [point] = Object.keys(injector)
    it.effect(`one that asks for ${point} has that one alone`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* changed(injector), { ...nothing, [point!]: true })
      }))
  }
})
