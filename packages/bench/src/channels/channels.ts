/**
 * The scenarios on channels: files in the system's directory for temporary ones, of 64 MiB each, rolling on, the last
 * two kept. What was appended is read and summed after each sample.
 */
import * as Channel from "@troupe/persistence/Channel"
import * as Format from "@troupe/persistence/Format"
import type * as Layout from "@troupe/runtime/Layout"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { now } from "../baselines/MessagePort.ts"
import * as Scenario from "../Scenario.ts"
import * as Statistics from "../Statistics.ts"
import { type Tick, ticks, tickViews } from "./Tick.ts"

const CAPACITY = 64 * 1024 * 1024

/** A directory that goes with its scope. */
export const temporary: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-bench-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

/** Records whose `price` counts from 0. */
interface Priced {
  price: number
}

const sumOf = (n: number): number => n * (n - 1) / 2

const appending = <A extends Priced>(options: {
  readonly layout: Layout.Layout<A>
  readonly record: A
  readonly params: Scenario.Params
  readonly run: (writer: Channel.Writer<A>, record: A, operations: number) => Effect.Effect<void, unknown>
}): Scenario.Scenario =>
  Scenario.duration({
    params: { durability: "none", capacity: CAPACITY, ...options.params },
    multipleOf: 64,
    setup: Effect.gen(function*() {
      const path = join(yield* temporary, "channel")
      const format = Format.layout(options.layout)
      const writer = yield* Channel.writer(path, { format, capacity: CAPACITY, keep: 2 })
      const reader = yield* Channel.reader(path, { format: Format.layoutViews(options.layout) })
      return {
        run: (operations: number) => options.run(writer, options.record, operations),
        check: (_: unknown, operations: number) =>
          Effect.suspend(() => {
            let sum = 0
            let records = 0
            for (let more = -1; more !== 0; records += more) {
              more = reader.pollUnsafe((view) => {
                sum += (view as unknown as Priced).price
              })
            }
            return Effect.andThen(
              Scenario.expect("records", records, operations),
              Scenario.expect("sum", sum, sumOf(operations))
            )
          })
      }
    })
  })

/** One synchronous call for each record. */
export const append = <A extends Priced>(layout: Layout.Layout<A>, record: A): Scenario.Scenario =>
  appending({
    layout,
    record,
    params: { face: "appendUnsafe", content: `${layout.byteLength} B` },
    run: (writer, record, operations) =>
      Effect.sync(() => {
        for (let n = 0; n < operations; n++) {
          record.price = n
          writer.appendUnsafe(record)
        }
      })
  })

/** Batches of 64, an Effect each. */
export const appendEffect = <A extends Priced>(layout: Layout.Layout<A>, record: A): Scenario.Scenario =>
  appending({
    layout,
    record,
    params: { face: "yield* appendAll", content: `${layout.byteLength} B`, batch: 64 },
    run: Effect.fnUntraced(function*(writer, record, operations) {
      const batch = Array.from({ length: 64 }, () => ({ ...record }))
      for (let n = 0; n < operations; n += 64) {
        for (let i = 0; i < 64; i++) batch[i]!.price = n + i
        yield* writer.appendAll(batch)
      }
    })
  })

const READ = 500_000

/** What is there already, read in place. */
export const read = (): Scenario.Scenario =>
  Scenario.duration({
    operations: READ,
    params: { face: "pollUnsafe, layoutViews", content: "16 B" },
    setup: Effect.gen(function*() {
      const path = join(yield* temporary, "channel")
      const writer = yield* Channel.writer(path, { format: ticks, capacity: CAPACITY })
      const tick = { price: 0, at: 0 }
      for (let n = 0; n < READ; n++) {
        tick.price = n
        writer.appendUnsafe(tick)
      }
      const reader = yield* Channel.reader(path, { format: tickViews })
      let sum = 0
      const add = (view: { readonly price: number }) => {
        sum += view.price
      }
      return {
        run: () =>
          Effect.sync(() => {
            sum = 0
            return reader.pollUnsafe(add)
          }),
        check: (records: number) =>
          Effect.gen(function*() {
            yield* Scenario.expect("records", records, READ)
            yield* Scenario.expect("sum", sum, sumOf(READ))
            yield* reader.seek(0)
          })
      }
    })
  })

const rounds = 2000

/** Half of the way to another process and back, a record at a time, both ends spinning. A sample is a median. */
export const latency = (): Scenario.Scenario =>
  Scenario.measured({
    unit: "ns",
    better: "lower",
    params: { face: "appendUnsafe, pollUnsafe; both spin", content: "16 B", rounds },
    setup: Effect.gen(function*() {
      const directory = yield* temporary
      const there = yield* Channel.writer(join(directory, "there"), { format: ticks, capacity: CAPACITY })
      yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const entry = fileURLToPath(new URL("../entry/channel.ts", import.meta.url))
          const child = spawn(process.execPath, [...process.execArgv, entry, directory], {
            stdio: ["ignore", "pipe", "inherit"]
          })
          await once(child.stdout, "data")
          return child
        }),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      const back = yield* Channel.reader(join(directory, "back"), { format: tickViews })
      let answer = -1
      const take = (view: { readonly price: number }) => {
        answer = view.price
      }
      const tick: Tick = { price: 0, at: 0 }
      const all: Array<number> = []
      return {
        sample: Effect.gen(function*() {
          const taken: Array<number> = []
          for (let round = 0; round < rounds; round++) {
            const record = { ...tick, price: round }
            const began = now()
            there.appendUnsafe(record)
            while (back.pollUnsafe(take) === 0);
            taken.push((now() - began) / 2)
            yield* Scenario.expect("answer", answer, round)
          }
          all.push(...taken)
          return Statistics.median(taken)
        }),
        params: Effect.sync(() => ({
          p50: Statistics.percentile(all, 0.5),
          p99: Statistics.percentile(all, 0.99),
          "p99.9": Statistics.percentile(all, 0.999)
        }))
      }
    })
  })
