/** What handlers do besides taking steps: streamed replies, timers, messages with a priority. */
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Message from "@troupe/runtime/Message"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { inSystem } from "./local.ts"

/** Gives the numbers from 1 on as a stream. */
export const Counter = Actor.make("Counter", {
  protocol: RpcGroup.make(
    Rpc.make("Count", { payload: { to: Schema.Number }, success: Schema.Number, stream: true })
  )
})

export const counter = Counter.toLayer({
  state: Schema.Void,
  initial: () => undefined,
  handlers: { Count: (state, { to }) => Actor.stream(state, Stream.range(1, to)) }
})

const drained = (counter: Actor.Ref<typeof Counter>) => ({
  run: (elements: number) =>
    Stream.runFold(counter.stream("Count", { to: elements }), () => Tally.zero, Tally.add),
  check: (tally: Tally.Tally, elements: number) => Tally.check([tally], Tally.countdown(elements))
})

/** Elements of one streamed reply, taken as they come. */
export const streaming = Scenario.throughput({
  params: { face: "ref.stream", handler: "Actor.stream, Stream.range" },
  setup: inSystem(counter, Effect.map(Counter.spawn(), drained))
})

/** The same, made on a worker. */
export const streamingFromWorker = Scenario.throughput({
  params: { face: "ref.stream", handler: "Actor.stream, Stream.range", workers: 1, spin: "default" },
  setup: Effect.flatMap(
    Layer.build(ActorSystem.layerWorkers({
      entry: new URL("../entry/handling.ts", import.meta.url),
      hosts: [Counter],
      workers: 1
    })),
    (context) => Effect.map(Effect.provideContext(Counter.spawn(), context), drained)
  )
})

const Urgent = Actor.make("Urgent", {
  protocol: RpcGroup.make(
    Rpc.make("Reset"),
    Rpc.make("Add", { payload: { n: Schema.Number } }),
    Rpc.make("Hurry", { payload: { n: Schema.Number } }).pipe(Message.priority(1)),
    Rpc.make("Read", { success: Schema.Struct({ received: Schema.Number, sum: Schema.Number }) }).pipe(
      Message.priority(-1)
    )
  )
})

const urgent = Urgent.toLayer({
  state: Actor.opaque<Tally.Tally>(),
  initial: () => Tally.zero,
  handlers: {
    Reset: () => Actor.next(Tally.zero),
    Add: (tally, { n }) => Actor.next(Tally.add(tally, n)),
    Hurry: (tally, { n }) => Actor.next(Tally.add(tally, n)),
    Read: (tally) => Actor.reply(tally, tally)
  }
})

/** Bursts to one actor, of which every fourth message goes before the others. */
export const ranked = Scenario.throughput({
  multipleOf: Tally.burst,
  params: { face: "tellUnsafe", handler: "plain", priorities: 2, actors: 1, burst: Tally.burst },
  setup: inSystem(
    urgent,
    Effect.map(Urgent.spawn(), (actor) => ({
      run: Effect.fnUntraced(function*(messages: number) {
        yield* actor.ask("Reset")
        for (let sent = 0; sent < messages; sent += Tally.burst) {
          for (let n = 0; n < Tally.burst; n++) actor.tellUnsafe((n & 3) === 3 ? "Hurry" : "Add", { n })
          yield* Effect.yieldNow
        }
        return yield* actor.ask("Read")
      }),
      check: (tally: Tally.Tally, messages: number) => Tally.check([tally], Tally.bursts(messages))
    }))
  )
})

const Sleeper = Actor.make("Sleeper", {
  protocol: RpcGroup.make(
    Rpc.make("Start", { payload: { timers: Schema.Number }, success: Schema.Number }),
    Rpc.make("Never")
  )
})

const sleeper = Sleeper.toLayer({
  state: Schema.Number,
  initial: () => 0,
  handlers: {
    Start: (state, { timers }, ctx) => {
      for (let n = 0; n < timers; n++) ctx.timers.startOnce(n & 1023, "1 hour", "Never")
      return Actor.reply(state, timers)
    },
    Never: (state) => Actor.next(state + 1)
  }
})

/** Timers that are started, each in the place of another one: a deadline that is put off, again and again. */
export const timers = Scenario.throughput({
  params: { face: "ctx.timers.startOnce", actors: 1, keys: 1024 },
  setup: inSystem(
    sleeper,
    Effect.map(Sleeper.spawn(), (actor) => ({
      run: (timers: number) => actor.ask("Start", { timers }),
      check: (started: number, timers: number) => Scenario.expect("timers started", started, timers)
    }))
  )
})
