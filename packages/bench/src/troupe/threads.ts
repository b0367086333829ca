/** Troupe's scenarios between threads; how long an idle thread looks for messages is up to their files. */
import type * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import type { PoolError } from "@troupe/runtime/PoolError"
import type { WorkerPool } from "@troupe/runtime/WorkerPool"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { now } from "../baselines/MessagePort.ts"
import * as Scenario from "../Scenario.ts"
import * as Statistics from "../Statistics.ts"
import * as Tally from "../Tally.ts"
import { Receiver, type ReceiverRef } from "./Receiver.ts"
import { bursts, Sender } from "./Sender.ts"

/** How long an idle thread looks for messages before it sleeps: not at all, as long as a scenario takes, or the default. */
export type Spin = "0 micros" | "1 minute" | "default"

type Hosted = Actor.Hosted<"Receiver"> | Actor.Hosted<"Sender">

/** Sets up within a pool of its own, which ends with the scenario's scope. */
const inPool = <A, E, R>(
  options: { readonly workers: number; readonly spin: Spin },
  setup: Effect.Effect<A, E, R>
): Effect.Effect<A, E | PoolError, Exclude<R, Hosted | ActorSystem.ActorSystem | WorkerPool> | Scope.Scope> =>
  Effect.flatMap(
    Layer.build(ActorSystem.layerWorkers({
      entry: new URL("../entry/troupe.ts", import.meta.url),
      hosts: [Receiver, Sender],
      workers: options.workers,
      spin: options.spin === "default" ? undefined : options.spin
    })),
    (context) => Effect.provideContext(setup, context)
  )

const params = { handler: "plain", content: "16 B" }

/** Bursts of messages from this thread to an actor on a worker, until it has answered what it received. */
export const telling = (spin: Spin): Scenario.Scenario =>
  Scenario.throughput({
    multipleOf: Tally.burst,
    params: { face: "tellUnsafe", ...params, workers: 1, spin, burst: Tally.burst },
    setup: inPool(
      { workers: 1, spin },
      Effect.map(Receiver.spawn(), (receiver) => ({
        run: (messages: number) => bursts(receiver, messages),
        check: (tally: Tally.Tally, messages: number) => Tally.check([tally], Tally.bursts(messages))
      }))
    )
  })

/** A key of a receiver that does not live on the sender's thread: where keys live, the system decides. */
const keyElsewhere = Effect.fnUntraced(function*(thread: number) {
  for (let n = 0; n < 64; n++) {
    const receiver = yield* Receiver.keyed(String(n))
    if ((yield* receiver.ask("Thread")) !== thread) return String(n)
  }
  return yield* new Scenario.Mismatch({ what: "threads of 64 keys", expected: "2", actual: "1" })
})

/** The same from an actor on one worker to an actor on the other one. */
export const tellingFromWorker = (spin: Spin): Scenario.Scenario =>
  Scenario.throughput({
    multipleOf: Tally.burst,
    params: {
      face: "tellUnsafe, in a handler on a worker",
      ...params,
      workers: 2,
      spin,
      burst: Tally.burst
    },
    setup: inPool(
      { workers: 2, spin },
      Effect.gen(function*() {
        const sender = yield* Sender.keyed("sender")
        const key = yield* keyElsewhere(yield* sender.ask("Thread"))
        return {
          run: (messages: number) => sender.ask("Send", { key, messages }),
          check: (tally: Tally.Tally, messages: number) => Tally.check([tally], Tally.bursts(messages))
        }
      })
    )
  })

export const askingParams = (spin: Spin, open: number): Scenario.Params => ({
  face: "yield* ask",
  ...params,
  workers: 1,
  spin,
  open
})

/** Questions to one actor, `open` at a time, each asked when the one before it is answered. */
export const questions = (spin: Spin, open: number) =>
  inPool(
    { workers: 1, spin },
    Effect.map(Receiver.spawn(), (receiver) => {
      const askers = Array.from({ length: open }, (_, asker) => asker)
      return {
        run: Effect.fnUntraced(function*(questions: number) {
          yield* receiver.tell("Reset")
          let answers = Tally.zero
          // The numbers from 1 to `questions`, each asked once.
          const ask = Effect.fnUntraced(function*(asker: number) {
            for (let n = asker + 1; n <= questions; n += open) {
              // Not in one expression: the others' answers come while this one is waited for.
              const answer = yield* receiver.ask("Echo", { n, at: n })
              answers = Tally.add(answers, answer)
            }
          })
          yield* Effect.forEach(askers, ask, { concurrency: "unbounded", discard: true })
          return answers
        }),
        check: (answers: Tally.Tally, questions: number) =>
          Effect.andThen(
            Tally.check([answers], Tally.countdown(questions)),
            Effect.flatMap(receiver.ask("Read"), (tally) => Tally.check([tally], Tally.countdown(questions)))
          )
      }
    })
  )

export const asking = (spin: Spin, open: number): Scenario.Scenario =>
  Scenario.duration({
    multipleOf: open,
    params: askingParams(spin, open),
    setup: questions(spin, open)
  })

/** Waits by giving this thread's other tasks their turn, not by sleeping: a timer's millisecond is too coarse. */
const waitUntil = (time: number): Effect.Effect<void> =>
  Effect.whileLoop({
    while: () => now() < time,
    body: () => Effect.yieldNow,
    step: () => {}
  })

/** Messages told at a steady pace, one every `pace` nanoseconds, and their ages when they arrived. */
const ages = Effect.fnUntraced(function*(receiver: ReceiverRef, messages: number, pace: number) {
  yield* receiver.tell("Reset")
  for (let n = 1; n <= messages; n++) {
    yield* waitUntil(now() + pace)
    receiver.tellUnsafe("Age", { n, at: now() })
  }
  const ages = yield* receiver.ask("Ages")
  yield* Tally.check([yield* receiver.ask("Read")], Tally.countdown(messages))
  yield* Scenario.expect(
    "messages that arrived before they were sent",
    ages.filter((age) => age < 0).length,
    0
  )
  return ages
})

/**
 * The age of a message on arrival, told at a pace at which each finds an idle thread. A sample is a median. `slept` is
 * the share of the time that the receiving thread slept: it must have where threads are not to look for messages.
 */
export const oneWay = (
  options: { readonly spin: Spin; readonly messages: number; readonly pace: number }
): Scenario.Scenario =>
  Scenario.measured({
    unit: "ns",
    better: "lower",
    params: {
      face: "tellUnsafe",
      ...params,
      workers: 1,
      ...options,
      clock: "hrtime, sent in the message and read on arrival"
    },
    setup: inPool(
      { workers: 1, spin: options.spin },
      Effect.map(Receiver.spawn(), (receiver) => {
        const all: Array<number> = []
        const shares: Array<number> = []
        return {
          sample: Effect.gen(function*() {
            const before = yield* receiver.ask("Slept")
            const start = performance.now()
            const taken = yield* ages(receiver, options.messages, options.pace)
            const share = ((yield* receiver.ask("Slept")) - before) / (performance.now() - start)
            yield* Scenario.expect(
              "whether the receiving thread slept",
              String(share > 0.05),
              String(options.spin === "0 micros")
            )
            all.push(...taken)
            shares.push(share)
            return Statistics.median(taken)
          }),
          params: Effect.sync(() => ({
            p50: Statistics.percentile(all, 0.5),
            p99: Statistics.percentile(all, 0.99),
            slept: Statistics.median(shares)
          }))
        }
      })
    )
  })
