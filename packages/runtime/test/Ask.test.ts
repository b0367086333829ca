import { assert, describe, it } from "@effect/vitest"
import type * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Ask from "@troupe/runtime/Ask"
import { AskError } from "@troupe/runtime/AskError"
import * as Group from "@troupe/runtime/Group"
import { QuorumError } from "@troupe/runtime/QuorumError"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Num from "effect/Number"
import * as Reducer from "effect/Reducer"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Str from "effect/String"
import * as fc from "fast-check"
import { TestClock } from "effect/testing"
import { Oracle, Unclear } from "./fixtures/Oracle.ts"
import { OracleLive } from "./fixtures/oracleLive.ts"

type Ref = Actor.Ref<typeof Oracle>

const system = Layer.provideMerge(OracleLive, ActorSystem.layer).pipe(
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
)

const spawn = (
  count: number
): Effect.Effect<ReadonlyArray<Ref>, never, Effect.Services<ReturnType<typeof Oracle.spawn>>> =>
  Effect.orDie(Effect.all(Array.from({ length: count }, () => Oracle.spawn())))

const two = Effect.map(spawn(2), ([a, b]) => [a!, b!] as const)

/** Waits until what was to come has come. */
const settle = (ref: Ref) => Effect.repeat(Effect.andThen(ref.ask("Asked"), Effect.yieldNow), { times: 5 })

const reason = (error: unknown): string | undefined =>
  error instanceof AskError ? error.reason._tag : undefined

