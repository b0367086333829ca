/** In which order messages are handled, and how many at once, where their contract or their handler says. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { everywhere } from "./fixtures/desks.ts"
import { fresh, letters, reasonOf, totals } from "./fixtures/places.ts"
import { Batcher, Ranked, RankedBounded } from "./fixtures/Ranks.ts"
import { Gate } from "./fixtures/Subject.ts"

const open = (gate: string) => Effect.flatMap(Gate.keyed(gate), (gate) => gate.ask("Open"))
const reached = (gate: string) => Effect.flatMap(Gate.keyed(gate), (gate) => gate.ask("Reached"))
const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** Has an actor wait at a gate that is fresh; the gate, once it does. */
const hold = (ref: { tell(tag: "Hold", payload: { readonly gate: string }): Effect.Effect<void> }) =>
  Effect.gen(function*() {
    const gate = fresh("gate")
    yield* ref.tell("Hold", { gate })
    yield* reached(gate)
    return gate
  })

describe("Message", () => {
  everywhere({
    priority: [
      [
        "goes before those of lower priority that wait, in order among its own (S58)",
        Effect.gen(function*() {
          const ranked = yield* Ranked.spawn()
          const gate = yield* hold(ranked)
          for (const line of ["1", "2"]) {
            yield* ranked.tell("Low", { line: `low ${line}` })
            yield* ranked.tell("Normal", { line: `normal ${line}` })
            yield* ranked.tell("High", { line: `high ${line}` })
          }
          yield* open(gate)
          const lines = yield* Effect.repeat(ranked.ask("Lines"), { until: (lines) => lines.length === 6 })
          assert.deepStrictEqual(lines, ["high 1", "high 2", "normal 1", "normal 2", "low 1", "low 2"])
        })
      ]
    ],
    coalesceBy: [
      [
        "puts a newer message in the place of the older one, and answers who asked with either (S58)",
        Effect.gen(function*() {
          const before = yield* totals
          const ranked = yield* Ranked.spawn()
          const gate = yield* hold(ranked)
          yield* ranked.tell("Price", { symbol: "a", price: 1 })
          const first = yield* fork(ranked.ask("Price", { symbol: "b", price: 1 }))
          yield* ranked.tell("Normal", { line: "between" })
          yield* ranked.tell("Price", { symbol: "a", price: 2 })
          const second = yield* fork(ranked.ask("Price", { symbol: "b", price: 2 }))
          yield* ranked.tell("Price", { symbol: "b", price: 3 })
          yield* open(gate)
          assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], [3, 3])
          assert.deepStrictEqual(yield* ranked.ask("Lines"), ["a 2", "b 3", "between"])
          yield* ranked.tell("Price", { symbol: "a", price: 4 })
          assert.strictEqual((yield* ranked.ask("Lines")).at(-1), "a 4")
          const after = yield* totals
          // Hold, seven prices and lines, two looks at them, and what the gate was asked; replaced ones are handled.
          assert.deepStrictEqual([after.handled - before.handled, after.deadLettered], [
            13,
            before.deadLettered
          ])
        })
      ],
      [
        "takes no second place in a bounded mailbox (S58)",
        Effect.gen(function*() {
          const ranked = yield* RankedBounded.keyed(fresh("ranked"))
          const gate = yield* hold(ranked)
          for (let price = 1; price <= 10; price++) {
            yield* ranked.tell("Price", { symbol: "a", price })
            // From another thread it needs one until it has come.
            yield* ranked.ask("Peek")
          }
          yield* ranked.tell("Normal", { line: "still room" })
          yield* ranked.tell("Normal", { line: "for two" })
          yield* open(gate)
          yield* Effect.repeat(Effect.orElseSucceed(ranked.ask("Lines"), () => []), {
            until: (lines) => lines.length === 3
          })
          assert.deepStrictEqual(yield* ranked.ask("Lines"), ["a 10", "still room", "for two"])
        })
      ],
      [
        "holds also for what comes out of the stash (S52, S58)",
        Effect.gen(function*() {
          const ranked = yield* Ranked.spawn()
          const first = yield* fork(ranked.ask("LaterPrice", { symbol: "a", price: 1 }))
          const other = yield* fork(ranked.ask("LaterPrice", { symbol: "b", price: 1 }))
          yield* ranked.ask("Lines")
          const gate = yield* hold(ranked)
          yield* ranked.tell("WantPrices")
          yield* ranked.tell("LaterPrice", { symbol: "a", price: 2 })
          yield* open(gate)
          assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(other)], [2, 1])
          assert.deepStrictEqual(yield* ranked.ask("Lines"), ["b 1", "a 2"])
        })
      ]
    ],
    interleave: [
      [
        "is handled while another one's effect is in flight, also if it waited already (S58)",
        Effect.gen(function*() {
          const ranked = yield* Ranked.spawn()
          const gate = yield* hold(ranked)
          const next = fresh("gate")
          const second = yield* fork(ranked.ask("Hold", { gate: next }))
          yield* ranked.tell("Normal", { line: "normal" })
          yield* ranked.tell("Aside", { line: "aside 1" })
          assert.deepStrictEqual(yield* ranked.ask("Peek"), ["aside 1"])
          yield* open(gate)
          yield* reached(next)
          yield* ranked.tell("Aside", { line: "aside 2" })
          assert.deepStrictEqual(yield* ranked.ask("Peek"), ["aside 1", "aside 2"])
          yield* open(next)
          assert.strictEqual(yield* Fiber.join(second), "held")
          assert.deepStrictEqual(yield* ranked.ask("Lines"), ["aside 1", "aside 2", "normal"])
        })
      ],
      [
        "lets others be handled while its own effect is in flight (S58)",
        Effect.gen(function*() {
          const ranked = yield* Ranked.spawn()
          const gate = fresh("gate")
          const held = yield* fork(ranked.ask("HoldAside", { gate }))
          yield* reached(gate)
          yield* ranked.tell("Normal", { line: "normal" })
          assert.deepStrictEqual(yield* ranked.ask("Lines"), ["normal"])
          yield* open(gate)
          assert.strictEqual(yield* Fiber.join(held), "held aside")
          assert.deepStrictEqual(yield* ranked.ask("Lines"), ["normal", "aside is over"])
          assert.deepInclude(yield* Effect.flip(ranked.ask("RefuseAside")), { _tag: "Refused", why: "aside" })
        })
      ],
      [
        "has its own asker, whoever else is asked meanwhile (S58)",
        Effect.gen(function*() {
          const ranked = yield* Ranked.spawn()
          const gate = yield* hold(ranked)
          const later = fresh("gate")
          const first = yield* fork(ranked.ask("LaterAside", { gate: later }))
          yield* reached(later)
          const second = yield* fork(ranked.ask("Hold", { gate: later }))
          yield* open(later)
          assert.strictEqual(yield* Fiber.join(first), "at last")
          yield* open(gate)
          assert.strictEqual(yield* Fiber.join(second), "held")
        })
      ],
      [
        "fails or ends its actor as any other does (S58)",
        Effect.gen(function*() {
          const ends = [
            ["ThrowAside", "thrown aside"],
            ["DieAside", "died aside"]
          ] as const
          for (const [tag, failure] of ends) {
            const ranked = yield* Ranked.spawn()
            const gate = fresh("gate")
            const held = yield* fork(reasonOf(ranked.ask("Hold", { gate })))
            yield* reached(gate)
            assert.deepInclude(yield* reasonOf(ranked.ask(tag)), { _tag: "ActorEnded", failure })
            assert.deepInclude(yield* Fiber.join(held), { _tag: "ActorEnded", failure })
          }
          const ranked = yield* Ranked.spawn()
          const gate = fresh("gate")
          const held = yield* fork(reasonOf(ranked.ask("Hold", { gate })))
          yield* reached(gate)
          assert.strictEqual(yield* ranked.ask("StopAside"), "stopped aside")
          assert.strictEqual((yield* Fiber.join(held))._tag, "ActorEnded")
        })
      ]
    ]
  })
})

