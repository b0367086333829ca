import { assert, describe } from "@effect/vitest"
import type { AskError } from "@troupe/runtime/AskError"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { TestClock } from "effect/testing"
import { everywhere, fresh, letters, type Program, reasonOf, totals } from "./fixtures/places.ts"
import { Gate, Money, Refused, Subject, Thrown } from "./fixtures/Subject.ts"

const parcel = {
  money: new Money({ amount: 7 }),
  list: ["a", 1, null, -0.5, ""],
  at: new Date(86_400_000),
  big: -(2n ** 70n),
  bytes: new Uint8Array([0, 255, 7]),
  option: Option.some("some"),
  hostile: { ["__proto__"]: 1, constructor: 2, toString: 3 }
}

/** A reference as it is to those who have no types. */
interface Loose {
  tellUnsafe(tag: string, payload: unknown): boolean
  offer(tag: string, payload: unknown): Effect.Effect<boolean>
  ask(tag: string, payload: unknown): Effect.Effect<unknown, AskError>
}

/** Done when all that this thread has sent is in its mailbox: an answer from every thread comes after it. */
const arrived = Effect.suspend(() =>
  Effect.forEach(
    Array.from({ length: 16 }, () => fresh("arrived")),
    (key) => Effect.flatMap(Subject.keyed(key), (subject) => subject.ask("Numbers")),
    { concurrency: "unbounded" }
  )
)

const sending: ReadonlyArray<Program> = [
  [
    "tell, tellUnsafe and offer arrive in the order in which they were sent (S2, S7)",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      yield* subject.tell("Add", { n: 1 })
      assert.isTrue(subject.tellUnsafe("Add", { n: 2 }))
      assert.isTrue(yield* subject.offer("Add", { n: 3 }))
      yield* subject.ask("Add", { n: 4 })
      assert.deepStrictEqual(yield* subject.ask("Numbers"), [1, 2, 3, 4])
    })
  ],
  [
    "an effect that sends sends each time it is run, and not before",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      const add = subject.tell("Add", { n: 1 })
      assert.deepStrictEqual(yield* subject.ask("Numbers"), [])
      yield* add
      yield* add
      assert.deepStrictEqual(yield* subject.ask("Numbers"), [1, 1])
    })
  ],
  [
    "100,000 messages from one sender arrive in order (S1, S2)",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      for (let n = 0; n < 100_000; n++) subject.tellUnsafe("Add", { n })
      const numbers = yield* subject.ask("Numbers")
      assert.strictEqual(numbers.length, 100_000)
      assert.isTrue(numbers.every((n, i) => n === i))
    })
  ],
  [
    "order holds between messages that are handled plainly and in effects, and one is handled at a time",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      const sent = Array.from({ length: 300 }, (_, n) => n)
      for (const n of sent) subject.tellUnsafe(n % 3 === 0 ? "AddSlowly" : "Add", { n })
      assert.deepStrictEqual(yield* subject.ask("Numbers"), sent)
      assert.strictEqual(yield* subject.ask("Overlaps"), 0)
    })
  ],
  [
    "a class and a default in a payload arrive as equal values of their classes (S4, S5)",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      const answer = yield* subject.ask("Echo", parcel)
      assert.deepStrictEqual(answer, { ...parcel, note: "none" })
      assert.instanceOf(answer.money, Money)
      assert.strictEqual(answer.money.text, "7 EUR")
      assert.strictEqual(answer.hostile["__proto__"], 1)
      const [text, name, fields] = yield* subject.ask("Describe", {
        money: new Money({ amount: 2, currency: "CHF" })
      })
      assert.deepStrictEqual([text, name, fields], ["2 CHF", "Money", "amount,currency"])
    })
  ],
  [
    "messages whose names are those of every object's properties are messages like others",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      assert.strictEqual(yield* subject.ask("__proto__", { n: 1 }), 2)
      assert.strictEqual(yield* subject.ask("constructor"), "constructed")
      assert.strictEqual(yield* subject.ask("toString"), "stringified")
    })
  ],
  [
    "a message that the protocol does not have is a dead letter, an ask of it an InvalidMessage",
    Effect.gen(function*() {
      for (const tag of ["NoSuch", "hasOwnProperty", ""]) {
        const subject = yield* Subject.spawn()
        const dead = yield* letters(1, (letter) => letter.tag === tag)
        const ref = subject as unknown as Loose
        assert.isFalse(ref.tellUnsafe(tag, 1))
        assert.isFalse(yield* ref.offer(tag, 1))
        assert.deepStrictEqual((yield* dead).map(({ actor, reason }) => [actor, reason]), [[
          "Subject",
          "UnknownMessage"
        ]])
        assert.strictEqual((yield* reasonOf(ref.ask(tag, 1)))._tag, "InvalidMessage")
        assert.deepStrictEqual(yield* subject.ask("Numbers"), [])
      }
    })
  ],
  [
    "what was sent was handled or is a dead letter (S1, S10)",
    Effect.gen(function*() {
      const before = yield* totals
      const keys = Array.from({ length: 20 }, () => fresh("counted"))
      const dead = yield* letters(40, ({ key, reason }) => keys.includes(key ?? "") && reason === "Ended")
      let sent = 0
      for (const key of keys) {
        const subject = yield* Subject.keyed(key)
        const gate = yield* Gate.keyed(key)
        // Held, so that what comes after the stop waits behind it.
        const held = yield* Effect.forkChild(subject.ask("Hold", { gate: key }), { startImmediately: true })
        yield* gate.ask("Reached")
        for (let n = 0; n < 10; n++) yield* subject.tell(n % 2 === 0 ? "Add" : "AddSlowly", { n })
        yield* subject.tell("Double", { n: -1 })
        yield* subject.tell("Stop")
        yield* subject.tell("Add", { n: 1 })
        yield* subject.tell("Add", { n: 2 })
        yield* gate.tell("Open")
        yield* Fiber.join(held)
        sent += 1 + 1 + 1 + 10 + 1 + 1 + 2 + 1
      }
      yield* dead
      // Whoever asks after these is behind them.
      for (const key of keys) yield* (yield* Subject.keyed(key)).ask("Numbers")
      sent += keys.length
      const after = yield* totals
      assert.strictEqual(after.handled - before.handled + after.deadLettered - before.deadLettered, sent)
      assert.strictEqual(after.deadLettered - before.deadLettered, 40)
    })
  ]
]

