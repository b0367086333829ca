/** The actors of the `mailbox.*` scenarios: one mailbox, unbounded or bounded, and those who send into it from workers. */
import * as Actor from "@troupe/runtime/Actor"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import { threadId } from "node:worker_threads"
import * as Tally from "../Tally.ts"
import { State } from "./Adder.ts"

const protocol = RpcGroup.make(
  Rpc.make("Reset"),
  Rpc.make("Add", { payload: { n: Schema.Number } }),
  Rpc.make("Read", { success: State }),
  /** The number that Node gave its thread. */
  Rpc.make("Thread", { success: Schema.Number })
)

/** Messages that may wait in the bounded one. */
export const capacity = 1024

export const Unbounded = Actor.make("Unbounded", { protocol })
export const Bounded = Actor.make("Bounded", { protocol, mailbox: { capacity, overflow: "suspend" } })

export type SinkRef = Actor.Ref<typeof Unbounded>

const behaviour = {
  state: State,
  initial: () => Tally.zero,
  handlers: {
    Reset: () => Actor.next(Tally.zero),
    Add: (state: Tally.Tally, { n }: { readonly n: number }) => Actor.next(Tally.add(state, n)),
    Read: (state: Tally.Tally) => Actor.reply(state, state),
    Thread: (state: Tally.Tally) => Actor.reply(state, threadId)
  }
}

export const sinks = Layer.mergeAll(Unbounded.toLayer(behaviour), Bounded.toLayer(behaviour))

/** The sink with this key. */
export const keyed = (
  bounded: boolean,
  key: string
): Effect.Effect<SinkRef, never, Actor.Hosted<"Bounded"> | Actor.Hosted<"Unbounded">> =>
  bounded ? Bounded.keyed(key) : Unbounded.keyed(key)

/** Tells the numbers from 1 to `messages`, each when the one before is accepted. */
export const produce = (sink: SinkRef, messages: number): Effect.Effect<void> => {
  let n = 0
  return Effect.whileLoop({
    while: () => n < messages,
    body: () => sink.tell("Add", { n: ++n }),
    step: () => {}
  })
}

export const Producer = Actor.make("Producer", {
  protocol: RpcGroup.make(
    Rpc.make("Produce", {
      payload: { bounded: Schema.Boolean, key: Schema.String, messages: Schema.Number }
    }),
    Rpc.make("Thread", { success: Schema.Number })
  )
})

const producer = Producer.toLayer({
  state: Schema.Void,
  initial: () => undefined,
  handlers: {
    Produce: (state, { bounded, key, messages }) =>
      keyed(bounded, key).pipe(
        Effect.flatMap((sink) => produce(sink, messages)),
        Effect.as(Actor.next(state))
      ),
    Thread: (state) => Actor.reply(state, threadId)
  }
})

export const layer = Layer.provideMerge(producer, sinks)