describe("Batch", () => {
  everywhere({
    batch: [
      [
        "is given what waits, at most so many, and none past another message; its answer is for all (S57)",
        Effect.gen(function*() {
          const before = yield* totals
          const batcher = yield* Batcher.spawn()
          const gate = yield* hold(batcher)
          const asks = yield* Effect.forEach([1, 2, 3, 4, 5], (n) => fork(batcher.ask("Add", { n })))
          yield* batcher.tell("Add", { n: 6 })
          const seen = yield* fork(batcher.ask("Seen"))
          const last = yield* fork(batcher.ask("Add", { n: 7 }))
          yield* open(gate)
          assert.deepStrictEqual(yield* Effect.forEach(asks, Fiber.join), [4, 4, 4, 4, 2])
          assert.deepStrictEqual(yield* Fiber.join(seen), [[1, 2, 3, 4], [5, 6]])
          assert.strictEqual(yield* Fiber.join(last), 1)
          const after = yield* totals
          assert.deepStrictEqual(
            [after.handled - before.handled, after.deadLettered - before.deadLettered],
            [12, 0]
          )
        })
      ],
      [
        "finds in its next one what came while its effect was in flight (S57)",
        Effect.gen(function*() {
          const batcher = yield* Batcher.spawn()
          const gate = fresh("gate")
          const first = yield* fork(batcher.ask("AddAtGate", { n: 1, gate }))
          yield* reached(gate)
          const others = yield* Effect.forEach([2, 3, 4], (n) => fork(batcher.ask("AddAtGate", { n, gate })))
          const seen = yield* fork(batcher.ask("Seen"))
          yield* open(gate)
          assert.strictEqual(yield* Fiber.join(first), 1)
          assert.deepStrictEqual(yield* Effect.forEach(others, Fiber.join), [3, 3, 3])
          assert.deepStrictEqual(yield* Fiber.join(seen), [[1], [2, 3, 4]])
        })
      ],
      [
        "fails, leaves unhandled and stashes all of its messages (S57)",
        Effect.gen(function*() {
          const key = fresh("batcher")
          const batcher = yield* Batcher.keyed(key)
          const gate = yield* hold(batcher)
          const dead = yield* letters(3, (letter) => letter.key === key)
          const refused = yield* fork(Effect.flip(batcher.ask("Refuse", { n: 1 })))
          yield* batcher.tell("Refuse", { n: 2 })
          const ignored = yield* fork(reasonOf(batcher.ask("Ignore", { n: 3 })))
          yield* batcher.tell("Ignore", { n: 4 })
          const kept = yield* fork(batcher.ask("Keep", { n: 5 }))
          yield* batcher.tell("Keep", { n: 6 })
          yield* open(gate)
          assert.deepInclude(yield* Fiber.join(refused), { _tag: "Refused", why: "2" })
          assert.strictEqual((yield* Fiber.join(ignored))._tag, "Unhandled")
          yield* batcher.tell("Release")
          assert.strictEqual(yield* Fiber.join(kept), 2)
          assert.deepStrictEqual(yield* batcher.ask("Seen"), [[1, 2], [5, 6]])
          assert.deepStrictEqual((yield* dead).map(({ reason, tag }) => `${reason} ${tag}`).sort(), [
            "Unhandled Ignore",
            "Unhandled Ignore",
            "UnheardError Refuse"
          ])
        })
      ]
    ]
  })
})