const asking: ReadonlyArray<Program> = [
  [
    "an ask gives the success, plainly and from an effect",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      assert.strictEqual(yield* subject.ask("Double", { n: 21 }), 42)
      assert.strictEqual(yield* subject.ask("DoubleSlowly", { n: 21 }), 42)
    })
  ],
  [
    "an ask of a message without an answer gives undefined when it is handled",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      assert.isUndefined(yield* subject.ask("Add", { n: 1 }))
      assert.isUndefined(yield* subject.ask("AddSlowly", { n: 2 }))
      assert.deepStrictEqual(yield* subject.ask("Numbers"), [1, 2])
    })
  ],
  [
    "an ask fails with the declared error, which keeps the state and does not end the actor",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      yield* subject.tell("Add", { n: 1 })
      for (const tag of ["Double", "DoubleSlowly"] as const) {
        const error = yield* Effect.flip(subject.ask(tag, { n: -1 }))
        assert.instanceOf(error, Refused)
        assert.deepStrictEqual(error, new Refused({ why: "-1 is negative" }))
      }
      const error = yield* Effect.flip(subject.ask("RefuseInEffect"))
      assert.deepStrictEqual(error, new Refused({ why: "on principle" }))
      assert.deepStrictEqual(yield* subject.ask("Numbers"), [1])
    })
  ],
  [
    "a declared error that nobody awaits is an UnheardError, and the message counts as handled",
    Effect.gen(function*() {
      const key = fresh("unheard")
      const subject = yield* Subject.keyed(key)
      const dead = yield* letters(3, (letter) => letter.key === key)
      const before = yield* totals
      yield* subject.tell("Double", { n: -1 })
      yield* subject.tell("DoubleSlowly", { n: -1 })
      yield* subject.tell("RefuseInEffect")
      assert.deepStrictEqual((yield* dead).map(({ reason, tag }) => [reason, tag]), [
        ["UnheardError", "Double"],
        ["UnheardError", "DoubleSlowly"],
        ["UnheardError", "RefuseInEffect"]
      ])
      const after = yield* totals
      assert.strictEqual(after.handled - before.handled, 3)
      assert.strictEqual(after.deadLettered - before.deadLettered, 0)
    })
  ],
  [
    "an answer that is owed comes when it is given, and the first one counts",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      const [kept, broken] = [
        yield* Effect.forkChild(subject.ask("Promise", { id: "kept" }), { startImmediately: true }),
        yield* Effect.forkChild(Effect.flip(subject.ask("Promise", { id: "broken" })), {
          startImmediately: true
        })
      ]
      yield* subject.ask("Break", { id: "broken", why: "changed my mind" })
      yield* subject.ask("Keep", { id: "broken", value: "too late" })
      yield* subject.ask("Keep", { id: "kept", value: "first" })
      yield* subject.ask("Keep", { id: "kept", value: "second" })
      yield* subject.ask("Break", { id: "kept", why: "third" })
      assert.strictEqual(yield* Fiber.join(kept), "first")
      assert.deepStrictEqual(yield* Fiber.join(broken), new Refused({ why: "changed my mind" }))
    })
  ],
  [
    "an owed answer to a tell is owed to nobody",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      yield* subject.tell("Promise", { id: "told" })
      yield* subject.tell("Keep", { id: "told", value: "unheard" })
      assert.deepStrictEqual(yield* subject.ask("Numbers"), [])
    })
  ],
  [
    "an ask whose deadline passes fails with AskTimeout; the late answer is dropped, and the actor goes on",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      const asked = yield* Effect.forkChild(
        reasonOf(subject.ask("Promise", { id: "late" }, { timeout: "3 seconds" })),
        { startImmediately: true }
      )
      yield* subject.ask("Numbers")
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(asked.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Fiber.join(asked), { _tag: "AskTimeout", millis: 3000 })
      yield* subject.ask("Keep", { id: "late", value: "too late" })
      assert.strictEqual(yield* subject.ask("Double", { n: 1 }, { timeout: "1 seconds" }), 2)
    }).pipe(Effect.provide(TestClock.layer()))
  ],
  [
    "interrupting an asker interrupts nothing but it",
    Effect.gen(function*() {
      const key = fresh("interrupted")
      const subject = yield* Subject.spawn()
      const gate = yield* Gate.keyed(key)
      const asker = yield* Effect.forkChild(subject.ask("Hold", { gate: key }), { startImmediately: true })
      yield* gate.ask("Reached")
      yield* Fiber.interrupt(asker)
      const next = yield* Effect.forkChild(subject.ask("Add", { n: 1 }), { startImmediately: true })
      yield* gate.ask("Open")
      yield* Fiber.join(next)
      assert.deepStrictEqual(yield* subject.ask("Numbers"), [1])
    })
  ],
  [
    "1,000 asks at once get each its own answer",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      const answers = yield* Effect.forEach(
        Array.from({ length: 1000 }, (_, n) => n),
        (n) => subject.ask(n % 2 === 0 ? "Double" : "DoubleSlowly", { n }),
        { concurrency: "unbounded" }
      )
      assert.isTrue(answers.every((answer, n) => answer === 2 * n))
    })
  ]
]

