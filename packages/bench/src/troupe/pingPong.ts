/** `local.ping-pong.*`: two actors throw a ball that counts down, one message at a time. */
import * as Actor from "@troupe/runtime/Actor"
import type { ActorContext } from "@troupe/runtime/ActorContext"
import type { ActorRef } from "@troupe/runtime/ActorRef"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { State } from "./Adder.ts"
import { inSystem } from "./local.ts"

const protocol = RpcGroup.make(
  Rpc.make("Reset"),
  Rpc.make("Ball", { payload: { n: Schema.Number } }),
  Rpc.make("Read", { success: State })
)

type Rpcs = RpcGroup.Rpcs<typeof protocol>
type Player = ActorRef<Rpcs>

const Ping = Actor.make("Ping", { protocol })
const Pong = Actor.make("Pong", { protocol })

/** Throws the ball back, or says that it was the last one; what the two kinds of handlers have in common. */
type Return = (
  state: Tally.Tally,
  n: number,
  ctx: ActorContext<Rpcs>
) => ReturnType<typeof Actor.next<Tally.Tally>>

type MakeHandlers = (back: Return) => Actor.Handlers<Rpcs, Tally.Tally>

export const plain: MakeHandlers = (back) => ({
  Reset: () => Actor.next(Tally.zero),
  Ball: (state, { n }, ctx) => back(state, n, ctx),
  Read: (state) => Actor.reply(state, state)
})

export const effectful: MakeHandlers = (back) => ({
  Reset: () => Effect.sync(() => Actor.next(Tally.zero)),
  Ball: (state, { n }, ctx) => Effect.sync(() => back(state, n, ctx)),
  Read: (state) => Effect.sync(() => Actor.reply(state, state))
})

export const pingPong = (handlers: MakeHandlers, params: Scenario.Params): Scenario.Scenario =>
  Scenario.duration({
    params: { ...params, actors: 2 },
    setup: Effect.suspend(() => {
      let done = Deferred.makeUnsafe<void>()
      let ping: Player
      let pong: Player
      const behaviour = (peer: () => Player) => ({
        state: State,
        initial: () => Tally.zero,
        handlers: handlers((state, n, ctx) => {
          if (n > 1) ctx.send(peer(), "Ball", { n: n - 1 })
          else Deferred.doneUnsafe(done, Effect.void)
          return Actor.next(Tally.add(state, n))
        })
      })
      const hosts = Layer.mergeAll(Ping.toLayer(behaviour(() => pong)), Pong.toLayer(behaviour(() => ping)))
      return inSystem(
        hosts,
        Effect.gen(function*() {
          ping = yield* Ping.spawn()
          pong = yield* Pong.spawn()
          return {
            run: Effect.fnUntraced(function*(messages: number) {
              done = Deferred.makeUnsafe<void>()
              yield* ping.tell("Reset")
              yield* pong.tell("Reset")
              yield* ping.tell("Ball", { n: messages })
              yield* Deferred.await(done)
            }),
            check: Effect.fnUntraced(function*(_: void, messages: number) {
              const tallies = [yield* ping.ask("Read"), yield* pong.ask("Read")]
              yield* Tally.check(tallies, Tally.countdown(messages))
            })
          }
        })
      )
    })
  })
