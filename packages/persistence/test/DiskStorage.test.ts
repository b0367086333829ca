import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Channel from "@troupe/persistence/Channel"
import * as DiskStorage from "@troupe/persistence/DiskStorage"
import * as Journal from "@troupe/persistence/Journal"
import { SnapshotStore } from "@troupe/persistence/SnapshotStore"
import * as StorageConformance from "@troupe/persistence/testing/StorageConformance"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { format } from "../src/internal/diskLog.ts"
import { temporary } from "./temporary.ts"

const events = (from: number, to: number, size = 1) =>
  Array.from({ length: to - from + 1 }, (_, i) => new Uint8Array(size).fill((from + i) % 256))

const sequences = (id: string) =>
  Effect.flatMap(Journal.Journal, (journal) => Stream.runCollect(journal.read(id))).pipe(
    Effect.map((all) => Array.from(all, ({ sequence }) => sequence))
  )

describe("DiskStorage", () => {
  for (const durability of ["none", "async", "batch", "each"] as const) {
    describe(durability, () => {
      const root = mkdtempSync(join(tmpdir(), "troupe-"))
      afterAll(() => rmSync(root, { recursive: true, force: true }))
      const layer = DiskStorage.layer({ directory: join(root, "storage"), durability })
      for (const { name, run } of StorageConformance.cases({ layer, reopens: true })) it.live(name, () => run)
    })
  }

  it.live("refuses a second one while the first is open", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.provide(Effect.void, DiskStorage.layer({ directory })))
        assert.strictEqual(error.reason._tag, "WriterAlive")
      }).pipe(Effect.provide(DiskStorage.layer({ directory })))
    ))

  it.live("frees the files of what was given up, and keeps what was not", () =>
    temporary((directory) => {
      const open = Effect.provide(DiskStorage.layer({ directory, capacity: 16_384 }))
      const files = () => readdirSync(directory).filter((name) => name.endsWith(".channel")).length
      return Effect.gen(function*() {
        yield* open(Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const snapshots = yield* SnapshotStore
          yield* Journal.append("old", 0, events(1, 3))
          yield* Journal.append("done", 0, events(1, 1))
          yield* journal.discard("done", 1)
          yield* snapshots.save("old", 3, new Uint8Array(100))
          for (let i = 0; i < 2000; i++) {
            yield* Journal.append("busy", i, events(i + 1, i + 1, 100))
            if (i % 10 === 9) yield* journal.discard("busy", i - 5)
          }
        }))
        // 200 KB were written; alive are some hundred bytes.
        assert.isBelow(files(), 5)
        yield* open(Effect.gen(function*() {
          const journal = yield* Journal.Journal
          assert.deepStrictEqual(yield* sequences("old"), [1, 2, 3])
          assert.deepStrictEqual(yield* sequences("busy"), [1995, 1996, 1997, 1998, 1999, 2000])
          assert.strictEqual(yield* journal.last("done"), 1)
          assert.deepStrictEqual(yield* (yield* SnapshotStore).sequences("old"), [3])
        }))
      })
    }))

  it.live("has few files, however often its process has died", () =>
    temporary((directory) => {
      const files = Effect.sync(() =>
        readdirSync(directory).filter((name) => name.endsWith(".channel")).length
      )
      return Effect.gen(function*() {
        for (let after = 0; after < 20; after++) {
          yield* Effect.scoped(Effect.gen(function*() {
            const writer = yield* Channel.writer(directory, { format, capacity: 16_384 })
            yield* writer.append({ _tag: "Events", id: "a", after, at: 0, events: [new Uint8Array(10)] })
            yield* writer.abandon
          }))
        }
        assert.strictEqual(yield* files, 20)
        yield* Effect.gen(function*() {
          yield* Effect.repeat(Effect.andThen(Effect.yieldNow, files), { until: (count) => count === 1 })
          assert.deepStrictEqual(yield* sequences("a"), Array.from({ length: 20 }, (_, i) => i + 1))
        }).pipe(Effect.provide(DiskStorage.layer({ directory })))
      })
    }))

  it.live("agrees with a plain model, whatever is done and however often it is opened", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.oneof(
              fc.record({
                do: fc.constant("append" as const),
                id: fc.nat(3),
                count: fc.nat(4),
                size: fc.nat(600)
              }),
              fc.record({
                do: fc.constant("discard" as const),
                id: fc.nat(3),
                part: fc.double({ min: 0, max: 1, noNaN: true })
              }),
              fc.record({ do: fc.constant("snapshot" as const), id: fc.nat(3), size: fc.nat(600) }),
              fc.record({ do: fc.constant("forget" as const), id: fc.nat(3) }),
              fc.record({ do: fc.constant("reopen" as const), id: fc.nat(3) })
            ),
            { maxLength: 120 }
          ),
          (steps) =>
            Effect.runPromise(temporary((directory) => {
              interface Model {
                last: number
                discarded: number
                snapshots: Set<number>
              }
              const model = new Map<string, Model>()
              const modelOf = (id: string): Model => {
                if (!model.has(id)) model.set(id, { last: 0, discarded: 0, snapshots: new Set() })
                return model.get(id)!
              }
              const check = Effect.gen(function*() {
                const journal = yield* Journal.Journal
                const snapshots = yield* SnapshotStore
                for (const [id, { discarded, last, snapshots: taken }] of model) {
                  assert.strictEqual(yield* journal.last(id), last)
                  const expected = Array.from({ length: last - discarded }, (_, i) => discarded + i + 1)
                  assert.deepStrictEqual(yield* sequences(id), expected)
                  assert.deepStrictEqual(
                    yield* snapshots.sequences(id),
                    Array.from(taken).sort((a, b) => a - b)
                  )
                }
              })
              const apply = Effect.fnUntraced(function*(step: typeof steps[number]) {
                const journal = yield* Journal.Journal
                const snapshots = yield* SnapshotStore
                const id = `id-${step.id}`
                const known = modelOf(id)
                switch (step.do) {
                  case "append":
                    yield* Journal.append(id, known.last, events(1, step.count, step.size))
                    known.last += step.count
                    return
                  case "discard": {
                    const upTo = Math.floor(known.last * step.part)
                    yield* journal.discard(id, upTo)
                    known.discarded = Math.max(known.discarded, upTo)
                    return
                  }
                  case "snapshot":
                    yield* snapshots.save(id, known.last, new Uint8Array(step.size))
                    known.snapshots.add(known.last)
                    return
                  case "forget":
                    yield* snapshots.discard(id, known.last - 1)
                    known.snapshots.forEach((one) => one < known.last && known.snapshots.delete(one))
                }
              })
              const runs: Array<Array<typeof steps[number]>> = [[]]
              for (const step of steps) step.do === "reopen" ? runs.push([]) : runs.at(-1)!.push(step)
              return Effect.forEach(runs, (run) =>
                Effect.provide(
                  Effect.andThen(Effect.andThen(check, Effect.forEach(run, apply)), check),
                  // Small files, so that they roll and are compacted.
                  DiskStorage.layer({ directory, capacity: 32_768, durability: "none" })
                ), { discard: true })
            }))
        ),
        { numRuns: 30 }
      )
    ))
})