const failures: ReadonlyArray<
  readonly [tag: "Crash" | "Die" | "DieSlowly" | "Interrupt" | "NoStep", failure: string]
> = [
  ["Crash", "on purpose"],
  ["Die", "dead"],
  ["DieSlowly", "dead slowly"],
  ["Interrupt", "interrupt"],
  ["NoStep", "neither a step nor an Effect"]
]

const ending: ReadonlyArray<Program> = [
  [
    "a stop answers, and ends the actor (S14)",
    Effect.gen(function*() {
      const silent = yield* Subject.spawn()
      assert.isUndefined(yield* silent.ask("Stop"))
      assert.strictEqual((yield* reasonOf(silent.ask("Numbers")))._tag, "DeadRef")
      for (const tag of ["StopWith", "StopSlowly"] as const) {
        const subject = yield* Subject.spawn()
        assert.strictEqual(yield* subject.ask(tag, { n: 5 }), 5)
        assert.strictEqual((yield* reasonOf(subject.ask("Numbers")))._tag, "DeadRef")
      }
    })
  ],
  [
    "what waits when an actor ends is a dead letter, and its asks fail with ActorEnded",
    Effect.gen(function*() {
      const key = fresh("waiting")
      const subject = yield* Subject.keyed(key)
      const gate = yield* Gate.keyed(key)
      const dead = yield* letters(2, (letter) => letter.key === key)
      const held = yield* Effect.forkChild(subject.ask("Hold", { gate: key }), { startImmediately: true })
      yield* gate.ask("Reached")
      yield* subject.tell("Stop")
      yield* subject.tell("Add", { n: 1 })
      const asked = yield* Effect.forkChild(reasonOf(subject.ask("Numbers")), { startImmediately: true })
      // Order holds for each pair only: the gate may be on another thread than what was sent to the subject.
      yield* arrived
      yield* gate.tell("Open")
      assert.strictEqual(yield* Fiber.join(held), "held")
      const reason = yield* Fiber.join(asked)
      assert.strictEqual(reason._tag, "ActorEnded")
      assert.deepStrictEqual((yield* dead).map(({ actor, reason, tag }) => [actor, reason, tag]), [
        ["Subject", "Ended", "Add"],
        ["Subject", "Ended", "Numbers"]
      ])
    })
  ],
  [
    "what is sent to an actor that has ended is a dead letter, and its asks fail with DeadRef (S8, S22)",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      const dead = yield* letters(
        3,
        ({ actor, key, reason }) => actor === "Subject" && key === undefined && reason === "Ended"
      )
      yield* subject.ask("Stop")
      yield* subject.tell("Add", { n: 1 })
      subject.tellUnsafe("AddSlowly", { n: 2 })
      assert.strictEqual((yield* reasonOf(subject.ask("Numbers")))._tag, "DeadRef")
      assert.deepStrictEqual((yield* dead).map(({ tag }) => tag), ["Add", "AddSlowly", "Numbers"])
    })
  ],
  [
    "an owed answer fails with ActorEnded when the actor ends before it is given",
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      const promised = yield* Effect.forkChild(reasonOf(subject.ask("Promise", { id: "never" })), {
        startImmediately: true
      })
      yield* subject.ask("Stop")
      const reason = yield* Fiber.join(promised)
      assert.deepInclude(reason, { _tag: "ActorEnded" })
    })
  ],
  ...failures.map(([tag, failure]): Program => [
    `${tag} ends the actor, and the ask says why`,
    Effect.gen(function*() {
      const subject = yield* Subject.spawn()
      const reason = yield* reasonOf(subject.ask(tag))
      assert.strictEqual(reason._tag, "ActorEnded")
      assert.include(
        (reason as { readonly failure?: string }).failure?.toLowerCase() ?? "",
        failure.toLowerCase()
      )
      assert.strictEqual((yield* reasonOf(subject.ask("Numbers")))._tag, "DeadRef")
    })
  ]),
  ...Thrown.literals.map((what): Program => [
    `a handler that throws ends its actor and nothing else: ${what}`,
    Effect.gen(function*() {
      const [subject, other] = [yield* Subject.spawn(), yield* Subject.spawn()]
      const reason = yield* reasonOf(subject.ask("Throw", { what }))
      assert.strictEqual(reason._tag, "ActorEnded")
      assert.strictEqual((yield* reasonOf(subject.ask("Numbers")))._tag, "DeadRef")
      assert.strictEqual(yield* other.ask("Double", { n: 1 }), 2)
    })
  ])
]