describe("Ask", () => {
  describe("all", () => {
    it.effect("gives the answers in the shape of the asks: a tuple, a record, an array of an iterable (S70)", () =>
      Effect.gen(function*() {
        const [a, b] = yield* two
        const tuple: [number, string] = yield* Ask.all([
          a.ask("Now", { n: 1 }),
          b.ask("Text", { text: "two" })
        ])
        assert.deepStrictEqual(tuple, [1, "two"])
        const record: { n: number; text: string } = yield* Ask.all({
          text: b.ask("Text", { text: "two" }),
          n: a.ask("Now", { n: 1 })
        })
        assert.deepStrictEqual(record, { text: "two", n: 1 })
        const array: Array<number> = yield* Ask.all(new Set([a.ask("Now", { n: 1 }), b.ask("Now", { n: 2 })]))
        assert.deepStrictEqual(array, [1, 2])
        assert.deepStrictEqual(yield* Ask.all([]), [])
        assert.deepStrictEqual(yield* Ask.all({}), {})
      }).pipe(Effect.provide(system)))

    it.effect("asks all of them before it waits for one, and no more at a time than it may", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const asks = [1, 2, 3, 4, 5].map((n) => a.ask("Held", { n }))
        const all = yield* Effect.forkChild(Ask.all(asks))
        yield* settle(a)
        assert.deepStrictEqual(yield* a.ask("Asked"), [1, 2, 3, 4, 5])
        yield* a.tell("Release", { count: 5 })
        assert.deepStrictEqual(yield* Fiber.join(all), [1, 2, 3, 4, 5])
        const some = yield* Effect.forkChild(Ask.all(asks, { concurrency: 2 }))
        yield* settle(a)
        assert.deepStrictEqual((yield* a.ask("Asked")).slice(5), [1, 2])
        yield* a.tell("Release", { count: 1 })
        yield* settle(a)
        assert.deepStrictEqual((yield* a.ask("Asked")).slice(5), [1, 2, 3])
        for (const _ of asks) {
          yield* a.tell("Release", { count: 5 })
          yield* settle(a)
        }
        assert.deepStrictEqual(yield* Fiber.join(some), [1, 2, 3, 4, 5])
      }).pipe(Effect.provide(system)))

    it.effect("fails with the first failure, whatever kind of failure it is (S70)", () =>
      Effect.gen(function*() {
        const [a, b] = yield* two
        const declared = yield* Effect.flip(Ask.all([a.ask("Held", { n: 1 }), b.ask("Unclear", { n: 7 })]))
        assert.deepStrictEqual(declared, new Unclear({ n: 7 }))
        const defect = yield* Effect.exit(Ask.all([a.ask("Held", { n: 1 }), Effect.die("no")]))
        assert.isTrue(Exit.hasDies(defect))
        yield* b.ask("End")
        const dead = yield* Effect.flip(Ask.all([a.ask("Held", { n: 1 }), b.ask("Now", { n: 1 })]))
        assert.strictEqual(reason(dead), "DeadRef")
      }).pipe(Effect.provide(system)))

    it.effect("fails with AskTimeout when its deadline passes, and names who has not answered (S70)", () =>
      Effect.gen(function*() {
        const [a, b] = yield* two
        const fiber = yield* Effect.forkChild(
          Ask.all([b.ask("Now", { n: 1 }), a.ask("Held", { n: 1 }), a.ask("Held", { n: 2 })], {
            timeout: 100
          })
        )
        yield* settle(a)
        yield* TestClock.adjust(99)
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust(1)
        const error = yield* Effect.flip(Fiber.join(fiber))
        assert.strictEqual(error.message, "ask Held of Oracle: no answer within 100 ms")
      }).pipe(Effect.provide(system)))

    it.effect("needs no clock for what is answered at once", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const none = { ...(yield* Clock.Clock), sleep: () => Effect.die("slept") }
        const answers = Ask.all([a.ask("Now", { n: 1 }), a.ask("Now", { n: 2 })], { timeout: 100 })
        assert.deepStrictEqual(yield* Effect.provideService(answers, Clock.Clock, none), [1, 2])
        const one = a.ask("Now", { n: 1 }, { timeout: 100 })
        assert.strictEqual(yield* Effect.provideService(one, Clock.Clock, none), 1)
      }).pipe(Effect.provide(system)))
  })

  describe("settled", () => {
    it.effect("says of each how it ended, and never fails (S71)", () =>
      Effect.gen(function*() {
        const [a, b] = yield* two
        yield* b.ask("End")
        const { dead, declared, fine, late } = yield* TestClock.withLive(
          Ask.settled({
            fine: a.ask("Now", { n: 1 }),
            declared: a.ask("Unclear", { n: 2 }),
            dead: b.ask("Now", { n: 3 }),
            late: a.ask("Held", { n: 4 })
          }, { timeout: 5 })
        )
        assert.deepStrictEqual(fine, Result.succeed(1))
        assert.deepStrictEqual(declared, Result.fail(new Unclear({ n: 2 })))
        assert.strictEqual(Result.isFailure(dead) && reason(dead.failure), "DeadRef")
        assert.strictEqual(Result.isFailure(late) && reason(late.failure), "AskTimeout")
      }).pipe(Effect.provide(system)))

    it.effect("says of those that were not even asked that they are late, too", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const asks = [1, 2, 3].map((n) => a.ask("Held", { n }))
        const fiber = yield* Effect.forkChild(Ask.settled(asks, { timeout: 10, concurrency: 1 }))
        yield* settle(a)
        yield* TestClock.adjust(10)
        const results = yield* Fiber.join(fiber)
        assert.deepStrictEqual(
          results.map((result) => Result.isFailure(result) && result.failure.message),
          [1, 2, 3].map(() => "ask Held of Oracle: no answer within 10 ms")
        )
        assert.deepStrictEqual(yield* a.ask("Asked"), [1])
      }).pipe(Effect.provide(system)))

    it.effect("lets defects through: they are nobody's answer", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const exit = yield* Effect.exit(Ask.settled([a.ask("Held", { n: 1 }), Effect.die("no")]))
        assert.isTrue(Exit.hasDies(exit))
      }).pipe(Effect.provide(system)))
  })

  describe("quorum", () => {
    it.effect("gives the first answers, in the order in which they come (S72)", () =>
      Effect.gen(function*() {
        const [a, b] = yield* two
        const asks = [a.ask("Held", { n: 1 }), b.ask("Now", { n: 2 }), b.ask("Now", { n: 3 })]
        assert.deepStrictEqual(yield* Ask.quorum(asks), [2, 3])
        assert.deepStrictEqual(yield* Ask.quorum(asks, { needed: 1 }), [2])
        assert.deepStrictEqual(yield* Ask.quorum(asks, { needed: 0 }), [])
      }).pipe(Effect.provide(system)))

    it.effect("fails as soon as there cannot be enough, and says why each failed (S72)", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const asks = [a.ask("Unclear", { n: 1 }), a.ask("Held", { n: 2 }), a.ask("Unclear", { n: 3 })]
        const error = yield* Effect.flip(Ask.quorum(asks))
        assert.deepStrictEqual(
          error,
          new QuorumError({
            needed: 2,
            of: 3,
            answers: 0,
            failures: [new Unclear({ n: 1 }), new Unclear({ n: 3 })]
          })
        )
        assert.match(error.message, /^0 of 3 answers came, and 2 were needed/)
      }).pipe(Effect.provide(system)))

    it.effect("asks nobody where too few could answer", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const error = yield* Effect.flip(Ask.quorum([a.ask("Held", { n: 1 })], { needed: 2 }))
        assert.deepStrictEqual(error, new QuorumError({ needed: 2, of: 1, answers: 0, failures: [] }))
        assert.strictEqual(
          (yield* Effect.flip(Ask.quorum(new Set<Effect.Effect<number>>())))._tag,
          "QuorumError"
        )
        assert.deepStrictEqual(yield* a.ask("Asked"), [])
      }).pipe(Effect.provide(system)))

    it.effect("fails with AskTimeout when its deadline passes first", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const asks = [a.ask("Held", { n: 1 }), a.ask("Now", { n: 2 })]
        const error = yield* TestClock.withLive(Effect.flip(Ask.quorum(asks, { timeout: 5 })))
        assert.strictEqual(reason(error), "AskTimeout")
      }).pipe(Effect.provide(system)))
  })

  describe("race", () => {
    it.effect("gives the first answer; failures do not end it", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        assert.strictEqual(
          yield* Ask.race([a.ask("Held", { n: 1 }), a.ask("Unclear", { n: 2 }), a.ask("Now", { n: 3 })]),
          3
        )
        const error = yield* Effect.flip(Ask.race([a.ask("Unclear", { n: 1 }), a.ask("Unclear", { n: 2 })]))
        assert.deepStrictEqual(error._tag === "QuorumError" && error.failures.length, 2)
      }).pipe(Effect.provide(system)))

    it.effect("leaves nothing of its losers behind: their answers are dropped, their fibers interrupted (S73)", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const released = yield* Deferred.make<void>()
        const slow = Effect.onInterrupt(Effect.never, () => Deferred.succeed(released, undefined))
        assert.strictEqual(yield* Ask.race([slow, a.ask("Held", { n: 1 }), a.ask("Now", { n: 2 })]), 2)
        // Before the race is over.
        assert.isTrue(yield* Deferred.isDone(released))
        yield* a.tell("Release", { count: 1 })
        assert.strictEqual(yield* a.ask("Now", { n: 3 }), 3)
        const { deadLettered, handled, sent } = (yield* (yield* ActorSystem.ActorSystem).stats)[0]!
        assert.deepStrictEqual([sent, deadLettered], [handled, 0])
      }).pipe(Effect.provide(system)))
  })

  describe("hedge", () => {
    it.effect("asks one more each time that it has waited for long, and takes the first answer (S72)", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const asks = [1, 2, 3].map((n) => a.ask("Held", { n }))
        const fiber = yield* Effect.forkChild(Ask.hedge(asks, { after: 20 }))
        const asked = Effect.andThen(settle(a), a.ask("Asked"))
        assert.deepStrictEqual(yield* asked, [1])
        yield* TestClock.adjust(19)
        assert.deepStrictEqual(yield* asked, [1])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* asked, [1, 2])
        yield* TestClock.adjust(20)
        assert.deepStrictEqual(yield* asked, [1, 2, 3])
        yield* a.tell("Release", { count: 1 })
        assert.strictEqual(yield* Fiber.join(fiber), 1)
      }).pipe(Effect.provide(system)))

    it.effect("asks the next at once when one fails, and only the first when that answers", () =>
      Effect.gen(function*() {
        const [a, b] = yield* two
        const next = [a.ask("Unclear", { n: 1 }), a.ask("Now", { n: 2 }), b.ask("Now", { n: 3 })]
        assert.strictEqual(yield* Ask.hedge(next, { after: "1 hour" }), 2)
        assert.strictEqual(
          yield* Ask.hedge([a.ask("Now", { n: 1 }), b.ask("Held", { n: 2 })], { after: 1 }),
          1
        )
        assert.deepStrictEqual(yield* b.ask("Asked"), [])
      }).pipe(Effect.provide(system)))

    it.effect("fails when all have failed, or the deadline passes", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const failed = yield* Effect.flip(
          Ask.hedge([a.ask("Unclear", { n: 1 }), a.ask("Unclear", { n: 2 })], { after: 1 })
        )
        assert.strictEqual(failed._tag === "QuorumError" && failed.failures.length, 2)
        const late = yield* TestClock.withLive(
          Effect.flip(Ask.hedge([a.ask("Held", { n: 1 })], { after: 1, timeout: 5 }))
        )
        assert.strictEqual(reason(late), "AskTimeout")
      }).pipe(Effect.provide(system)))
  })

  describe("interruption", () => {
    it.effect("gives up all that is under way, and waits for the fibers among it (S73)", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        let ended = 0
        const slow = Effect.onInterrupt(
          Effect.never,
          () => Effect.andThen(Effect.yieldNow, Effect.sync(() => ended++))
        )
        const fiber = yield* Effect.forkChild(Ask.all([slow, a.ask("Held", { n: 1 }), slow]))
        yield* settle(a)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(ended, 2)
        yield* a.ask("Release", { count: 1 })
      }).pipe(Effect.provide(system)))
  })

  describe("reduce", () => {
    it.effect("combines in the order of those asked, whatever the order of the answers (S74)", () =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            fc.array(fc.nat(20), { maxLength: 30 }),
            fc.integer({ min: 1, max: 8 }),
            (delays, concurrency) =>
              Effect.gen(function*() {
                let under = 0
                let most = 0
                const ask = (delay: number, i: number) =>
                  Effect.suspend(() => {
                    most = Math.max(most, ++under)
                    return Effect.as(
                      Effect.repeat(Effect.yieldNow, { times: delay }),
                      `${i} `
                    )
                  }).pipe(Effect.ensuring(Effect.sync(() => under--)))
                const ordered = yield* Ask.reduce(delays, ask, Str.ReducerConcat, { concurrency })
                assert.strictEqual(ordered, delays.map((_, i) => `${i} `).join(""))
                const any = yield* Ask.reduce(delays, ask, Str.ReducerConcat, {
                  concurrency,
                  unordered: true
                })
                assert.deepStrictEqual(any.split(" ").sort(), ordered.split(" ").sort())
                assert.isAtMost(most, concurrency)
                assert.strictEqual(under, 0)
              }).pipe(Effect.runPromise)
          ),
          { numRuns: 50 }
        )
      ))

    it.effect("reads an endless iterable only as far as it has room for questions, and keeps no answers", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        let read = 0
        const endless = function*() {
          while (true) yield read++
        }
        const fiber = yield* Effect.forkChild(
          Ask.reduce(endless(), (n) => a.ask("Held", { n }), Num.ReducerSum, { concurrency: 4 })
        )
        yield* settle(a)
        assert.strictEqual(read, 4)
        yield* a.tell("Release", { count: 2 })
        yield* settle(a)
        assert.strictEqual(read, 6)
        yield* Fiber.interrupt(fiber)
        yield* a.ask("Release", { count: 9 })
        assert.strictEqual(read, 6)
      }).pipe(Effect.provide(system)))

    it.effect("fails with the first failure, with what the reducer throws, and with what the iterable throws", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const ask = (n: number) => n === 3 ? a.ask("Unclear", { n }) : a.ask("Now", { n })
        assert.deepStrictEqual(
          yield* Effect.flip(Ask.reduce([1, 2, 3, 4], ask, Num.ReducerSum)),
          new Unclear({ n: 3 })
        )
        const thrower = Reducer.make<number>(() => {
          throw new Error("no sum")
        }, 0)
        assert.isTrue(Exit.hasDies(yield* Effect.exit(Ask.reduce([1], ask, thrower))))
        const broken = function*() {
          yield 1
          throw new Error("no more")
        }
        assert.isTrue(Exit.hasDies(yield* Effect.exit(Ask.reduce(broken(), ask, Num.ReducerSum))))
        assert.strictEqual(yield* Ask.reduce([], ask, Num.ReducerSum), 0)
      }).pipe(Effect.provide(system)))

    it.effect("fails with AskTimeout when its deadline passes", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const error = yield* TestClock.withLive(Effect.flip(
          Ask.reduce([1], (n) => a.ask("Held", { n }), Num.ReducerSum, { timeout: 5 })
        ))
        assert.strictEqual(reason(error), "AskTimeout")
      }).pipe(Effect.provide(system)))

    it.effect("asks the members of a group", () =>
      Effect.gen(function*() {
        const oracles = Group.make("oracles", Oracle.protocol)
        for (const member of yield* spawn(5)) yield* Group.join(oracles, member)
        const members = yield* Group.members(oracles)
        assert.strictEqual(
          yield* Ask.reduce(members, (member, n) => member.ask("Now", { n }), Num.ReducerSum),
          10
        )
      }).pipe(Effect.scoped, Effect.provide(system)))

    it.effect("asks thousands without exhausting the stack", () =>
      Effect.gen(function*() {
        const [a, b] = yield* two
        yield* b.ask("End")
        const ns = Array.from({ length: 20_000 }, (_, n) => n)
        const sum = yield* Ask.reduce(ns, (n) => a.ask("Now", { n }), Num.ReducerSum)
        assert.strictEqual(sum, 199_990_000)
        const dead = yield* Ask.settled(ns.map((n) => b.ask("Now", { n })))
        assert.strictEqual(dead.filter(Result.isFailure).length, ns.length)
      }).pipe(Effect.provide(system)))
  })

  describe("scan", () => {
    it.effect("gives partial results as they come, the last of which is the result (S74)", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const seen: Array<Ask.Progress<number>> = []
        const fiber = yield* Ask.scan([1, 2, 3], (n) => a.ask("Held", { n }), Num.ReducerSum).pipe(
          Stream.runForEach((partial) => Effect.sync(() => seen.push(partial))),
          Effect.forkChild
        )
        for (const sum of [1, 3, 6]) {
          yield* settle(a)
          yield* a.tell("Release", { count: 1 })
          yield* settle(a)
          assert.strictEqual(seen.at(-1)?.value, sum)
        }
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(seen.map(({ answers }) => answers), [1, 2, 3])
        const none = yield* Stream.runCollect(Ask.scan([], () => Effect.succeed(1), Num.ReducerSum))
        assert.deepStrictEqual(none, [{ value: 0, answers: 0 }])
      }).pipe(Effect.provide(system)))

    it.effect("does not wait for whoever reads it: a slow reader gets fewer", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        const partials = yield* Stream.runCollect(
          Ask.scan([1, 2, 3, 4], (n) => a.ask("Now", { n }), Num.ReducerSum)
        )
        assert.deepStrictEqual(partials, [{ value: 10, answers: 4 }])
      }).pipe(Effect.provide(system)))

    it.effect("gives up what is under way when its reader stops, or when one fails (S73)", () =>
      Effect.gen(function*() {
        const [a] = yield* two
        let ended = 0
        const slow = Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended++))
        const asks: ReadonlyArray<Effect.Effect<number, AskError | string>> = [a.ask("Now", { n: 1 }), slow]
        const head = yield* Stream.runHead(Ask.scan(asks, (ask) => ask, Num.ReducerSum))
        assert.deepStrictEqual(head._tag === "Some" && head.value, { value: 1, answers: 1 })
        assert.strictEqual(ended, 1)
        const seen: Array<number> = []
        const failing = [...asks, Effect.andThen(Effect.yieldNow, Effect.fail("no"))]
        const error = yield* Ask.scan(failing, (ask) => ask, Num.ReducerSum).pipe(
          Stream.runForEach(({ value }) => Effect.sync(() => seen.push(value))),
          Effect.flip
        )
        assert.deepStrictEqual([error, ended, seen], ["no", 2, [1]])
      }).pipe(Effect.provide(system)))
  })
})
