import { assert, describe, it } from "@effect/vitest"
import * as Memory from "@troupe/runtime/Memory"
import * as Effect from "effect/Effect"

describe("Memory", () => {
  it.effect("hands out zeroed regions of the heap that are shared and can be waited on", () =>
    Effect.gen(function*() {
      const region = yield* Memory.allocate({ name: "orders", byteLength: 100 })
      assert.strictEqual(region.byteLength, 104)
      assert.strictEqual(region.byteOffset % 64, 0)
      assert(region.shared && region.waitable)
      const words = new Int32Array(region.buffer, region.byteOffset, region.byteLength / 4)
      assert(words.every((word) => word === 0))
      assert.strictEqual(Atomics.notify(words, 0), 0)
    }).pipe(Effect.scoped))

  it.effect("attaches the same bytes from a descriptor that survives structured clone within the heap", () =>
    Effect.gen(function*() {
      const region = yield* Memory.allocate({ name: "orders", byteLength: 8 })
      const again = yield* Memory.attach({ ...region.descriptor })
      new Uint8Array(region.buffer, region.byteOffset)[3] = 7
      assert.strictEqual(new Uint8Array(again.buffer, again.byteOffset)[3], 7)
      const error = yield* Effect.flip(Memory.attach({ ...region.descriptor, kind: "file", source: "/x" }))
      assert.strictEqual(error._tag, "MemoryError")
    }).pipe(Effect.scoped))

  it.effect("fails typed beyond its limit, and gives back what a scope held", () =>
    Effect.gen(function*() {
      const take = Effect.scoped(Memory.allocate({ name: "a", byteLength: 64 }))
      yield* take
      yield* take
      const error = yield* Effect.flip(Effect.scoped(Effect.andThen(
        Memory.allocate({ name: "a", byteLength: 64 }),
        Memory.allocate({ name: "b", byteLength: 64 })
      )))
      assert.strictEqual(error.name, "b")
      for (const byteLength of [0, -1, NaN, Infinity]) {
        assert.strictEqual(
          (yield* Effect.flip(Effect.scoped(Memory.allocate({ name: "c", byteLength }))))._tag,
          "MemoryError"
        )
      }
      assert.strictEqual(
        (yield* Effect.flip(Effect.scoped(Memory.allocate({ name: "d", byteLength: 8, alignment: 3 }))))._tag,
        "MemoryError"
      )
    }).pipe(Effect.provide(Memory.layerHeap({ limit: 100 }))))
})