const keyed: ReadonlyArray<Program> = [
  [
    "a key has one incarnation, whoever addresses it",
    Effect.gen(function*() {
      const key = fresh("one")
      const byKey = yield* Subject.byKey
      yield* (yield* Subject.keyed(key)).ask("Add", { n: 1 })
      yield* byKey(key).ask("Add", { n: 2 })
      assert.deepStrictEqual(yield* (yield* Subject.keyed(key)).ask("Numbers"), [1, 2])
      assert.strictEqual(byKey(key).key, key)
      assert.strictEqual(byKey(key).name, "Subject")
    })
  ],
  ...[
    "",
    " ",
    "__proto__",
    "constructor",
    "toString",
    "a/b/c",
    "worker-1",
    "\u0000",
    "äöü€😀",
    "x".repeat(5000)
  ].map(
    (hostile): Program => [
      `a key may be ${JSON.stringify(hostile.slice(0, 12))}`,
      Effect.gen(function*() {
        const subject = yield* Subject.keyed(hostile)
        assert.strictEqual(yield* subject.ask("Key"), hostile)
      })
    ]
  ),
  [
    "1,000 keys are 1,000 actors",
    Effect.gen(function*() {
      const name = fresh("many")
      const byKey = yield* Subject.byKey
      for (let n = 0; n < 1000; n++) byKey(`${name}-${n}`).tellUnsafe("Add", { n })
      const numbers = yield* Effect.forEach(
        Array.from({ length: 1000 }, (_, n) => n),
        (n) => byKey(`${name}-${n}`).ask("Numbers"),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(numbers, Array.from({ length: 1000 }, (_, n) => [n]))
    })
  ],
  ...(["Stop", "Crash", "Die", "DieSlowly"] as const).map((tag): Program => [
    `a key is made anew after ${tag}, with nothing of the old state`,
    Effect.gen(function*() {
      const subject = yield* Subject.keyed(fresh("anew"))
      for (let life = 0; life < 3; life++) {
        yield* subject.ask("Add", { n: life })
        yield* Effect.exit(subject.ask(tag))
        assert.deepStrictEqual(yield* subject.ask("Numbers"), [])
      }
    })
  ]),
  [
    "the answer to a stop is the old incarnation's last word: what follows it reaches the new one (S14, S24)",
    Effect.gen(function*() {
      const subject = yield* Subject.keyed(fresh("last"))
      for (let life = 0; life < 20; life++) {
        assert.strictEqual(yield* subject.ask(life % 2 === 0 ? "StopWith" : "StopSlowly", { n: life }), life)
        yield* subject.tell("Add", { n: life })
        assert.deepStrictEqual(yield* subject.ask("Numbers"), [life])
      }
    })
  ]
]

describe("Actor", () => everywhere({ sending, asking, ending, keyed }))
