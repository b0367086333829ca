import { assert, describe, it } from "@effect/vitest"
import * as Ask from "@troupe/runtime/Ask"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { TestClock } from "effect/testing"
import { here, metrics, recorder } from "./fixtures/observing.ts"
import { Relay } from "./fixtures/Relay.ts"

describe("ActorSystem.Metrics", () => {
  it.effect("counts messages by kind of actor and thread (S77)", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* Relay.spawn(), yield* Relay.keyed("b")]
      for (let i = 0; i < 5; i++) a.tellUnsafe("Note")
      yield* a.ask("Here")
      yield* Effect.exit(a.ask("Die"))
      a.tellUnsafe("Note")
      b.tellUnsafe("Fail")
      yield* b.ask("Here")
      const seen = yield* metrics
      assert.strictEqual(seen.get("actor_messages_accepted 0")!["count"], 9)
      assert.strictEqual(seen.get("actor_messages_handled 0")!["count"], 9)
      // To one that had ended, and an error that nobody heard.
      assert.strictEqual(seen.get("actor_messages_dead_lettered 0")!["count"], 2)
      assert.strictEqual(seen.get("actor_failures 0")!["count"], 1)
      assert.strictEqual(seen.get("actor_alive 0")!["value"], 1)
      assert.strictEqual(seen.get("actor_mailbox_high 0")!["value"], 6)
      assert.strictEqual(seen.get("actor_ask_millis 0")!["count"], 3)
    }).pipe(Effect.scoped, Effect.provide(here({ metrics: true }))))

  it.effect("times asks by the asker's clock, those that are given up too (S77)", () =>
    Effect.gen(function*() {
      const a = yield* Relay.spawn()
      const slow = yield* Effect.forkChild(a.ask("Meet", { other: "b" }), { startImmediately: true })
      yield* TestClock.adjust(20)
      yield* Fiber.join(slow)
      const late = yield* Effect.forkChild(Effect.exit(a.ask("Meet", { other: "b" }, { timeout: 4 })), {
        startImmediately: true
      })
      yield* TestClock.adjust(4)
      yield* Fiber.join(late)
      const asks = (yield* metrics).get("actor_ask_millis 0")!
      // The third is the one that the first one's handler asked.
      assert.deepStrictEqual([asks["count"], asks["min"], asks["max"], asks["sum"]], [3, 0, 20, 24])
    }).pipe(Effect.scoped, Effect.provide(here({ metrics: true }))))

  it.effect("shows them where the system was made, and as long as it lives", () =>
    Effect.gen(function*() {
      const registry: Layer.Layer<never> = Layer.succeed(Metric.MetricRegistry, new Map())
      const inside = yield* metrics.pipe(
        Effect.tap(() => Relay.keyed("a")),
        Effect.provide(here({ metrics: true })),
        Effect.provide(registry)
      )
      assert.isAbove(inside.size, 0)
      assert.strictEqual((yield* metrics).size, 0)
      const off = yield* Effect.provide(metrics, here({}))
      assert.strictEqual(off.size, 0)
    }))
})

