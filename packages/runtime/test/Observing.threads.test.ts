import { assert, describe, it } from "@effect/vitest"
import type * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Ask from "@troupe/runtime/Ask"
import * as Placement from "@troupe/runtime/Placement"
import * as Effect from "effect/Effect"
import { metrics, recorder, workers } from "./fixtures/observing.ts"
import { Relay } from "./fixtures/Relay.ts"

type Ref = Actor.Ref<typeof Relay>

/** Keys that live on this worker. */
const keysOn = (worker: number) =>
  Effect.map(ActorSystem.ActorSystem, (system) => {
    const { mesh } = system as unknown as { mesh: { homes: { place(actor: string, key: string): number } } }
    return Array.from({ length: 100 }, (_, i) => `key ${i}`).filter((key) =>
      mesh.homes.place("Relay", key) === worker
    )
  })

const byKey = Relay.byKey

describe("ActorSystem.Metrics", () => {
  it.live("shows what each thread counts, where the system was made (S77)", () =>
    Effect.gen(function*() {
      const [a, b] = (yield* Effect.all([1, 2].map((worker) => Placement.on(Relay.spawn(), worker)))) as [
        Ref,
        Ref
      ]
      for (let i = 0; i < 5; i++) a.tellUnsafe("Note")
      yield* a.ask("Here")
      yield* b.ask("Here")
      yield* Effect.exit(b.ask("Die"))
      const seen = yield* metrics
      assert.strictEqual(seen.get("actor_messages_accepted 1")!["count"], 6)
      assert.strictEqual(seen.get("actor_messages_handled 1")!["count"], 6)
      assert.strictEqual(seen.get("actor_alive 1")!["value"], 1)
      assert.strictEqual(seen.get("actor_messages_handled 2")!["count"], 2)
      assert.strictEqual(seen.get("actor_failures 2")!["count"], 1)
      assert.strictEqual(seen.get("actor_ask_millis 0")!["count"], 3)
      assert.isAbove(seen.get("actor_ask_millis 0")!["min"]!, 0)
    }).pipe(Effect.scoped, Effect.provide(workers({ metrics: true }))))
})

describe("ActorSystem.Tracing", () => {
  it.live("carries a span with what is asked and told between threads (S78)", () => {
    const { spans, tracer } = recorder()
    return Effect.gen(function*() {
      const [one] = yield* keysOn(1)
      const [two, other] = yield* keysOn(2)
      const relay = yield* byKey
      const through = yield* Effect.withSpan(
        relay(one!).ask("Through", { keys: [two!, other!, one! + "!"] }),
        "outer"
      )
      assert.deepStrictEqual(through.slice(0, 3).map(({ thread }) => thread), [
        "troupe-1",
        "troupe-2",
        "troupe-2"
      ])
      assert.deepStrictEqual([...new Set(through.map(({ traceId }) => traceId))], [spans[0]!.traceId])
      // Here: the program's span and the asker's. The first handler's is within that.
      assert.deepStrictEqual(spans.map(({ name }) => name), ["outer", "Relay.Through"])
      assert.strictEqual(through[0]!.parent, spans[1]!.spanId)
      yield* Effect.withSpan(relay(one!).tell("Pass", { keys: [two!] }), "told")
      const [noted] = yield* Effect.repeat(relay(two!).ask("Noted"), { until: (noted) => noted.length > 0 })
      const told = spans.find(({ name }) => name === "told")!
      assert.strictEqual(noted!.traceId, told.traceId)
      // What is not sent takes its span with it.
      const from = relay(one!)
      const sent = yield* Effect.withSpan(
        Effect.sync(() => from.tellUnsafe("Pass", { keys: 1 as never })),
        "lost"
      )
      assert.isFalse(sent)
      yield* from.tell("Note")
      const [root] = yield* Effect.repeat(from.ask("Noted"), { until: (noted) => noted.length > 0 })
      assert.notStrictEqual(root!.traceId, spans.find(({ name }) => name === "lost")!.traceId)
    }).pipe(Effect.scoped, Effect.provide(workers({ sample: 1 })), Effect.provide(tracer))
  })

  it.live("carries that it is not wanted, too", () =>
    Effect.gen(function*() {
      const [one] = yield* keysOn(1)
      const [two] = yield* keysOn(2)
      const relay = yield* byKey
      for (let i = 0; i < 100; i++) {
        const through = yield* relay(one!).ask("Through", { keys: [two!, one! + "!"] })
        assert.strictEqual(new Set(through.map(({ sampled }) => sampled)).size, 1)
      }
    }).pipe(Effect.scoped, Effect.provide(workers({ sample: 0.5 }))))
})

describe("ActorSystem.DetectCycles", () => {
  it.live("finds a circle that goes through several threads (S75)", () =>
    Effect.gen(function*() {
      const [a, c] = yield* keysOn(1)
      const [b, d] = yield* keysOn(2)
      const relay = yield* byKey
      assert.deepStrictEqual(yield* relay(a!).ask("Circle", { keys: [b!, a!] }), [
        `Relay(${b}).Circle`,
        `Relay(${a}).Circle`,
        `Relay(${b}).Circle`
      ])
      assert.strictEqual((yield* relay(a!).ask("Circle", { keys: [b!, c!, d!, a!] })).length, 5)
      assert.deepStrictEqual(yield* relay(a!).ask("Circle", { keys: [b!, c!, d!] }), [])
      // At the same time: who is the last to ask is a matter of chance.
      const both = yield* Ask.all([
        relay(a!).ask("Meet", { other: b! }),
        relay(b!).ask("Meet", { other: a! })
      ])
      assert.isTrue(both.some(([first]) => first !== "answered"), JSON.stringify(both))
      for (const answer of both) {
        assert.include(["answered", `Relay(${a}).Meet`, `Relay(${b}).Meet`], answer[0])
      }
    }).pipe(Effect.scoped, Effect.provide(workers({ cycles: true }))))
})
