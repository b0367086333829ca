/** A test plays one actor, and moves the time, so that nothing sleeps; and a handler is run by itself. */
import { Actor, ActorRef } from "@troupe/runtime"
import * as BehaviourKit from "@troupe/runtime/testing/BehaviourKit"
import * as TestProbe from "@troupe/runtime/testing/TestProbe"
import * as TestSystem from "@troupe/runtime/testing/TestSystem"
import { Console, Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Ringing = RpcGroup.make(Rpc.make("Ring", { payload: { times: Schema.Int } }))

const AlarmClock = Actor.make("AlarmClock", {
  protocol: RpcGroup.make(Rpc.make("Snooze"), Rpc.make("WakeUp")),
  args: Schema.Struct({ bell: ActorRef.ActorRef(Ringing) })
})

const behaviour = AlarmClock.of({
  state: Schema.Struct({ times: Schema.Int, bell: ActorRef.ActorRef(Ringing) }),
  initial: ({ bell }) => ({ times: 0, bell }),
  handlers: {
    Snooze: (state, _, ctx) => {
      ctx.timers.startOnce("snooze", "10 minutes", "WakeUp")
      return Actor.next(state)
    },
    WakeUp: (state, _, ctx) => {
      const times = state.times + 1
      ctx.send(state.bell, "Ring", { times })
      return Actor.next({ ...state, times })
    }
  }
})

const program = Effect.gen(function*() {
  const bell = yield* TestProbe.make(Ringing)
  const clock = yield* AlarmClock.spawn({ bell: bell.ref })
  yield* clock.tell("Snooze")
  yield* TestSystem.adjust("9 minutes")
  yield* bell.expectNothing
  yield* TestSystem.adjust("1 minute")
  yield* bell.expect("Ring", { times: 1 })
  yield* Console.log("rang") // => rang
  yield* TestSystem.quiet

  // By itself: what a handler does is data.
  const Bell = Actor.make("Bell", { protocol: Ringing })
  const alone = BehaviourKit.make(AlarmClock, behaviour, { args: { bell: BehaviourKit.ref(Bell) } })
  const { deeds } = alone.tell("WakeUp")
  for (const deed of deeds) yield* Console.log(deed._tag) // => Send
})

Effect.runPromise(
  program.pipe(Effect.scoped, Effect.provide(AlarmClock.toLayer(behaviour)), Effect.provide(TestSystem.layer))
)
