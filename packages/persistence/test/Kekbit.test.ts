import { assert, describe, it } from "@effect/vitest"
import * as Channel from "@troupe/persistence/Channel"
import type { ChannelError } from "@troupe/persistence/ChannelError"
import * as Format from "@troupe/persistence/Format"
import * as Kekbit from "@troupe/persistence/Kekbit"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { reasonOf } from "./channels.ts"
import { temporary } from "./temporary.ts"

/** Written by kekbit 0.3.5: see the README there. */
const fixtures = fileURLToPath(new URL("./fixtures/kekbit", import.meta.url))

const fileOf = (channelId: bigint): string =>
  channelId === 0x1_0000_0003n ? "0000_0001/0000_0003.kekbit" : `0000_0000/0000_000${channelId}.kekbit`

const scrambled = [1, 6, 11].map((n) => Uint8Array.from({ length: n }, (_, x) => x ^ 0xa5))
const filling = (n: number): string => `${String(n).padStart(8, "0")}-${"x".repeat(n % 40)}`

/** All that can be read, and why there is not more. */
const readUntil = <Out>(root: string, channelId: bigint, format: Format.Format<never, Out>) => {
  const seen: Array<readonly [Out, number]> = []
  return Effect.gen(function*() {
    const reader = yield* Kekbit.reader(root, { channelId, format })
    const stopped = yield* Effect.try({
      try: () => {
        while (reader.pollUnsafe((value, position) => void seen.push([value, position])) > 0);
        return undefined
      },
      catch: (cause) => cause as ChannelError
    }).pipe(Effect.catch(Effect.succeed))
    return {
      reader,
      stopped,
      values: seen.map(([value]) => value),
      ended: reader.ended,
      position: reader.position
    }
  }).pipe(Effect.scoped)
}

const base = {
  channelId: 1n,
  writerId: 7n,
  capacity: 20_000,
  maxLength: 100,
  timeout: 99_999_999_999n,
  tickUnit: "nanos"
} as const

