/** Runs actors with a durable state: their recovery, and their commands. */
import type * as Actor from "@troupe/runtime/Actor"
import type { ActorContext } from "@troupe/runtime/ActorContext"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type { Behaviour, Durable } from "../DurableState.ts"
import { RecoveryError } from "../RecoveryError.ts"
import { StateStore } from "../StateStore.ts"
import { from } from "../Versioned.ts"
import { answer, asEffect, handler, idOf, settle } from "./decided.ts"

type AnyBehaviour = Behaviour<any, any, any, Record<string, (...args: ReadonlyArray<any>) => unknown>>

export const toLayer = (actor: Actor.Any, behaviour: AnyBehaviour): Layer.Layer<never> => {
  const states = from(behaviour.state)
  const made = Effect.map(StateStore, (store) => {
    const ids = new WeakMap<object, string>()
    return {
      state: Schema.Struct({ revision: Schema.Int, state: states.schema }),
      passivation: behaviour.passivation,
      initial: (args: unknown, ctx: ActorContext<any>) => {
        const id = idOf(actor, behaviour, args, ctx)
        ids.set(ctx, id)
        const stopped = (sequence: number) => (reason: unknown) => new RecoveryError({ id, sequence, reason })
        return Effect.gen(function*() {
          const latest = yield* Effect.mapError(store.load(id), ({ reason }) => stopped(0)(reason))
          if (Option.isNone(latest)) return { revision: 0, state: behaviour.initial(args) }
          const { bytes, revision } = latest.value
          const state = yield* Effect.try({ try: () => states.decodeUnsafe(bytes), catch: stopped(revision) })
          return { revision, state }
        }).pipe(Effect.orDie)
      },
      handlers: Record.map(
        behaviour.commands,
        (command) =>
          handler(command, (current: Durable<unknown>, decided, ctx) => {
            if (decided.kind !== "persist") return settle(current, decided)
            const state = decided.values[0]
            return store.save(ids.get(ctx)!, current.revision, states.encodeUnsafe(state)).pipe(
              Effect.orDie,
              Effect.flatMap((revision) => asEffect(answer({ revision, state } as Durable<unknown>, decided)))
            )
          })
      )
    }
  })
  return (actor as Actor.Actor<string, any, any>).toLayer(made as never) as never
}
