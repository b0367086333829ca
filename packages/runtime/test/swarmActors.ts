/** A swarm whose instances do everything that they can do, and an actor that they talk to. */
import * as Actor from "@troupe/runtime/Actor"
import * as ActorId from "@troupe/runtime/ActorId"
import * as Layout from "@troupe/runtime/Layout"
import * as Swarm from "@troupe/runtime/Swarm"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import { threadId } from "node:worker_threads"

export class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}

export const Tally = Actor.make("Tally", {
  protocol: RpcGroup.make(
    Rpc.make("Count", { payload: { name: Schema.Number, turn: Schema.Int } }),
    Rpc.make("Total", { success: Schema.Tuple([Schema.Number, Schema.Number]) })
  )
})

export const TallyLive = Tally.toLayer({
  state: Schema.Tuple([Schema.Number, Schema.Number]),
  initial: () => [0, 0] as const,
  handlers: {
    // Depends on the order in which the messages come.
    Count: ([count, order], { name, turn }) =>
      Actor.next([count + 1, (Math.imul(order, 31) + name + turn) | 0] as const),
    Total: (state) => Actor.reply(state, state)
  }
})

export const Bird = Swarm.make("Bird", {
  protocol: RpcGroup.make(
    Rpc.make("Fly", { payload: { seconds: Schema.Number } }),
    Rpc.make("Glide", { payload: { seconds: Schema.Number } }),
    Rpc.make("Greet", { payload: { from: ActorId.ActorId, song: Schema.String } }),
    Rpc.make("Where", { success: Schema.Struct({ x: Schema.Number, song: Schema.String }) }),
    Rpc.make("Land", { success: Schema.Number, error: Refused }),
    Rpc.make("Think", { payload: { millis: Schema.Number }, success: Schema.Number, error: Refused }),
    Rpc.make("Later", { success: Schema.Number }),
    Rpc.make("Wreck"),
    Rpc.make("Thread", { success: Schema.Number }),
    Rpc.make("Misfit", { payload: { soon: Schema.Boolean }, success: Schema.Number, error: Refused }),
    Rpc.make("Exit", { payload: { soon: Schema.Boolean } })
  ),
  state: Schema.Struct({
    name: Schema.Number,
    x: Schema.Number,
    turns: Layout.Int32,
    song: Schema.String,
    friend: Schema.optionalKey(ActorId.ActorId)
  }),
  turns: "manual",
  chunkRows: 64,
  onFailure: "keep"
})

export const BirdLive = Bird.toLayer(Effect.gen(function*() {
  const tally = yield* Tally.byKey
  const thread = threadId
  return Bird.of({
    handlers: {
      Misfit: (bird, { soon }, ctx) => {
        const none = "none" as never
        ctx.tell(Bird, ctx.id, "Glide", { seconds: none })
        ctx.broadcast(Bird, "Glide", { seconds: none })
        ctx.send(tally("all"), "Count", { name: none, turn: 0 })
        ctx.spawn(Bird, { name: none, x: 0, turns: 0, song: "" })
        bird.turns++
        return soon ? Actor.reply(bird, none) : Effect.succeed(Actor.reply(bird, none))
      },
      Fly: (bird, { seconds }, ctx) => {
        const wind = ctx.random()
        bird.x += seconds * (wind - 0.5)
        bird.turns++
        if (wind < 0.02) return Actor.stop()
        if (wind < 0.05) {
          ctx.spawn(Bird, { name: bird.name * 2 + 1, x: bird.x, turns: 0, song: `child of ${bird.name}` })
        }
        if (wind > 0.9 && bird.friend !== undefined) {
          ctx.tell(Bird, bird.friend, "Greet", { from: ctx.id, song: bird.song })
        }
        if (wind > 0.97) {
          bird.friend = ctx.id
          bird.song = `${bird.song}${bird.turns}`.slice(-200)
        }
        if (wind > 0.5 && wind < 0.51) ctx.send(tally("all"), "Count", { name: bird.name, turn: ctx.turn })
        if (wind > 0.4 && wind < 0.405) throw new Error("a gust")
        return
      },
      Glide: (bird, { seconds }) => {
        bird.x += seconds
        bird.turns++
      },
      Greet: (bird, { from, song }, ctx) => {
        bird.friend = from
        bird.song = song.length > bird.song.length ? `${song}${Math.floor(ctx.random() * 10)}` : bird.song
      },
      Where: ({ song, x }) => Actor.reply(undefined, { x, song }),
      Land: (bird) =>
        bird.turns > 5 ? Actor.stop(bird.turns) : Actor.fail(bird, new Refused({ why: "too early" })),
      Think: (bird, { millis }) =>
        Effect.gen(function*() {
          yield* Effect.sleep(millis)
          if (millis === 13) return yield* new Refused({ why: "unlucky" })
          if (millis === 17) return yield* Effect.die(new Error("a headache"))
          bird.x = millis
          bird.song = "thought"
          return Actor.reply(bird, bird.turns)
        }),
      Later: (bird, _, ctx) => {
        const { replier } = ctx
        const { turns } = bird
        setTimeout(() => replier?.succeed(turns), 5)
        return Actor.later(bird)
      },
      Wreck: (bird) => {
        bird.song = "wrecked"
        throw new Error("wrecked")
      },
      Thread: (bird) => Actor.reply(bird, thread),
      Exit: (_, { soon }) => {
        if (soon) setTimeout(() => process.exit(3), 50)
        else process.exit(3)
      }
    },
    columns: {
      Glide: ({ turns, x }, from, to, { seconds }) => {
        for (let row = from; row < to; row++) {
          x[row]! += seconds
          turns[row]! += 1
        }
      }
    }
  })
}))

export const layer = Layer.provideMerge(BirdLive, TallyLive)
