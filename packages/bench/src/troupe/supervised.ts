/** Actors under a supervisor, on one thread. */
import * as Actor from "@troupe/runtime/Actor"
import type { ActorRef } from "@troupe/runtime/ActorRef"
import * as Child from "@troupe/supervision/Child"
import * as Supervisor from "@troupe/supervision/Supervisor"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { Adder, plain, type protocol } from "./Adder.ts"
import { inSystem } from "./local.ts"

type AdderRef = ActorRef<RpcGroup.Rpcs<typeof protocol>>

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

const running = <Name extends string, Children extends ReadonlyArray<Child.Any>>(
  supervisor: Supervisor.Supervisor<Name, Children>
) => Effect.map(Layer.build(Supervisor.layer(supervisor)), (context) => Context.get(context, supervisor.key))

/** An actor that a supervisor has spawned. */
export const supervised = Effect.gen(function*() {
  const supervisor = yield* running(Supervisor.make("Root", { children: [Child.actor("adder", Adder)] }))
  return (yield* supervisor.handle("adder")) as AdderRef
})

/** Bursts to one actor, until it has answered what it received. */
export const bursts = <E, R>(actor: Effect.Effect<AdderRef, E, R>) =>
  inSystem(
    plain,
    Effect.map(actor, (adder) => ({
      run: Effect.fnUntraced(function*(messages: number) {
        yield* adder.tell("Reset")
        for (let sent = 0; sent < messages; sent += Tally.burst) {
          for (let n = 0; n < Tally.burst; n++) adder.tellUnsafe("Add", { n })
          yield* Effect.yieldNow
        }
        return yield* adder.ask("Read")
      }),
      check: ({ received }: Tally.Tally, messages: number) => Scenario.expect("received", received, messages)
    }))
  )

const Fragile = Actor.make("Fragile", {
  protocol: RpcGroup.make(Rpc.make("Throw"), Rpc.make("Incarnation", { success: Schema.Int }))
})

/** Has an actor throw, and waits until the next incarnation answers. */
export const restarting = Effect.suspend(() => {
  let incarnations = 0
  const live = Fragile.toLayer({
    state: Schema.Int,
    initial: () => ++incarnations,
    handlers: {
      Throw: () => {
        throw new Error("on purpose")
      },
      Incarnation: (incarnation) => Actor.reply(incarnation, incarnation)
    }
  })
  return inSystem(
    live,
    Effect.map(
      running(
        Supervisor.make("Root", { intensity: "unlimited", children: [Child.actor("fragile", Fragile)] })
      ),
      ({ handle }) => ({
        run: Effect.fnUntraced(function*(restarts: number) {
          const fragile = (yield* handle("fragile")) as Actor.Ref<typeof Fragile>
          const before = yield* fragile.ask("Incarnation")
          for (let n = 0; n < restarts; n++) {
            fragile.tellUnsafe("Throw")
            yield* fragile.ask("Incarnation")
          }
          return (yield* fragile.ask("Incarnation")) - before
        }),
        check: (made: number, restarts: number) => Scenario.expect("restarts", made, restarts)
      })
    )
  )
}).pipe(quiet)