describe("ActorSystem.Tracing", () => {
  it.effect("gives an ask a span, and its message one within that (S78)", () => {
    const { spans, tracer } = recorder()
    return Effect.gen(function*() {
      const a = yield* Relay.keyed("a")
      const own = yield* Effect.withSpan(a.ask("Here"), "outer")
      assert.deepStrictEqual(
        spans.map(({ kind, name, parent }) => [name, kind, Option.getOrUndefined(parent)?.spanId]),
        [
          ["outer", "internal", undefined],
          ["Relay.Here", "client", spans[0]!.spanId],
          ["Relay.Here", "server", spans[1]!.spanId]
        ]
      )
      assert.deepStrictEqual([own.spanId, own.parent], [spans[2]!.spanId, spans[1]!.spanId])
      assert.isTrue(spans.every(({ status }) => status._tag === "Ended"))
      assert.strictEqual(spans[2]!.attributes.get("actor.key"), "a")
    }).pipe(Effect.provide(here({ sample: 0 })), Effect.provide(tracer))
  })

  it.effect("carries it through handlers that ask and handlers that tell (S78)", () => {
    const { spans, tracer } = recorder()
    return Effect.gen(function*() {
      const a = yield* Relay.keyed("a")
      const through = yield* a.ask("Through", { keys: ["b", "c"] })
      assert.strictEqual(new Set(through.map(({ traceId }) => traceId)).size, 1)
      // Each handler's span is within its asker's, which is within the handler's before.
      const parentOf = new Map(
        spans.map(({ parent, spanId }) => [spanId, Option.getOrUndefined(parent)?.spanId])
      )
      assert.deepStrictEqual(
        through.map(({ parent }) => parentOf.get(parent)),
        [undefined, through[0]!.spanId, through[1]!.spanId]
      )
      spans.length = 0
      yield* Effect.withSpan(a.tell("Pass", { keys: ["b", "c"] }), "outer")
      const c = yield* Relay.keyed("c")
      yield* Effect.repeat(c.ask("Noted"), { until: (noted) => noted.length > 0 })
      const names = spans.map(({ kind, name }) => `${name} ${kind}`).filter((name) => !name.includes("Noted"))
      assert.deepStrictEqual(names, [
        "outer internal",
        "Relay.Pass consumer",
        "Relay.Pass consumer",
        "Relay.Pass consumer",
        "Relay.Note consumer"
      ])
      const told = spans.filter(({ name }) => !name.includes("Noted"))
      told.slice(1).forEach(({ parent }, i) =>
        assert.strictEqual(Option.getOrUndefined(parent)?.spanId, told[i]!.spanId)
      )
    }).pipe(Effect.provide(here({ sample: 1 })), Effect.provide(tracer))
  })

  it.effect("traces a share of the messages, each with all that comes of it or not at all (S78)", () => {
    const { spans, tracer } = recorder()
    return Effect.gen(function*() {
      const a = yield* Relay.keyed("a")
      let traced = 0
      for (let i = 0; i < 400; i++) {
        const through = yield* a.ask("Through", { keys: ["b", "c"] })
        const sampled = new Set(through.map(({ sampled }) => sampled))
        assert.strictEqual(sampled.size, 1)
        if (sampled.has(true)) traced++
      }
      assert.strictEqual(spans.length, traced * 6)
      assert.isTrue(traced > 20 && traced < 200, `${traced} of 400`)
      // A trace that its maker did not want is not wanted here either.
      const before = spans.length
      const unwanted = Tracer.externalSpan({ traceId: "1", spanId: "2", sampled: false })
      yield* Effect.withParentSpan(a.ask("Here"), unwanted)
      assert.strictEqual(spans.length, before)
    }).pipe(Effect.provide(here({ sample: 0.2 })), Effect.provide(tracer))
  })

  it.effect("says how each message was handled: a declared error and a defect fail its span", () => {
    const { spans, tracer } = recorder()
    return Effect.gen(function*() {
      const a = yield* Relay.keyed("a")
      yield* Effect.exit(a.ask("Fail"))
      yield* Effect.exit(a.ask("Die"))
      a.tellUnsafe("Fail")
      yield* a.ask("Here")
      assert.deepStrictEqual(
        spans.map(({ kind, name, status }) => [name, kind, status._tag === "Ended" && status.exit._tag]),
        [
          ["Relay.Fail", "client", "Failure"],
          ["Relay.Fail", "server", "Failure"],
          ["Relay.Die", "client", "Failure"],
          ["Relay.Die", "server", "Failure"],
          // The question is asked before it is handled, and that after what was told.
          ["Relay.Here", "client", "Success"],
          ["Relay.Fail", "consumer", "Failure"],
          ["Relay.Here", "server", "Success"]
        ]
      )
    }).pipe(Effect.provide(here({ sample: 1 })), Effect.provide(tracer))
  })

  it.effect("makes no span where it is off (S79)", () => {
    const { spans, tracer } = recorder()
    return Effect.gen(function*() {
      const a = yield* Relay.keyed("a")
      yield* Effect.withSpan(a.ask("Through", { keys: ["b"] }), "outer")
      assert.deepStrictEqual(spans.map(({ name }) => name), ["outer"])
    }).pipe(Effect.provide(here({})), Effect.provide(tracer))
  })
})

describe("ActorSystem.DetectCycles", () => {
  it.effect("fails an ask that closes a circle, however long the circle is, and names it (S75)", () =>
    Effect.gen(function*() {
      const a = yield* Relay.keyed("a")
      assert.deepStrictEqual(yield* a.ask("Circle", { keys: ["a"] }), ["Relay(a).Circle", "Relay(a).Circle"])
      assert.deepStrictEqual(yield* a.ask("Circle", { keys: ["b", "a"] }), [
        "Relay(b).Circle",
        "Relay(a).Circle",
        "Relay(b).Circle"
      ])
      const others = Array.from({ length: 20 }, (_, i) => String(i))
      assert.strictEqual((yield* a.ask("Circle", { keys: [...others, "a"] })).length, 22)
      assert.deepStrictEqual(yield* a.ask("Circle", { keys: [...others, "b"] }), [])
    }).pipe(Effect.provide(here({ cycles: true }))))

  it.effect("fails one of two that ask each other, whoever is the last to ask (S75)", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* Relay.keyed("a"), yield* Relay.keyed("b")]
      const both = yield* Effect.forkChild(
        Ask.all([a.ask("Meet", { other: "b" }), b.ask("Meet", { other: "a" })]),
        { startImmediately: true }
      )
      yield* TestClock.adjust(20)
      const [first, second] = yield* Fiber.join(both)
      assert.deepStrictEqual([first, second], [["answered"], [
        "Relay(b).Meet",
        "Relay(a).Meet",
        "Relay(b).Meet"
      ]])
    }).pipe(Effect.provide(here({ cycles: true }))))

  it.effect("does not mind those who ask one who waits for somebody else", () =>
    Effect.gen(function*() {
      const [a, b, c] = [yield* Relay.keyed("a"), yield* Relay.keyed("b"), yield* Relay.keyed("c")]
      const all = yield* Effect.forkChild(
        Ask.all([
          a.ask("Meet", { other: "b" }),
          b.ask("Meet", { other: "c" }),
          c.ask("Meet", { other: "d" }),
          c.ask("Meet", { other: "d" })
        ]),
        { startImmediately: true }
      )
      yield* TestClock.adjust(20)
      yield* TestClock.adjust(20)
      for (const answer of yield* Fiber.join(all)) assert.deepStrictEqual(answer, ["answered"])
    }).pipe(Effect.provide(here({ cycles: true }))))

  it.effect("lets them wait for their deadlines where it is off (S79)", () =>
    Effect.gen(function*() {
      const a = yield* Relay.keyed("a")
      const fiber = yield* Effect.forkChild(Effect.flip(a.ask("Circle", { keys: ["a"] }, { timeout: 5 })), {
        startImmediately: true
      })
      yield* TestClock.adjust(5)
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "AskTimeout")
    }).pipe(Effect.provide(here({}))))
})
