import { assert, describe, it } from "@effect/vitest"
import * as Channel from "@troupe/persistence/Channel"
import * as Format from "@troupe/persistence/Format"
import * as Layout from "@troupe/runtime/Layout"
import * as WaitStrategy from "@troupe/runtime/WaitStrategy"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { files, inChannel, readAll, reasonOf, writeAll } from "./channels.ts"

const text = { format: Format.text }
const small = { ...text, capacity: 4096 }

describe("Channel", () => {
  describe("records", () => {
    it.effect("are read in order, each at its position, by readers at their own pace", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const writer = yield* Channel.writer(path, text)
          const fast = yield* Channel.reader(path, text)
          const slow = yield* Channel.reader(path, text)
          const positions: Array<number> = []
          for (let i = 0; i < 100; i++) positions.push(yield* writer.append(`record ${i}`))
          const seen: Array<readonly [string, number]> = []
          assert.strictEqual(fast.pollUnsafe((value, position) => void seen.push([value, position])), 100)
          assert.deepStrictEqual(seen, positions.map((position, i) => [`record ${i}`, position] as const))
          assert.strictEqual(slow.pollUnsafe(() => {}, 7), 7)
          assert.strictEqual(slow.position, positions[7])
          assert.strictEqual(fast.position, writer.position)
          assert.strictEqual(fast.pollUnsafe(() => {}), 0)
          assert.deepStrictEqual(Array.from(slow).length, 93)
        }).pipe(Effect.scoped)
      ))

    const Point = Schema.Struct({ x: Schema.Number, name: Schema.String, tags: Schema.Array(Schema.String) })
    const Tick = Schema.Struct({ price: Schema.Number, size: Layout.Uint32 })
    const points = [{ x: 1.5, name: "ä", tags: [] }, { x: -2, name: "", tags: ["a", "b"] }]
    const matrix: ReadonlyArray<readonly [string, Format.Format<any>, ReadonlyArray<unknown>]> = [
      ["raw", Format.raw, [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(200).fill(255)]],
      ["text", Format.text, ["", "a", "x".repeat(31), "ü".repeat(31), "€uro 💶", "y".repeat(500)]],
      ["JSON lines", Format.jsonLines(Point), points],
      ["a schema", Format.schema(Point), points],
      ["a layout", Format.layout(Layout.make(Tick)), [{ price: 1.25, size: 7 }, { price: -1, size: 0 }]]
    ]
    for (const [name, format, values] of matrix) {
      it.effect(`are ${name}, and come back equal`, () =>
        inChannel((path) =>
          Effect.gen(function*() {
            yield* writeAll(path, { format, capacity: 16_384 }, values)
            assert.deepStrictEqual(yield* readAll(path, { format }), values)
          })
        ))
    }

    it.effect("of a layout can be read in place", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const layout = Layout.make(Tick)
          yield* writeAll(path, { format: Format.layout(layout) }, [{ price: 1, size: 2 }, {
            price: 3,
            size: 4
          }])
          const reader = yield* Channel.reader(path, { format: Format.layoutViews(layout) })
          const views = new Set<unknown>()
          let sum = 0
          reader.pollUnsafe((view) => {
            views.add(view)
            sum += view.price * view.size
          })
          assert.deepStrictEqual([views.size, sum], [1, 14])
        }).pipe(Effect.scoped)
      ))

    it.effect("carry what handlers add, the outermost first (S94)", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const format = Format.timestamped(Format.sequenced(Format.checksummed(Format.text), { start: 100 }))
          yield* TestClock.setTime(5)
          yield* writeAll(path, { format }, ["a", "b"])
          // A new writer goes on counting.
          yield* Effect.scoped(Effect.gen(function*() {
            const writer = yield* Channel.writer(path, { format })
            writer.appendAllUnsafe(["c", "d", "e"])
            yield* writer.append("f")
          }))
          const read = yield* readAll(path, { format })
          assert.deepStrictEqual(read.map(({ value }) => value.sequence), [101, 102, 103, 104, 105, 106])
          assert.deepStrictEqual(read.map(({ value }) => value.value).join(""), "abcdef")
          assert(read.every(({ timestamp }) => timestamp === 5_000_000n))
          const reason = yield* reasonOf(readAll(path, text))
          assert.deepStrictEqual(
            reason._tag === "OtherFormat" && reason.actual,
            "timestamp+sequence+checksum+text"
          )
        })
      ))

    it.effect("whose encoder throws leave nothing, and the position where it was (S94)", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const Even = Schema.Struct({ pad: Schema.String, n: Schema.Number })
          const throwing: Format.Format<{ readonly pad: string; readonly n: number }> = {
            id: "throwing",
            coder: (context) => {
              const inner = Format.schema(Even).coder(context)
              return {
                ...inner,
                encode: (value, bytes, offset, limit) => {
                  const end = inner.encode(value, bytes, offset, limit)
                  if (value.n % 2 !== 0) throw new Error("odd")
                  return end
                }
              }
            }
          }
          const format = Format.sequenced(throwing)
          const writer = yield* Channel.writer(path, { format })
          const reader = yield* Channel.reader(path, { format })
          for (let n = 0; n < 20; n++) {
            const { position } = writer
            // The longer the odd ones, the more of them lies behind the end.
            const exit = yield* Effect.exit(writer.append({ n, pad: "x".repeat(n % 2 * 200) }))
            assert.strictEqual(exit._tag === "Success", n % 2 === 0)
            if (n % 2 !== 0) {
              assert.strictEqual(writer.position, position)
              assert.strictEqual(reader.pollUnsafe(() => {}), 1)
              assert.strictEqual(reader.pollUnsafe(() => {}), 0)
            }
          }
          assert.deepStrictEqual(
            (yield* readAll(path, { format })).map(({ sequence }) => sequence),
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
          )
        }).pipe(Effect.scoped)
      ))

    it.effect("that are too long are refused, those at the limit are not", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const writer = yield* Channel.writer(path, { ...small, maxLength: 100 })
          yield* writer.append("x".repeat(100))
          assert.deepInclude(yield* reasonOf(writer.append("x".repeat(101))), { _tag: "TooLong", limit: 100 })
          yield* writer.append("")
          assert.deepStrictEqual(yield* readAll(path, text), ["x".repeat(100), ""])
        }).pipe(Effect.scoped)
      ))

    it.effect("of a batch are seen all at once, or none (S94)", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const writer = yield* Channel.writer(path, small)
          const reader = yield* Channel.reader(path, text)
          const position = yield* writer.appendAll(["a", "b", "c"])
          assert.strictEqual(position, 0)
          assert.deepStrictEqual(Array.from(reader), ["a", "b", "c"])
          assert.strictEqual((yield* reasonOf(writer.appendAll(["d", "x".repeat(4096)])))._tag, "TooLong")
          assert.deepStrictEqual(Array.from(reader), [])
          yield* writer.appendAll([])
          // It goes to a file that has room for all of it.
          yield* writer.appendAll(Array.from({ length: 10 }, () => "y".repeat(400)))
          assert.strictEqual(files(path).length, 2)
          assert.strictEqual(Array.from(reader).length, 10)
          // And one that no file takes is refused as a whole.
          const long = Array.from({ length: 20 }, () => "z".repeat(400))
          assert.strictEqual((yield* reasonOf(writer.appendAll(long)))._tag, "TooLong")
          assert.deepStrictEqual(Array.from(reader), [])
          // A sink takes them in parts.
          yield* Stream.run(Stream.fromArray(long), Channel.sink(writer))
          assert.strictEqual(Array.from(reader).length, 20)
        }).pipe(Effect.scoped)
      ))
  })

  describe("positions", () => {
    it.effect("lead back to their records, over all files, and nowhere else (S95)", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const writer = yield* Channel.writer(path, small)
          const positions: Array<number> = []
          for (let i = 0; i < 1000; i++) positions.push(yield* writer.append(`record ${i}`))
          assert.isAbove(files(path).length, 5)
          for (let i = 0; i < 1000; i += 37) {
            const reader = yield* Channel.reader(path, { ...text, from: positions[i]! })
            assert.strictEqual(reader.position, positions[i])
            assert.strictEqual((yield* reader.take(1))[0], `record ${i}`)
          }
          const reader = yield* Channel.reader(path, text)
          for (const position of [positions[5]! + 8, positions[5]! + 1, -8, 0.5, NaN]) {
            const { _tag } = yield* reasonOf(reader.seek(position))
            assert.include(["Damaged", "Gone"], _tag, String(position))
          }
          yield* reader.seek(positions[900]!)
          assert.strictEqual(Array.from(reader).length, 100)
          const atEnd = yield* Channel.reader(path, { ...text, from: "end" })
          yield* writer.append("later")
          assert.deepStrictEqual(Array.from(atEnd), ["later"])
        }).pipe(Effect.scoped)
      ))

    it.effect("of removed files are gone, typed", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const writer = yield* Channel.writer(path, { ...small, keep: 2 })
          const late = yield* Channel.reader(path, text)
          for (let i = 0; i < 1000; i++) yield* writer.append(`record ${i}`)
          assert.strictEqual(files(path).length, 3)
          const reason = yield* reasonOf(Channel.reader(path, { ...text, from: 0 }))
          assert(reason._tag === "Gone")
          const reader = yield* Channel.reader(path, { ...text, from: reason.oldest })
          assert.include((yield* reader.take(1))[0], "record ")
          // One that has its file open reads it to the end.
          assert.isAbove(late.pollUnsafe(() => {}), 100)
          assert.strictEqual((yield* reasonOf(late.ready))._tag, "Gone")
        }).pipe(Effect.scoped)
      ))

    it.effect("are kept under a name, by one reader at a time (S98)", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          yield* writeAll(path, small, Array.from({ length: 300 }, (_, i) => `record ${i}`))
          const billing = { ...text, cursor: "billing" }
          yield* Effect.scoped(Effect.gen(function*() {
            const reader = yield* Channel.reader(path, billing)
            assert.strictEqual((yield* reasonOf(Channel.reader(path, billing)))._tag, "CursorTaken")
            yield* Channel.reader(path, { ...text, cursor: "audit" })
            reader.pollUnsafe(() => {}, 200)
            yield* reader.commit
            reader.pollUnsafe(() => {}, 50)
          }))
          const reader = yield* Channel.reader(path, billing)
          assert.deepStrictEqual((yield* reader.take(1))[0], "record 200")
        }).pipe(Effect.scoped)
      ))

    it.effect("of a stream are committed when more is asked for: at least once (S98)", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          yield* writeAll(path, text, ["a", "b", "c", "d", "e"])
          const take = (n: number) =>
            Effect.scoped(Effect.gen(function*() {
              const reader = yield* Channel.reader(path, { ...text, cursor: "c" })
              return yield* Stream.runCollect(Stream.take(Channel.stream(reader, { chunkSize: 2 }), n))
            }))
          assert.deepStrictEqual(yield* take(3), ["a", "b", "c"])
          // The second chunk was in hand.
          assert.deepStrictEqual(yield* take(3), ["c", "d", "e"])
        })
      ))
  })

  describe("writers", () => {
    it.effect("live one at a time (S96)", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Channel.writer(path, text)
            const reason = yield* reasonOf(Effect.scoped(Channel.writer(path, text)))
            assert.deepInclude(reason, { _tag: "WriterAlive", pid: process.pid })
          }))
          const writer = yield* Channel.writer(path, text)
          assert.strictEqual(writer.recovery._tag, "Continued")
        }).pipe(Effect.scoped)
      ))

    it.effect("go on in the same file after one that left in order, in the next after one that vanished (S96)", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const tails: Array<string> = []
          for (
            const [value, vanish] of [["a", false], ["b", true], ["c", true], ["d", false], [
              "e",
              false
            ]] as const
          ) {
            yield* Effect.scoped(Effect.gen(function*() {
              const writer = yield* Channel.writer(path, text)
              yield* writer.append(value)
              tails.push(`${writer.recovery._tag} ${files(path).length}`)
              if (vanish) {
                yield* writer.abandon
                assert.strictEqual((yield* reasonOf(writer.append("x")))._tag, "Released")
              }
            }))
          }
          assert.deepStrictEqual(tails, ["New 1", "Continued 1", "TakenOver 2", "TakenOver 3", "Continued 3"])
          assert.deepStrictEqual(yield* readAll(path, text), ["a", "b", "c", "d", "e"])
        })
      ))

    it.effect("that vanish again and again before the first record leave no files behind", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          for (let i = 0; i < 5; i++) {
            yield* Effect.scoped(Effect.flatMap(Channel.writer(path, text), (writer) => writer.abandon))
          }
          assert.strictEqual(files(path).length, 1)
        })
      ))

    it.effect("that close the channel end it for everybody (S95)", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const writer = yield* Channel.writer(path, text)
          const reader = yield* Channel.reader(path, text)
          const all = yield* Effect.forkChild(Stream.runCollect(Channel.stream(reader)))
          yield* writer.append("last")
          yield* writer.close
          assert.deepStrictEqual(yield* Fiber.join(all), ["last"])
          assert.isTrue(reader.ended)
          assert.strictEqual((yield* reasonOf(writer.append("x")))._tag, "Closed")
          assert.strictEqual((yield* reasonOf(writer.close))._tag, "Closed")
          assert.strictEqual((yield* reasonOf(Effect.scoped(Channel.writer(path, text))))._tag, "Closed")
        }).pipe(Effect.scoped)
      ))

    it.effect("fail when the only file is full, and keep what is in it (S94)", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const writer = yield* Channel.writer(path, { ...small, roll: false })
          let n = 0
          const reason = yield* reasonOf(Effect.forever(Effect.suspend(() => writer.append(`record ${n++}`))))
          assert.deepInclude(reason, { _tag: "Full", capacity: 4096 })
          assert.strictEqual((yield* readAll(path, text)).length, n - 1)
          // A shorter one may still fit.
          yield* writer.append("")
        }).pipe(Effect.scoped)
      ))

    for (const durability of ["none", "async", "batch", "each"] as const) {
      it.effect(`under ${durability}: what was appended by whichever call is there, over several files`, () =>
        inChannel((path) =>
          Effect.gen(function*() {
            const expected: Array<string> = []
            yield* Effect.scoped(Effect.gen(function*() {
              const writer = yield* Channel.writer(path, { ...small, durability, interval: "1 millis" })
              for (let i = 0; i < 40; i++) {
                const values = [0, 1, 2, 3].map((k) => `record ${i}.${k}`)
                expected.push(...values)
                writer.appendUnsafe(values[0]!)
                yield* writer.append(values[1]!)
                yield* writer.appendAll(values.slice(2))
              }
              // Many at once share a sync.
              const many = Array.from({ length: 50 }, (_, i) => `many ${i}`)
              yield* Effect.forEach(many, (value) => writer.append(value), { concurrency: "unbounded" })
              expected.push(...many)
              yield* writer.flush
            }))
            assert.deepStrictEqual(yield* readAll(path, text), expected)
          })
        ))
    }
  })

  describe("readers", () => {
    it.effect("are refused where there is no channel, and find it later", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          assert.strictEqual((yield* reasonOf(Effect.scoped(Channel.reader(path, text))))._tag, "NotFound")
          yield* writeAll(path, text, ["a"])
          assert.deepStrictEqual(yield* readAll(path, text), ["a"])
        })
      ))

    const waits = {
      park: WaitStrategy.park,
      spinThenPark: WaitStrategy.spinThenPark({ spins: 10, turns: 2 }),
      yielding: WaitStrategy.yielding(),
      busySpin: WaitStrategy.busySpin,
      block: WaitStrategy.block()
    }
    for (const [name, wait] of Object.entries(waits)) {
      it.live(`sleep by ${name} until something comes, in whichever file`, () =>
        inChannel((path) =>
          Effect.gen(function*() {
            const writer = yield* Channel.writer(path, small)
            const reader = yield* Channel.reader(path, { ...text, wait })
            const seen = yield* Effect.forkChild(Stream.runCollect(Channel.stream(reader)))
            const expected: Array<string> = []
            for (let i = 0; i < 200; i++) {
              const value = `record ${i}`.padEnd(30)
              expected.push(value)
              yield* writer.append(value)
              if (i % 3 === 0) yield* Effect.yieldNow
              if (i % 50 === 0) yield* Effect.sleep(1)
            }
            yield* writer.close
            assert.deepStrictEqual(yield* Fiber.join(seen), expected)
          }).pipe(Effect.scoped)
        ))
    }

    it.live("can be many on one channel, also more than can be woken", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const writer = yield* Channel.writer(path, text)
          const readers = yield* Effect.forEach(Array.from({ length: 40 }), () => Channel.reader(path, text))
          const all = yield* Effect.forEach(readers, (reader) =>
            Effect.forkChild(Stream.runCollect(Channel.stream(reader))))
          yield* Effect.sleep(1)
          yield* writer.append("a")
          yield* Effect.sleep(1)
          yield* writer.append("b")
          yield* writer.close
          for (const fiber of all) {
            assert.deepStrictEqual(yield* Fiber.join(fiber), ["a", "b"])
          }
        }).pipe(Effect.scoped)
      ))

    it.effect("give a channel up after its timeout, counted from the first look in vain, for good (S97)", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const writer = yield* Channel.writer(path, { ...text, timeout: "1 second" })
          const reader = yield* Channel.reader(path, text)
          yield* TestClock.adjust("1 hour")
          assert.strictEqual(reader.pollUnsafe(() => {}), 0)
          yield* TestClock.adjust("999 millis")
          assert.strictEqual(reader.pollUnsafe(() => {}), 0)
          // A record starts it over.
          writer.appendUnsafe("a")
          assert.strictEqual(reader.pollUnsafe(() => {}), 1)
          yield* TestClock.adjust("1 hour")
          assert.strictEqual(reader.pollUnsafe(() => {}), 0)
          const waiting = yield* Effect.forkChild(reasonOf(reader.ready))
          yield* TestClock.adjust("1 second")
          assert.deepInclude(yield* Fiber.join(waiting), { _tag: "Abandoned", timeout: 1000 })
          writer.appendUnsafe("b")
          assert.throws(() => reader.pollUnsafe(() => {}), /nothing came/)
        }).pipe(Effect.scoped)
      ))

    it.effect("keep a record whose handler threw for the next poll", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          yield* writeAll(path, text, ["a", "b", "c"])
          const reader = yield* Channel.reader(path, text)
          const seen: Array<string> = []
          let angry = true
          const f = (value: string) => {
            if (value === "b" && angry) throw new Error("not now")
            seen.push(value)
          }
          assert.throws(() => reader.pollUnsafe(f), "not now")
          angry = false
          assert.strictEqual(reader.pollUnsafe(f), 2)
          assert.deepStrictEqual(seen, ["a", "b", "c"])
        }).pipe(Effect.scoped)
      ))

    it.effect("stop before a record that does not decode, and can pass over it", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          // Written as bytes under the name of text.
          yield* writeAll(path, { format: { ...Format.raw, id: "text" } }, [
            Uint8Array.of(97),
            Uint8Array.of(0xff),
            Uint8Array.of(98)
          ])
          const reader = yield* Channel.reader(path, text)
          assert.deepStrictEqual(Array.from(yield* reader.take()), ["a"])
          assert.throws(() => reader.pollUnsafe(() => {}), /cannot be decoded/)
          assert.deepInclude(
            yield* Effect.flip(reader.take()).pipe(Effect.map((error) => "reason" in error && error.reason)),
            { _tag: "NotDecoded", position: 16 }
          )
          assert.isTrue(yield* reader.skip)
          assert.deepStrictEqual(Array.from(reader), ["b"])
          assert.isFalse(yield* reader.skip)
        }).pipe(Effect.scoped)
      ))

    it.effect("are of no use after their scope, and say so", () =>
      inChannel((path) =>
        Effect.gen(function*() {
          const [writer, reader] = yield* Effect.scoped(
            Effect.all([Channel.writer(path, text), Channel.reader(path, text)])
          )
          assert.strictEqual((yield* reasonOf(writer.append("x")))._tag, "Released")
          assert.strictEqual((yield* reasonOf(reader.ready))._tag, "Released")
          assert.throws(() => reader.pollUnsafe(() => {}), /released/)
          assert.throws(() => writer.appendUnsafe("x"), /released/)
        })
      ))
  })

  it.effect("says of itself what its first writer said", () =>
    inChannel((path) =>
      Effect.gen(function*() {
        const writer = yield* Channel.writer(path, {
          ...text,
          capacity: 10_001,
          maxLength: 77,
          timeout: "3 seconds"
        })
        const reader = yield* Channel.reader(path, text)
        assert.deepStrictEqual(reader.metadata, writer.metadata)
        assert.deepInclude(reader.metadata, {
          capacity: 10_008,
          maxLength: 77,
          timeout: 3000,
          format: "text"
        })
      }).pipe(Effect.scoped)
    ))
})
