/**
 * The actor of Troupe's scenarios: keeps a {@link Tally}. Its contract, and a
 * behaviour whose handlers are plain and one whose handlers are effects.
 */
import * as Actor from "@troupe/runtime/Actor"
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Tally from "../Tally.ts"

export const State = Schema.Struct({ received: Schema.Number, sum: Schema.Number })

const payload = { n: Schema.Number }

export const protocol = RpcGroup.make(
  Rpc.make("Reset"),
  Rpc.make("Add", { payload }),
  /** Adds, and answers with how many numbers that makes. */
  Rpc.make("Count", { payload, success: Schema.Number }),
  Rpc.make("Read", { success: State })
)

export const Adder = Actor.make("Adder", { protocol })

const tallying = Adder.of({
  state: State,
  initial: () => ({ received: 0, sum: 0 }),
  handlers: {
    Reset: () => Actor.next(Tally.zero),
    Add: (state, { n }) => Actor.next(Tally.add(state, n)),
    Count: (state, { n }) => Actor.reply(Tally.add(state, n), state.received + 1),
    Read: (state) => Actor.reply(state, state)
  }
})

export const plain = Adder.toLayer(tallying)

/** The same, with handlers of many messages at once. */
export const batched = Adder.toLayer({
  ...tallying,
  handlers: {
    ...tallying.handlers,
    Add: { batch: (state, adds) => Actor.next(adds.reduce((sum, { n }) => Tally.add(sum, n), state)) }
  }
})

/** The same, with effectful ones. */
export const batchedEffectful = Adder.toLayer({
  ...tallying,
  handlers: {
    ...tallying.handlers,
    Add: {
      batch: (state, adds) =>
        Effect.sync(() => Actor.next(adds.reduce((sum, { n }) => Tally.add(sum, n), state)))
    }
  }
})

/** The same, of which so many keys stay at most. */
export const resident = (capacity: number) => Adder.toLayer({ ...tallying, passivation: { capacity } })

export const effectful = Adder.toLayer({
  state: State,
  initial: () => ({ received: 0, sum: 0 }),
  handlers: {
    Reset: () => Effect.sync(() => Actor.next(Tally.zero)),
    Add: (state, { n }) => Effect.sync(() => Actor.next(Tally.add(state, n))),
    Count: (state, { n }) => Effect.sync(() => Actor.reply(Tally.add(state, n), state.received + 1)),
    Read: (state) => Effect.sync(() => Actor.reply(state, state))
  }
})
