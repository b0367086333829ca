/** Keyed actors under a policy: each key by itself. */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem } from "@troupe/runtime"
import { Data, Effect, Exit, Layer, Logger, References, Schedule, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import { RestartPolicy, Supervisor } from "../src/index.ts"

class Small extends Data.TaggedError("Small") {}

const Cell = Actor.make("Cell", {
  protocol: RpcGroup.make(
    Rpc.make("Add", { payload: { n: Schema.Int } }),
    Rpc.make("Total", { success: Schema.Int }),
    Rpc.make("Crash"),
    Rpc.make("Throw"),
    Rpc.make("Stop")
  )
})

/** How many of the next starts fail. */
let failing = 0

const CellLive = Cell.toLayer({
  state: Schema.Int,
  initial: () => Effect.suspend(() => failing-- > 0 ? Effect.die(new Error("no start")) : Effect.succeed(0)),
  handlers: {
    Add: (total, { n }) => Actor.next(total + n),
    Total: (total) => Actor.reply(total, total),
    Crash: () => Actor.crash(new Small()),
    Throw: () => {
      throw new Error("thrown")
    },
    Stop: () => Actor.stop()
  }
})

const spaced = RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.spaced("1 second")))

/** Cells under a policy, and what the log says of them. */
const under = <A, E>(
  policy: RestartPolicy.RestartPolicy,
  program: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, Actor.Hosted<"Cell">>,
  options?: Parameters<typeof Supervisor.layerKeys>[1]
) =>
  Effect.suspend(() => {
    failing = 0
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      lines.push(`${logLevel} ${[message].flat().filter((part) => typeof part === "string").join(" ")}`)
    })
    return program(lines).pipe(
      Effect.provide(
        CellLive.pipe(
          Layer.provide(Supervisor.layerKeys(policy, options)),
          Layer.provideMerge(ActorSystem.layer),
          Layer.provide(
            Layer.mergeAll(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "Warn"))
          )
        )
      )
    )
  })

const settled = Effect.repeat(Effect.yieldNow, { times: 10 })

describe("Supervisor.layerKeys", () => {
  it.effect("each key has its own fate, and keeps its mailbox while it waits to be restarted", () =>
    under(
      RestartPolicy.tag("Small", "resume").pipe(RestartPolicy.orElse(spaced)),
      (lines) =>
        Effect.gen(function*() {
          const [a, b] = [yield* Cell.keyed("a"), yield* Cell.keyed("b")]
          for (const cell of [a, b]) yield* cell.tell("Add", { n: 1 })
          yield* a.tell("Crash")
          assert.strictEqual(yield* a.ask("Total"), 1)
          yield* a.tell("Throw")
          yield* a.tell("Add", { n: 5 })
          const asked = yield* Effect.forkChild(a.ask("Total"))
          assert.strictEqual(yield* b.ask("Total"), 1)
          yield* TestClock.adjust("999 millis")
          assert.isUndefined(asked.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          assert.strictEqual(yield* a.ask("Total"), 5)
          assert.include(lines, "Warn Cell a failed, restart: thrown")
        })
    ))

  it.effect("with whileDown: refuse a key answers Restarting while it is down", () =>
    under(spaced, () =>
      Effect.gen(function*() {
        const a = yield* Cell.keyed("a")
        yield* a.tell("Throw")
        yield* settled
        assert.strictEqual((yield* Effect.flip(a.ask("Total"))).reason._tag, "Restarting")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* a.ask("Total"), 0)
      }), { whileDown: "refuse" }))

  for (
    const [sentence, policy] of [
      ["stop", RestartPolicy.stop],
      ["escalate", RestartPolicy.escalate],
      [
        "a schedule that is done",
        RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.recurs(0), { whenDone: "stop" }))
      ],
      [
        "a schedule that is done and escalates",
        RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.recurs(0)))
      ]
    ] as const
  ) {
    it.effect(`under ${sentence} a key ends with what waits, and its next message finds another one`, () =>
      under(policy, (lines) =>
        Effect.gen(function*() {
          const a = yield* Cell.keyed("a")
          yield* a.tell("Add", { n: 3 })
          a.tellUnsafe("Throw")
          const waits = yield* Effect.forkChild(Effect.exit(a.ask("Total")), { startImmediately: true })
          yield* settled
          assert.isTrue(Exit.isFailure(yield* Effect.flatten(Effect.sync(() => waits.pollUnsafe()!))))
          assert.strictEqual(yield* a.ask("Total"), 0)
          // There is nobody above a key but the log.
          const escalated = sentence.includes("escalate")
          assert.strictEqual(lines.some((line) => line.includes("nobody is above it")), escalated)
        })))
  }

  it.effect("one that stops of itself lives again on its next message, whatever the policy", () =>
    under(RestartPolicy.escalate, (lines) =>
      Effect.gen(function*() {
        const a = yield* Cell.keyed("a")
        yield* a.tell("Add", { n: 3 })
        yield* a.tell("Stop")
        yield* settled
        assert.strictEqual(yield* a.ask("Total"), 0)
        assert.deepStrictEqual(lines, [])
      })))

  it.effect("a restart that fails is a failure again, by the schedule's next step; good time begins it anew", () =>
    under(
      RestartPolicy.restart.pipe(
        RestartPolicy.withSchedule(Schedule.exponential("1 second"), { resetAfter: "1 minute" })
      ),
      () =>
        Effect.gen(function*() {
          const a = yield* Cell.keyed("a")
          yield* a.tell("Add", { n: 1 })
          failing = 1
          yield* a.tell("Throw")
          const asked = yield* Effect.forkChild(a.ask("Total"))
          // One second, and it does not start; two more.
          yield* TestClock.adjust("2999 millis")
          assert.isUndefined(asked.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          assert.strictEqual(yield* a.ask("Total"), 0)
          yield* TestClock.adjust("1 minute")
          yield* a.tell("Throw")
          const again = yield* Effect.forkChild(a.ask("Total"))
          yield* TestClock.adjust("1 second")
          yield* settled
          assert.deepStrictEqual(again.pollUnsafe(), Exit.succeed(0))
        })
    ))
})
