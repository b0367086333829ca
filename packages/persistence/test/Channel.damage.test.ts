import { assert, describe, it } from "@effect/vitest"
import * as Channel from "@troupe/persistence/Channel"
import * as Format from "@troupe/persistence/Format"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { files, inChannel, readAll, readUntil, reasonOf, writeAll } from "./channels.ts"

const text = { format: Format.text }
const small = { ...text, capacity: 4096 }
const HEADER = 4096

const values = Array.from({ length: 12 }, (_, i) => `record ${i}`.repeat(1 + i % 3))
/** Offsets of the records, and of what is behind the last. */
const offsets = values.reduce((all, value) => [...all, all.at(-1)! + 8 + Math.ceil(value.length / 8) * 8], [
  HEADER
])

const change = (file: string, f: (bytes: Buffer) => void): void => {
  const bytes = readFileSync(file)
  f(bytes)
  writeFileSync(file, bytes)
}

describe("Channel, damaged", () => {
  const headers: ReadonlyArray<readonly [string, (bytes: Buffer) => void, RegExp]> = [
    ["another signature", (bytes) => bytes.write("*KEKBIT*"), /another signature \(byte 0\)/],
    ["no header at all", (bytes) => bytes.fill(0), /another signature \(byte 0\)/],
    ["another version", (bytes) => bytes.writeUInt32LE(2 << 16, 8), /version 2\.0, not 1 \(byte 8\)/],
    [
      "a changed capacity",
      (bytes) => bytes.writeUInt32LE(1 << 30, 20),
      /its header has changed \(byte 2040\)/
    ],
    ["a changed format", (bytes) => bytes.write("raw!", 68), /its header has changed/]
  ]
  for (const [name, damage, message] of headers) {
    it.effect(`by ${name}: readers and writers refuse it (S99)`, () =>
      inChannel((path) =>
        Effect.gen(function*() {
          yield* writeAll(path, small, values)
          change(files(path)[0]!, damage)
          for (
            const open of [
              Effect.asVoid(Channel.reader(path, text)),
              Effect.asVoid(Channel.writer(path, small))
            ]
          ) {
            const error = yield* Effect.flip(Effect.scoped(open))
            assert.match(error.message, message)
            assert.strictEqual(error.reason._tag, "NotAChannel")
          }
        })
      ))
  }

  it.effect("by cutting: a typed error with what is there and what should be (S92)", () =>
    inChannel((path) =>
      Effect.gen(function*() {
        yield* writeAll(path, small, values)
        for (const length of [8191, 5000, 4096, 100, 0]) {
          truncateSync(files(path)[0]!, length)
          const reason = yield* reasonOf(Effect.scoped(Channel.reader(path, text)))
          assert.deepInclude(reason, {
            _tag: "Shortened",
            expected: length < 4096 ? 4096 : 8192,
            actual: length
          })
          assert.strictEqual((yield* reasonOf(Effect.scoped(Channel.writer(path, small))))._tag, "Shortened")
        }
      })
    ))

  it.effect("by cutting while it is open: found by the writer's next sync and by a reader that goes to sleep (S92)", () =>
    inChannel((path) =>
      Effect.gen(function*() {
        const writer = yield* Channel.writer(path, { ...small, durability: "each" })
        const reader = yield* Channel.reader(path, text)
        yield* writer.append("a")
        assert.deepStrictEqual(Array.from(reader), ["a"])
        truncateSync(files(path)[0]!, 4500)
        assert.strictEqual((yield* reasonOf(writer.append("b")))._tag, "Shortened")
        // It is not trusted again.
        appendFileSync(files(path)[0]!, new Uint8Array(4000))
        assert.strictEqual((yield* reasonOf(writer.append("c")))._tag, "Shortened")
        truncateSync(files(path)[0]!, 4500)
        Array.from(reader)
        assert.strictEqual((yield* reasonOf(reader.ready))._tag, "Shortened")
      }).pipe(Effect.scoped)
    ))

  it.effect("by any one bit: what is before is read, and nothing behind (S99)", () =>
    inChannel((path) =>
      Effect.gen(function*() {
        yield* writeAll(path, small, values)
        const file = files(path)[0]!
        const whole = readFileSync(file)
        const end = offsets.at(-1)!
        for (let bit = HEADER * 8; bit < (end + 8) * 8; bit++) {
          const byte = bit >> 3
          const bytes = Buffer.from(whole)
          bytes[byte]! ^= 1 << (bit & 7)
          writeFileSync(file, bytes)
          const { stopped, values: read } = yield* readUntil(path, text)
          const damaged = offsets.findLastIndex((offset) => offset <= byte)
          const within = byte - offsets[damaged]!
          // Bytes between records, and the check of the last mark, mean nothing.
          const means = damaged === values.length ? within < 4 : within < 8 + values[damaged]!.length
          assert.deepStrictEqual(read, means ? values.slice(0, damaged) : values, `bit ${bit}`)
          if (means) {
            assert(stopped?.reason._tag === "Damaged", `bit ${bit}`)
            assert.strictEqual(stopped.reason.offset, offsets[damaged])
            assert.strictEqual(stopped.reason.position, offsets[damaged]! - HEADER)
          } else assert.isUndefined(stopped)
        }
      })
    ))

  it.effect("by zeros: no endless empty records", () =>
    inChannel((path) =>
      Effect.gen(function*() {
        yield* writeAll(path, small, values)
        const file = files(path)[0]!
        change(file, (bytes) => bytes.fill(0, offsets[4]))
        const { stopped, values: read } = yield* readUntil(path, text)
        assert.deepStrictEqual(read, values.slice(0, 4))
        assert(stopped?.reason._tag === "Damaged" && stopped.reason.damage === "zeroed")
      })
    ))

  it.effect("anywhere, by anything: a prefix is read, then a typed error or the end (S99)", () =>
    inChannel((path) =>
      Effect.gen(function*() {
        yield* writeAll(path, small, values)
        const file = files(path)[0]!
        const whole = readFileSync(file)
        const stretch = fc.record({
          at: fc.oneof(
            fc.integer({ min: 0, max: 8191 }),
            fc.integer({ min: HEADER, max: offsets.at(-1)! + 16 })
          ),
          bytes: fc.oneof(
            fc.uint8Array({ minLength: 1, maxLength: 64 }),
            fc.integer({ min: 1, max: 600 }).map((n) => new Uint8Array(n)),
            // What was somewhere else in the file.
            fc.record({ from: fc.integer({ min: 0, max: 8000 }), length: fc.integer({ min: 1, max: 190 }) })
              .map(
                ({ from, length }) => new Uint8Array(whole.subarray(from, from + length))
              )
          )
        })
        const damages = fc.sample(fc.array(stretch, { minLength: 1, maxLength: 4 }), {
          numRuns: 1500,
          seed: 20_261
        })
        let refused = 0
        for (const damage of damages) {
          const bytes = Buffer.from(whole)
          for (const { at, bytes: other } of damage) bytes.set(other.subarray(0, bytes.length - at), at)
          writeFileSync(file, bytes)
          const { stopped, values: read } = yield* readUntil(path, text)
          assert.deepStrictEqual(read, values.slice(0, read.length))
          if (stopped === undefined) assert.strictEqual(read.length, values.length)
          else {
            refused++
            assert.include(["Damaged", "NotAChannel"], stopped.reason._tag)
          }
        }
        assert.isAbove(refused, 1000)
      })
    ))

  it.effect("where the disk had confirmed it: the next writer refuses, or seals if told to (S99)", () =>
    inChannel((path) =>
      Effect.gen(function*() {
        const each = { ...small, durability: "each" } as const
        yield* writeAll(path, each, values)
        change(files(path)[0]!, (bytes) => bytes[offsets[5]! + 9]! ^= 4)
        const reason = yield* reasonOf(Effect.scoped(Channel.writer(path, each)))
        assert.deepInclude(reason, { _tag: "Damaged", position: offsets[5]! - HEADER, damage: "checksum" })
        yield* Effect.scoped(Effect.gen(function*() {
          const writer = yield* Channel.writer(path, { ...each, onDamage: "seal" })
          assert.deepStrictEqual(writer.recovery, {
            _tag: "TakenOver",
            position: offsets[5]! - HEADER,
            damage: "checksum"
          })
          yield* writer.append("after")
        }))
        assert.deepStrictEqual(yield* readAll(path, text), [...values.slice(0, 5), "after"])
      })
    ))

  it.effect("where the disk had not confirmed it: the next writer seals it, and old positions lead on (S95, S96)", () =>
    inChannel((path) =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const writer = yield* Channel.writer(path, small)
          for (const value of values) yield* writer.append(value)
          yield* writer.abandon
        }))
        const kept = yield* Effect.scoped(Effect.gen(function*() {
          const reader = yield* Channel.reader(path, { ...text, cursor: "c" })
          Array.from(reader)
          yield* reader.commit
          return reader.position
        }))
        // As a loss of power leaves it: a page of zeros.
        change(files(path)[0]!, (bytes) => bytes.fill(0, offsets[7]! + 4))
        yield* writeAll(path, small, ["after"])
        assert.deepStrictEqual(yield* readAll(path, text), [...values.slice(0, 7), "after"])
        assert.deepStrictEqual(yield* readAll(path, { ...text, cursor: "c" }), ["after"])
        assert.isAbove(kept, offsets[7]! - HEADER)
      })
    ))
})
