/** What handlers can do with a message, wherever their actor lives. */
import { assert, describe } from "@effect/vitest"
import type * as Actor from "@troupe/runtime/Actor"
import { ActorEnded, type Reason } from "@troupe/runtime/AskError"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Desk } from "./fixtures/Desk.ts"
import { everywhere } from "./fixtures/desks.ts"
import { fresh, letters, reasonOf, totals } from "./fixtures/places.ts"
import { Gate } from "./fixtures/Subject.ts"

const reason = <A, E, R>(ask: Effect.Effect<A, E, R>): Effect.Effect<Reason["_tag"], unknown, R> =>
  Effect.map(reasonOf(ask), ({ _tag }) => _tag)

const open = (gate: string) => Effect.flatMap(Gate.keyed(gate), (gate) => gate.ask("Open"))
const reached = (gate: string) => Effect.flatMap(Gate.keyed(gate), (gate) => gate.ask("Reached"))
const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

describe("Handling", () => {
  everywhere({
    become: [
      [
        "handles what follows with other handlers, answers, and comes back (S50)",
        Effect.gen(function*() {
          const desk = yield* Desk.spawn()
          assert.strictEqual(yield* reason(desk.ask("Odd", { n: 1 })), "Unhandled")
          assert.strictEqual(yield* desk.ask("Open"), "welcome")
          assert.strictEqual(yield* desk.ask("Odd", { n: 1 }), 1)
          yield* desk.ask("Close")
          assert.strictEqual(yield* reason(desk.ask("Odd", { n: 1 })), "Unhandled")
          assert.deepStrictEqual(yield* desk.ask("Notes"), ["opened", "closed"])
        })
      ],
      [
        "fails with handlers that are not the protocol's (S50)",
        Effect.gen(function*() {
          const desk = yield* Desk.spawn()
          const error = yield* reasonOf(desk.ask("BecomeRubbish"))
          assert.include(error.message, "Desk has no handler for")
        })
      ],
      [
        "begins with the behaviour's handlers in each incarnation (S50)",
        Effect.gen(function*() {
          const desk = yield* Desk.keyed(fresh("desk"))
          yield* desk.ask("Open")
          yield* desk.ask("Stop")
          assert.strictEqual(yield* reason(desk.ask("Odd", { n: 1 })), "Unhandled")
        })
      ]
    ],
    unhandled: [
      [
        "is a dead letter, and no answer, from an effect too; and the sums are right (S8, S10, S51)",
        Effect.gen(function*() {
          const before = yield* totals
          const key = fresh("desk")
          const desk = yield* Desk.keyed(key)
          const dead = yield* letters(3, (letter) => letter.key === key)
          yield* desk.tell("Odd", { n: 1 })
          assert.strictEqual(yield* reason(desk.ask("OddSlowly", { n: 2 })), "Unhandled")
          yield* desk.tell("OddSlowly", { n: 3 })
          assert.deepStrictEqual(yield* desk.ask("Notes"), [])
          assert.deepStrictEqual(
            (yield* dead).map(({ reason, tag }) => [reason, tag]),
            [["Unhandled", "Odd"], ["Unhandled", "OddSlowly"], ["Unhandled", "OddSlowly"]]
          )
          const after = yield* totals
          assert.deepStrictEqual(
            [after.handled - before.handled, after.deadLettered - before.deadLettered],
            [1, 3]
          )
        })
      ]
    ],
    stash: [
      [
        "keeps messages until they are put back before what waits, in order, askers and all (S52)",
        Effect.gen(function*() {
          const before = yield* totals
          const [key, gate] = [fresh("desk"), fresh("gate")]
          const desk = yield* Desk.keyed(key)
          yield* desk.tell("Visit", { n: 1 })
          const visit = yield* fork(desk.ask("Visit", { n: 2 }))
          assert.strictEqual(yield* desk.ask("Stashed"), 2)
          yield* desk.tell("Busy", { gate })
          yield* reached(gate)
          yield* desk.tell("Open")
          yield* desk.tell("Note", { line: "waited" })
          yield* open(gate)
          assert.strictEqual(yield* Fiber.join(visit), 2)
          assert.deepStrictEqual(yield* desk.ask("Notes"), ["opened", "visit 1", "visit 2", "waited"])
          assert.strictEqual(yield* desk.ask("Stashed"), 0)
          const after = yield* totals
          // Two visits, twice the desk's state, its being busy, its opening and its note; and what the gate was asked.
          assert.deepStrictEqual(
            [after.handled - before.handled, after.deadLettered - before.deadLettered],
            [11, 0]
          )
        })
      ],
      [
        "is bounded: what is too much is a dead letter, and fails typed (S52)",
        Effect.gen(function*() {
          const key = fresh("desk")
          const desk = yield* Desk.keyed(key)
          const dead = yield* letters(2, (letter) => letter.key === key)
          for (const n of [1, 2, 3]) yield* desk.tell("Visit", { n })
          const error = yield* reasonOf(desk.ask("Visit", { n: 4 }))
          assert.deepInclude(error, { _tag: "StashFull", capacity: 3 })
          yield* desk.tell("Visit", { n: 5 })
          yield* desk.ask("Open")
          assert.deepStrictEqual(yield* desk.ask("Notes"), ["opened", "visit 1", "visit 2", "visit 3"])
          assert.deepStrictEqual((yield* dead).map(({ reason, tag }) => [reason, tag]), [
            ["StashFull", "Visit"],
            ["StashFull", "Visit"]
          ])
        })
      ],
      [
        "is dead letters when the actor ends (S52)",
        Effect.gen(function*() {
          const key = fresh("desk")
          const desk = yield* Desk.keyed(key)
          const dead = yield* letters(2, (letter) => letter.key === key)
          yield* desk.tell("Visit", { n: 1 })
          const visit = yield* fork(reason(desk.ask("Visit", { n: 2 })))
          yield* desk.ask("Stop")
          assert.strictEqual(yield* Fiber.join(visit), "ActorEnded")
          assert.deepStrictEqual((yield* dead).map(({ reason }) => reason), ["Ended", "Ended"])
        })
      ]
    ],
    fork: [
      [
        "answers when its effect is done, and the actor goes on meanwhile (S53)",
        Effect.gen(function*() {
          const gate = fresh("gate")
          const desk = yield* Desk.spawn()
          const errand = yield* fork(desk.ask("Errand", { gate }))
          yield* desk.ask("Note", { line: "meanwhile" })
          yield* open(gate)
          assert.strictEqual(yield* Fiber.join(errand), "done")
          assert.deepStrictEqual(yield* desk.ask("Notes"), ["meanwhile"])
        })
      ],
      [
        "answers with the declared error; told, that is an unheard one (S53)",
        Effect.gen(function*() {
          const key = fresh("desk")
          const desk = yield* Desk.keyed(key)
          const dead = yield* letters(1, (letter) => letter.key === key)
          const error = yield* Effect.flip(desk.ask("RefusedErrand"))
          assert.strictEqual(error._tag, "Refused")
          yield* desk.tell("RefusedErrand")
          assert.deepStrictEqual((yield* dead).map(({ reason }) => reason), ["UnheardError"])
          assert.deepStrictEqual(yield* desk.ask("Notes"), [])
        })
      ],
      [
        "fails the actor when it dies, and no answer comes when the actor ends (S53)",
        Effect.gen(function*() {
          const desk = yield* Desk.spawn()
          const error = yield* reasonOf(desk.ask("FatalErrand"))
          assert.deepInclude(error, { _tag: "ActorEnded", failure: "lost" })
          assert.strictEqual(yield* reason(desk.ask("Notes")), "DeadRef")
          const other = yield* Desk.spawn()
          const gate = fresh("gate")
          const errand = yield* fork(reason(other.ask("Errand", { gate })))
          yield* reached(gate)
          yield* other.ask("Stop")
          assert.strictEqual(yield* Fiber.join(errand), "ActorEnded")
        })
      ]
    ],
    pipeToSelf: [
      [
        "makes a message of an effect's exit, before those that wait (S54)",
        Effect.gen(function*() {
          const [gate, busy] = [fresh("gate"), fresh("gate")]
          const desk = yield* Desk.spawn()
          yield* desk.tell("Fetch", { gate })
          yield* desk.tell("Busy", { gate: busy })
          yield* reached(busy)
          yield* desk.tell("Note", { line: "waited" })
          yield* open(gate)
          yield* open(busy)
          assert.deepStrictEqual((yield* desk.ask("Await", { lines: 3 })).slice().sort(), [
            "fetched",
            "fetching",
            "waited"
          ])
          yield* desk.ask("FetchAndFail")
          assert.include((yield* desk.ask("Await", { lines: 5 }))[4], "Failure")
        })
      ],
      [
        "fails the actor when it throws in making one (S54)",
        Effect.gen(function*() {
          const desk = yield* Desk.spawn()
          yield* desk.tell("FetchAndThrow")
          assert.strictEqual(yield* reason(desk.ask("Await", { lines: 1 })), "ActorEnded")
        })
      ]
    ],
    stream: [
      [
        "gives its elements in order, however many, while the actor goes on (S56)",
        Effect.gen(function*() {
          const desk = yield* Desk.spawn()
          const numbers = yield* Stream.runCollect(desk.stream("Count", { n: 5000 }))
          assert.deepStrictEqual(numbers, Array.from({ length: 5000 }, (_, i) => i + 1))
          const gate = fresh("gate")
          const counting = yield* fork(
            Stream.runCollect(desk.stream("CountAtGate", { gate, ending: "ends" }))
          )
          yield* reached(gate)
          yield* desk.ask("Note", { line: "meanwhile" })
          yield* open(gate)
          assert.deepStrictEqual(yield* Fiber.join(counting), [1, 2])
        })
      ],
      [
        "asks anew each time that it runs (S56)",
        Effect.gen(function*() {
          const desk = yield* Desk.spawn()
          const three = Stream.runCollect(desk.stream("Count", { n: 3 }))
          assert.deepStrictEqual(yield* Effect.all([three, three]), [[1, 2, 3], [1, 2, 3]])
        })
      ],
      [
        "is made no faster than it is taken (S56)",
        Effect.gen(function*() {
          const desk = yield* Desk.spawn()
          let furthest = 0
          yield* desk.stream("CountOn").pipe(
            Stream.take(500),
            Stream.runForEach((n) =>
              Effect.map(desk.ask("Counted"), (counted) => {
                furthest = Math.max(furthest, counted - n)
              })
            )
          )
          // Those that wait for their taker, those that were taken together, and one in the making.
          assert.isAtMost(furthest, 128 + 128 + 1)
          assert.isAtLeast(furthest, 1)
        })
      ],
      [
        "is interrupted when nobody takes more of it (S56)",
        Effect.gen(function*() {
          const desk = yield* Desk.spawn()
          assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(desk.stream("CountOn"), 3)), [1, 2, 3])
          assert.deepStrictEqual(yield* desk.ask("Await", { lines: 1 }), ["counting is over"])
          const listening = yield* fork(Stream.runDrain(desk.stream("CountOn")))
          yield* Effect.repeat(desk.ask("Counted"), { until: (counted) => counted > 1000 })
          yield* Fiber.interrupt(listening)
          assert.lengthOf(yield* desk.ask("Await", { lines: 2 }), 2)
        })
      ],
      [
        "fails with the declared error, after its elements (S56)",
        Effect.gen(function*() {
          const desk = yield* Desk.spawn()
          const gate = fresh("gate")
          yield* open(gate)
          const seen: Array<number> = []
          const error = yield* desk.stream("CountAtGate", { gate, ending: "fails" }).pipe(
            Stream.runForEach((n) => Effect.sync(() => seen.push(n))),
            Effect.flip
          )
          assert.deepStrictEqual(seen, [1, 2])
          assert.deepInclude(error, { _tag: "Refused", why: "enough" })
          const refused = yield* Effect.flip(Stream.runDrain(desk.stream("RefuseToCount")))
          assert.deepInclude(refused, { _tag: "Refused", why: "no numbers" })
          assert.deepStrictEqual(yield* desk.ask("Notes"), [])
        })
      ],
      [
        "fails when the actor ends, before, meanwhile, or because of it (S56)",
        Effect.gen(function*() {
          const drained = (
            desk: Actor.Ref<typeof Desk>,
            gate: string,
            ending: "ends" | "dies"
          ) => reasonOf(Stream.runDrain(desk.stream("CountAtGate", { ending, gate })))
          const desk = yield* Desk.spawn()
          const gate = fresh("gate")
          const counting = yield* fork(drained(desk, gate, "ends"))
          yield* reached(gate)
          yield* desk.ask("Stop")
          assert.deepStrictEqual(yield* Fiber.join(counting), new ActorEnded({}))
          assert.deepInclude(yield* drained(desk, gate, "ends"), { _tag: "DeadRef" })
          const other = yield* Desk.spawn()
          const opened = fresh("gate")
          yield* open(opened)
          assert.deepInclude(yield* drained(other, opened, "dies"), {
            _tag: "ActorEnded",
            failure: "lost count"
          })
          assert.strictEqual(yield* reason(other.ask("Notes")), "DeadRef")
        })
      ],
      [
        "waits in the stash as any message, and is not made when it is given up or told (S52, S56)",
        Effect.gen(function*() {
          const desk = yield* Desk.spawn()
          const later = yield* fork(Stream.runCollect(desk.stream("CountLater")))
          const givenUp = yield* fork(Stream.runCollect(desk.stream("CountLater")))
          yield* Effect.repeat(desk.ask("Stashed"), { until: (stashed) => stashed === 2 })
          yield* Fiber.interrupt(givenUp)
          yield* desk.tell("CountOn")
          yield* desk.ask("Open")
          assert.deepStrictEqual(yield* Fiber.join(later), [1, 2, 3])
          assert.deepStrictEqual([yield* desk.ask("Counted"), yield* desk.ask("Notes")], [0, ["opened"]])
        })
      ]
    ],
    timers: [
      [
        "tell the actor a message, once and again and again, until they are cancelled (S55)",
        Effect.gen(function*() {
          const desk = yield* Desk.spawn()
          yield* desk.tell("Once", { key: "once", millis: 1, line: "once" })
          assert.deepStrictEqual(yield* desk.ask("Await", { lines: 1 }), ["once"])
          assert.isFalse(yield* desk.ask("Active", { key: "once" }))
          yield* desk.tell("Every", { key: "every", millis: 1, line: "every" })
          yield* desk.ask("Await", { lines: 4 })
          assert.isTrue(yield* desk.ask("Active", { key: "every" }))
          assert.isTrue(yield* desk.ask("Cancel", { key: "every" }))
          assert.isFalse(yield* desk.ask("Cancel", { key: "every" }))
          assert.isFalse(yield* desk.ask("Active", { key: "every" }))
          const { length } = yield* desk.ask("Notes")
          yield* desk.tell("Once", { key: "last", millis: 20, line: "last" })
          const notes = yield* desk.ask("Await", { lines: length + 1 })
          assert.strictEqual(notes.at(-1), "last")
        })
      ]
    ]
  })
})
