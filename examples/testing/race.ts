/** Two voters raise a number by reading it and writing one more. A test finds how a vote is lost. */
import { Actor, ActorRef, ActorSystem } from "@troupe/runtime"
import * as Schedules from "@troupe/runtime/testing/Schedules"
import * as TestSystem from "@troupe/runtime/testing/TestSystem"
import { Console, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Reading = RpcGroup.make(Rpc.make("Is", { payload: { n: Schema.Int } }))

const Tally = Actor.make("Tally", {
  protocol: RpcGroup.make(
    Rpc.make("Read", { payload: { by: ActorRef.ActorRef(Reading) } }),
    Rpc.make("Write", { payload: { n: Schema.Int } }),
    Rpc.make("Value", { success: Schema.Int })
  )
})

const TallyLive = Tally.toLayer({
  state: Schema.Int,
  initial: () => 0,
  handlers: {
    Read: (n, { by }, ctx) => {
      ctx.send(by, "Is", { n })
      return Actor.next(n)
    },
    Write: (_, { n }) => Actor.next(n),
    Value: (n) => Actor.reply(n, n)
  }
})

const Voting = RpcGroup.make(Rpc.make("Vote"))

/** Raises the tally: it reads, and writes one more. Then it is the next one's turn. */
const Voter = Actor.make("Voter", {
  protocol: Reading.merge(Voting),
  args: Schema.Struct({ tally: Tally.ref, next: Schema.UndefinedOr(ActorRef.ActorRef(Voting)) })
})

const VoterLive = Voter.toLayer({
  state: Actor.opaque<typeof Voter.args.Type>(),
  initial: (args) => args,
  handlers: {
    Vote: (state, _, ctx) => {
      ctx.send(state.tally, "Read", { by: ctx.self })
      if (state.next !== undefined) ctx.send(state.next, "Vote")
      return Actor.next(state)
    },
    Is: (state, { n }, ctx) => {
      ctx.send(state.tally, "Write", { n: n + 1 })
      return Actor.next(state)
    }
  }
})

/** Shows the next one in, by which time the one before has voted, one would think. */
const Usher = Actor.make("Usher", { protocol: Voting, args: ActorRef.ActorRef(Voting) })

const UsherLive = Usher.toLayer({
  state: Usher.args,
  initial: (next) => next,
  handlers: {
    Vote: (next, _, ctx) => {
      ctx.send(next, "Vote")
      return Actor.next(next)
    }
  }
})

const election = Effect.gen(function*() {
  const tally = yield* Tally.spawn()
  const second = yield* Voter.spawn({ tally, next: undefined })
  const usher = yield* Usher.spawn(second)
  const first = yield* Voter.spawn({ tally, next: usher })
  yield* first.tell("Vote")
  yield* TestSystem.settle
  const votes = yield* tally.ask("Value")
  if (votes !== 2) return yield* Effect.fail(`${votes} of 2 votes`)
}).pipe(
  Effect.scoped,
  Effect.provide(Layer.provideMerge(Layer.mergeAll(TallyLive, VoterLive, UsherLive), ActorSystem.layer))
)

const program = Effect.gen(function*() {
  yield* election
  yield* Console.log("in the usual order all votes are counted")
  // => in the usual order all votes are counted

  const failed = yield* Effect.flip(Schedules.check(election, { seed: 1 }))
  yield* Console.log(failed.message.split("\n").slice(0, 2).join("\n"))
  // => fails under the schedule [0,0,1] (seed 1, order 1)
  // =>   choice 2: ActorRef(Voter) before ActorRef(Voter)

  const again = yield* Effect.flip(Schedules.replay(election, failed.schedule))
  yield* Console.log(again)
  // => 1 of 2 votes
})

Effect.runPromise(program)
