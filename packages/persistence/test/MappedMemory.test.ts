import { assert, describe, it } from "@effect/vitest"
import * as MappedMemory from "@troupe/persistence/MappedMemory"
import * as Layout from "@troupe/runtime/Layout"
import * as Memory from "@troupe/runtime/Memory"
import * as RingBuffer from "@troupe/runtime/RingBuffer"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readdirSync, readFileSync, truncateSync } from "node:fs"
import { join } from "node:path"
import { temporary } from "./temporary.ts"

const words = (region: Memory.Region): Int32Array =>
  new Int32Array(region.buffer, region.byteOffset, region.byteLength / 4)

const kept = (byteLength = 4096) => Memory.allocate({ name: "columns", byteLength, keep: true })

describe("MappedMemory", () => {
  it.effect("hands out regions of zeros that are files, shared and aligned", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        const region = yield* Memory.allocate({ name: "orders", byteLength: 100, alignment: 4096 })
        assert.deepStrictEqual(
          [region.byteLength, region.byteOffset, region.shared, region.waitable, region.kept],
          [104, 0, true, false, false]
        )
        assert(words(region).every((word) => word === 0))
        Atomics.store(words(region), 3, 7)
        assert.strictEqual(readFileSync(region.descriptor.source as string).readInt32LE(12), 7)
      }).pipe(Effect.scoped, Effect.provide(MappedMemory.layer({ directory })))
    ))

  it.effect("keeps what is asked for with keep, and takes the rest away with its scope (S90)", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const region = yield* kept()
          assert.isFalse(region.kept)
          words(region)[5] = 42
          yield* Memory.allocate({ name: "scratch", byteLength: 64 })
        }))
        assert.deepStrictEqual(readdirSync(directory), ["columns.region"])
        yield* Effect.scoped(Effect.gen(function*() {
          const region = yield* kept(8192)
          assert.isTrue(region.kept)
          assert.strictEqual(words(region)[5], 42)
          assert.strictEqual(region.byteLength, 8192)
          assert(words(region).subarray(1024).every((word) => word === 0))
        }))
        // It does not shrink.
        assert.strictEqual((yield* Effect.scoped(kept(8))).byteLength, 8192)
      }).pipe(Effect.provide(MappedMemory.layer({ directory })))
    ))

  it.effect("gives a kept region to one scope at a time, also through another service", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        yield* kept()
        const error = yield* Effect.flip(kept())
        assert.include(error.message, "another scope has it")
        const other = yield* Effect.flip(kept().pipe(Effect.provide(MappedMemory.layer({ directory }))))
        assert.include(other.message, "another scope has it")
      }).pipe(Effect.scoped, Effect.provide(MappedMemory.layer({ directory })))
    ))

  it.effect("detaches views before the mapping goes (S91)", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        const [view, data, buffer] = yield* Effect.scoped(Effect.gen(function*() {
          const region = yield* kept()
          return [words(region), new DataView(region.buffer), region.buffer] as const
        }))
        assert.strictEqual(view.length, 0)
        assert.isUndefined(view[0])
        view[0] = 1
        assert.throws(() => Atomics.load(view, 0), TypeError)
        assert.throws(() => data.getInt8(0), TypeError)
        assert.throws(() => new Uint8Array(buffer), TypeError)
      }).pipe(Effect.provide(MappedMemory.layer({ directory })))
    ))

  it.effect("attaches the same bytes, and no more than the file has", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        const region = yield* kept()
        const again = yield* Memory.attach({ ...region.descriptor })
        assert.notStrictEqual(again.buffer, region.buffer)
        words(region)[9] = 1234
        assert.strictEqual(words(again)[9], 1234)
        const long = yield* Effect.flip(Memory.attach({ ...region.descriptor, byteLength: 1 << 20 }))
        assert.include(long.message, "the file has 4096 bytes and should have 1048576")
        const gone = yield* Effect.flip(Memory.attach({ ...region.descriptor, source: join(directory, "x") }))
        assert.include(gone.message, "no such file")
      }).pipe(Effect.scoped, Effect.provide(MappedMemory.layer({ directory })))
    ))

  it.effect("waits on memory of the heap where waiting is asked for", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        const region = yield* Memory.allocate({ name: "bells", byteLength: 64, waitable: true })
        assert.instanceOf(region.buffer, SharedArrayBuffer)
        const again = yield* Memory.attach(region.descriptor)
        assert.strictEqual(again.buffer, region.buffer)
      }).pipe(Effect.scoped, Effect.provide(MappedMemory.layer({ directory })))
    ))

  it.effect("finds a file that somebody has cut when it is flushed (S92)", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        const region = yield* kept()
        yield* region.flush
        truncateSync(region.descriptor.source as string, 100)
        const error = yield* Effect.flip(region.flush)
        assert.include(error.message, "the file has 100 bytes and should have 4096")
      }).pipe(Effect.scoped, Effect.provide(MappedMemory.layer({ directory, flush: "sync" })))
    ))

  it.effect.each(["none", "async", "sync"] as const)(
    "carries rings, flushing %s",
    (flush) =>
      temporary((directory) =>
        Effect.gen(function*() {
          const Tick = Layout.make(Schema.Struct({ price: Schema.Number, at: Schema.Number }))
          // Two of one name at once: nothing is kept that was not asked for.
          const rings = [
            yield* RingBuffer.make(Tick, { capacity: 8 }),
            yield* RingBuffer.make(Tick, { capacity: 8 })
          ]
          for (const ring of rings) {
            const poller = yield* RingBuffer.poller(ring)
            const producer = yield* RingBuffer.producer(ring)
            producer.tryPublish((tick) => {
              tick.price = 1.5
              tick.at = 2
            })
            const seen: Array<number> = []
            poller.poll((tick) => void seen.push(tick.price, tick.at))
            assert.deepStrictEqual(seen, [1.5, 2])
          }
        }).pipe(Effect.scoped, Effect.provide(MappedMemory.layer({ directory, flush, interval: "5 millis" })))
      )
  )

  it.effect("names files so that they stay in their directory", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        for (const name of ["../../up", "a/b", "..", "ä.b", "x~y"]) {
          yield* Memory.allocate({ name, byteLength: 8, keep: true })
        }
        assert.deepStrictEqual(readdirSync(directory).sort(), [
          "%2e%2e%2F%2e%2e%2Fup.region",
          "%2e%2e.region",
          "%C3%A4%2eb.region",
          "a%2Fb.region",
          "x%7ey.region"
        ])
      }).pipe(Effect.scoped, Effect.provide(MappedMemory.layer({ directory })))
    ))

  it.effect("fails typed for lengths and alignments that no mapping has", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        for (
          const request of [{ byteLength: 0 }, { byteLength: NaN }, { byteLength: 8, alignment: 3 }, {
            byteLength: 8,
            alignment: 8192
          }]
        ) {
          const error = yield* Effect.flip(Memory.allocate({ name: "bad", ...request }))
          assert.strictEqual(error._tag, "MemoryError")
        }
        // More than any disk has.
        const error = yield* Effect.flip(Memory.allocate({ name: "vast", byteLength: 2 ** 50, keep: true }))
        assert.match(error.message, /no space for 1125899906842624 bytes \((EFBIG|ENOSPC)\)/)
        assert.deepStrictEqual(readdirSync(directory), [])
      }).pipe(Effect.scoped, Effect.provide(MappedMemory.layer({ directory })))
    ))
})