describe("Kekbit", () => {
  describe("reads what kekbit wrote", () => {
    it.effect("text, closed", () =>
      Effect.gen(function*() {
        const { ended, position, reader, stopped, values } = yield* readUntil(fixtures, 1n, Format.text)
        assert.deepStrictEqual(values, Array.from({ length: 10 }, (_, i) => `message ${i}`))
        assert.deepStrictEqual([stopped, ended, position], [undefined, true, 240])
        const { created, ...metadata } = reader.kekbit
        assert.deepStrictEqual(metadata, {
          writerId: 7n,
          channelId: 1n,
          capacity: 20_000,
          maxLength: 112,
          timeout: 99_999_999_999n,
          tickUnit: "nanos"
        })
        assert.strictEqual(new Date(Number(created / 1_000_000n)).getUTCFullYear() >= 2024, true)
        assert.closeTo(reader.metadata.timeout, 99_999.999_999, 1e-6)
      }))

    it.effect("bytes, whose writer vanished: the timeout ends them", () =>
      Effect.gen(function*() {
        const reader = yield* Kekbit.reader(fixtures, { channelId: 2n, format: Format.raw })
        assert.strictEqual(reader.kekbit.tickUnit, "millis")
        assert.deepStrictEqual(Array.from(reader), scrambled)
        assert.strictEqual(reader.position, 56)
        assert.isFalse(reader.ended)
        const waiting = yield* Effect.forkChild(reasonOf(reader.ready))
        yield* TestClock.adjust("1 second")
        assert.deepInclude(yield* Fiber.join(waiting), { _tag: "Abandoned", position: 56, timeout: 1000 })
      }).pipe(Effect.scoped))

    it.effect("what a handler added", () =>
      Effect.gen(function*() {
        const format = Format.sequenced(Format.text)
        const { ended, position, reader, values } = yield* readUntil(fixtures, 0x1_0000_0003n, format)
        assert.deepStrictEqual(
          values,
          [0, 1, 2, 3].map((i) => ({ sequence: 101 + i, value: `seq ${i}` }))
        )
        assert.deepStrictEqual([ended, position], [true, 96])
        assert.deepInclude(reader.kekbit, { writerId: 9n, timeout: 5n, tickUnit: "seconds" })
      }))

    it.effect("a full channel, as far as its file goes, then a typed error", () =>
      Effect.gen(function*() {
        const { ended, reader, stopped, values } = yield* readUntil(fixtures, 4n, Format.text)
        assert.deepStrictEqual(values, Array.from({ length: 391 }, (_, i) => filling(i)))
        assert(stopped?.reason._tag === "Damaged")
        assert.deepInclude(stopped.reason, { damage: "outside", offset: 0x4090, position: 0x4090 - 1024 })
        assert.isFalse(ended)
        assert.deepInclude(reader.kekbit, { capacity: 16_384, maxLength: 72, tickUnit: "micros" })
      }))
  })

  describe("writes what kekbit wrote, byte for byte", () => {
    /** The files are equal but for the time at which they were made, and as long. */
    const assertEqual = (root: string, channelId: bigint, upTo = Infinity) => {
      const ours = readFileSync(join(root, fileOf(channelId)))
      const theirs = readFileSync(join(fixtures, fileOf(channelId)))
      theirs.copy(ours, 48, 48, 56)
      assert.strictEqual(ours.length, theirs.length)
      assert.isTrue(ours.subarray(0, upTo).equals(theirs.subarray(0, upTo)))
    }

    const cases = [
      ["text, closed", base, Format.text, Array.from({ length: 10 }, (_, i) => `message ${i}`), false],
      [
        "bytes, vanished",
        { ...base, channelId: 2n, timeout: 1000n, tickUnit: "millis" },
        Format.raw,
        scrambled,
        true
      ],
      [
        "with a handler",
        { ...base, channelId: 0x1_0000_0003n, writerId: 9n, timeout: 5n, tickUnit: "seconds" },
        Format.sequenced(Format.text, { start: 100 }),
        ["seq 0", "seq 1", "seq 2", "seq 3"],
        false
      ]
    ] as const
    for (const [name, options, format, values, vanish] of cases) {
      it.effect(name, () =>
        temporary((root) =>
          Effect.gen(function*() {
            yield* Effect.scoped(Effect.gen(function*() {
              const writer = yield* Kekbit.writer(root, {
                ...options,
                format: format as Format.Format<unknown>
              })
              for (const value of values) yield* writer.append(value)
              if (vanish) yield* writer.abandon
            }))
            assertEqual(root, options.channelId)
            assert.isFalse(existsSync(join(root, fileOf(options.channelId).replace(".kekbit", ".lock"))))
          })
        ))
    }

    it.effect("until the file is full, where it stops before its end", () =>
      temporary((root) =>
        Effect.gen(function*() {
          const options = {
            ...base,
            channelId: 4n,
            capacity: 3000,
            maxLength: 64,
            tickUnit: "micros"
          } as const
          let n = 0
          yield* Effect.scoped(Effect.gen(function*() {
            const writer = yield* Kekbit.writer(root, { ...options, format: Format.text })
            assert.deepInclude(writer.kekbit, { capacity: 16_384, maxLength: 72 })
            const reason = yield* reasonOf(Effect.forever(Effect.suspend(() => writer.append(filling(n++)))))
            assert.deepInclude(reason, { _tag: "Full", capacity: 16_384 })
          }))
          const { ended, stopped, values } = yield* readUntil(root, 4n, Format.text)
          assert.deepStrictEqual([stopped, ended, values.length], [undefined, true, n - 1])
          assert.isAbove(values.length, 385)
          assertEqual(root, 4n, 0x4000)
        })
      ))

    it.effect("with the time in the channel's ticks", () =>
      temporary((root) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(1_234_567)
          const format = Format.timestamped(Format.text)
          for (const [tickUnit, ticks] of [["nanos", 1_234_567_000_000n], ["seconds", 1234n]] as const) {
            const channelId = BigInt(tickUnit.length)
            yield* Effect.scoped(Effect.gen(function*() {
              const writer = yield* Kekbit.writer(root, { ...base, channelId, tickUnit, format })
              assert.strictEqual(writer.kekbit.created, ticks)
              yield* writer.append("x")
            }))
            const { values } = yield* readUntil(root, channelId, format)
            assert.deepStrictEqual(values, [{ timestamp: ticks, value: "x" }])
          }
        })
      ))
  })

  it.effect("paths, and what is in them already, are kekbit's", () =>
    temporary((root) =>
      Effect.gen(function*() {
        const options = { ...base, format: Format.text }
        const deep = { ...options, channelId: 0xaaaa_00bb_000c_0dddn }
        yield* Effect.scoped(Kekbit.writer(root, deep))
        assert.isTrue(existsSync(join(root, "aaaa_00bb", "000c_0ddd.kekbit")))
        assert.strictEqual((yield* reasonOf(Effect.scoped(Kekbit.writer(root, deep))))._tag, "AlreadyExists")
        assert.strictEqual((yield* reasonOf(Effect.scoped(Kekbit.reader(root, options))))._tag, "NotFound")
        writeFileSync(join(root, "aaaa_00bb", "000c_0ddd.lock"), "")
        assert.strictEqual((yield* reasonOf(Effect.scoped(Kekbit.reader(root, deep))))._tag, "NotReady")
      })
    ))

  it.effect("heartbeats start the timeout over, and are no records", () =>
    temporary((root) =>
      Effect.gen(function*() {
        const options = { ...base, timeout: 10n, tickUnit: "seconds", format: Format.text } as const
        const writer = yield* Kekbit.writer(root, options)
        const reader = yield* Kekbit.reader(root, options)
        for (let i = 0; i < 5; i++) {
          assert.deepStrictEqual(Array.from(reader), [])
          yield* TestClock.adjust("9 seconds")
          yield* writer.heartbeat
        }
        yield* writer.append("alive")
        yield* writer.heartbeat
        assert.deepStrictEqual(Array.from(reader), ["alive"])
        assert.strictEqual((yield* reasonOf(writer.append("")))._tag, "NotEncoded")
        yield* TestClock.adjust("1 hour")
        const fiber = yield* Effect.forkChild(reasonOf(reader.ready))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "Abandoned")
      }).pipe(Effect.scoped)
    ))

  it.live("a stream follows a writer to its end", () =>
    temporary((root) =>
      Effect.gen(function*() {
        const options = { ...base, format: Format.text }
        const all = yield* Effect.scoped(Effect.gen(function*() {
          const writer = yield* Kekbit.writer(root, options)
          const reader = yield* Kekbit.reader(root, options)
          const all = yield* Effect.forkChild(Stream.runCollect(Channel.stream(reader)))
          yield* Stream.run(Stream.make("a", "b", "c"), Channel.sink(writer))
          yield* writer.close
          return yield* Fiber.join(all)
        }))
        assert.deepStrictEqual(all, ["a", "b", "c"])
        const reader = yield* Kekbit.reader(root, { ...options, from: 16 })
        assert.deepStrictEqual(Array.from(reader), ["b", "c"])
        assert.strictEqual((yield* reasonOf(reader.seek(8)))._tag, "Damaged")
      }).pipe(Effect.scoped)
    ))

  const spoilt = (root: string, spoil: (bytes: Buffer) => Buffer | void) => {
    const bytes = readFileSync(join(fixtures, fileOf(1n)))
    const path = join(root, fileOf(1n))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, spoil(bytes) ?? bytes)
  }

  const headers: ReadonlyArray<readonly [string, (bytes: Buffer) => Buffer | void, RegExp]> = [
    ["signature", (bytes) => void bytes.writeUInt8(0, 3), /another signature \(byte 0\)/],
    ["version", (bytes) => void bytes.writeUInt16LE(2, 14), /version 2, not 1 \(byte 8\)/],
    ["capacity", (bytes) => void bytes.writeUInt32LE(16_376, 32), /a capacity of 16376 \(byte 32\)/],
    ["capacity, odd", (bytes) => void bytes.writeUInt32LE(20_001, 32), /a capacity of 20001/],
    [
      "capacity, beyond the file",
      (bytes) => void bytes.writeUInt32LE(40_000, 32),
      /has 20160 bytes and should have 40160/
    ],
    ["longest record", (bytes) => void bytes.writeUInt32LE(10_000, 36), /records of 10000 bytes \(byte 36\)/],
    ["tick unit", (bytes) => void bytes.writeUInt8(4, 56), /a tick unit 4 \(byte 56\)/],
    ["length", (bytes) => bytes.subarray(0, 100), /has 100 bytes and should have 128/]
  ]
  for (const [name, spoil, message] of headers) {
    it.effect(`refuses a file with a wrong ${name}`, () =>
      temporary((root) =>
        Effect.gen(function*() {
          spoilt(root, spoil)
          const error = yield* Effect.flip(
            Effect.scoped(Kekbit.reader(root, { ...base, format: Format.text }))
          )
          assert.match(error.message, message)
        })
      ))
  }

  it.effect("zeros are damage, not endless heartbeats", () =>
    temporary((root) =>
      Effect.gen(function*() {
        for (
          const [from, to] of [[1024 + 72, 20_160], [1024 + 72, 1024 + 72 + 60], [1024 + 72, 1024 + 72 + 16]]
        ) {
          spoilt(root, (bytes) => void bytes.fill(0, from, to))
          const { stopped, values } = yield* readUntil(root, 1n, Format.text)
          assert.deepStrictEqual(values, ["message 0", "message 1", "message 2"])
          assert(stopped?.reason._tag === "Damaged")
          assert.deepInclude(stopped.reason, { damage: "zeroed", offset: 1024 + 72, position: 72 })
        }
      })
    ))

  it.effect("whatever the bytes are, readers end or fail typed", () =>
    temporary((root) =>
      Effect.gen(function*() {
        const stretches = fc.array(
          fc.record({
            at: fc.integer({ min: 0, max: 1400 }),
            bytes: fc.uint8Array({ minLength: 1, maxLength: 40 })
          }),
          { minLength: 1, maxLength: 5 }
        )
        const tags = new Set<string>()
        for (const damage of fc.sample(stretches, { numRuns: 1000, seed: 7 })) {
          spoilt(root, (bytes) => {
            for (const { at, bytes: other } of damage) bytes.set(other, at)
          })
          const tag = yield* readUntil(root, 1n, Format.raw).pipe(
            Effect.map(({ stopped }) => stopped?.reason._tag ?? "end"),
            Effect.catch((error) => Effect.succeed(error.reason._tag))
          )
          tags.add(tag)
          assert.include(["end", "Damaged", "NotAChannel", "Shortened"], tag)
        }
        assert.includeMembers(Array.from(tags), ["end", "Damaged", "NotAChannel"])
      })
    ))
})
