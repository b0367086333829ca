/**
 * `mailbox.*`: several producers, each telling as fast as an Effect may, and one mailbox.
 *
 * ```
 * fibers:   P1 --+              threads:   this thread  P1 --+
 *           P2 --+--> sink                 worker 1     P2 --+--> sink, on worker 1
 *           P3 --+                         worker 2     P3 --+
 * ```
 */
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { Bounded, capacity, keyed, produce, Producer, sinks, Unbounded } from "./Sink.ts"

const producers = 3

const params = (bounded: boolean) => ({
  face: "yield* tell",
  handler: "plain",
  producers,
  mailbox: bounded ? `suspend, capacity ${capacity}` : "unbounded"
})

const check = (tally: Tally.Tally, messages: number) => {
  const each = messages / producers
  return Tally.check([tally], {
    received: messages,
    sum: Number(BigInt.asIntN(32, BigInt(producers) * BigInt(each) * BigInt(each + 1) / 2n))
  })
}

/** Producers that are fibers of the actor's own thread. */
export const fibers = (bounded: boolean): Scenario.Scenario =>
  Scenario.throughput({
    multipleOf: producers,
    params: params(bounded),
    setup: Effect.gen(function*() {
      const context = yield* Layer.build(Layer.provideMerge(sinks, ActorSystem.layer))
      const sink = yield* Effect.provideContext(keyed(bounded, key), context)
      return {
        run: Effect.fnUntraced(function*(messages: number) {
          yield* sink.tell("Reset")
          const numbers = Array.from({ length: producers }, (_, producer) => producer)
          yield* Effect.forEach(numbers, () => produce(sink, messages / producers), {
            concurrency: "unbounded",
            discard: true
          })
          return yield* sink.ask("Read")
        }),
        check
      }
    })
  })

/** Producers on this thread and on two workers; the actor lives on one of these. */
export const threads = (bounded: boolean): Scenario.Scenario =>
  Scenario.throughput({
    multipleOf: producers,
    params: { ...params(bounded), workers: 2, spin: "default" },
    setup: Effect.gen(function*() {
      const context = yield* Layer.build(ActorSystem.layerWorkers({
        entry: new URL("../entry/mailbox.ts", import.meta.url),
        hosts: [Unbounded, Bounded, Producer],
        workers: 2
      }))
      const { others, sink } = yield* Effect.provideContext(placed(bounded), context)
      return {
        run: Effect.fnUntraced(function*(messages: number) {
          const each = messages / producers
          yield* sink.tell("Reset")
          // Their order is only each sender's own: nobody produces before the sink is reset.
          yield* sink.ask("Read")
          yield* Effect.all([
            produce(sink, each),
            ...others.map((other) => other.ask("Produce", { bounded, key, messages: each }))
          ], { concurrency: "unbounded", discard: true })
          // What a producer was told is accepted is not handled yet.
          let tally = yield* sink.ask("Read")
          while (tally.received < messages) tally = yield* sink.ask("Read")
          return tally
        }),
        check
      }
    })
  })

const key = "sink"

/** The sink, and a producer on each of the two workers. */
const placed = Effect.fnUntraced(function*(bounded: boolean) {
  const sink = yield* keyed(bounded, key)
  const found = new Map<number, string>()
  for (let n = 0; n < 64 && found.size < 2; n++) {
    const producer = yield* Producer.keyed(String(n))
    const thread = yield* producer.ask("Thread")
    if (!found.has(thread)) found.set(thread, String(n))
  }
  yield* Scenario.expect("threads of 64 keys", found.size, 2)
  return { sink, others: yield* Effect.forEach(found.values(), (n) => Producer.keyed(n)) }
})
