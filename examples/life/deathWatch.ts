/** Death watch: a desk knows which of its clerks are gone, and how they went. */
import { Actor, ActorRef, ActorSystem } from "@troupe/runtime"
import { Cause, Console, Effect, Exit, Layer, References, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Clerk = Actor.make("Clerk", {
  protocol: RpcGroup.make(Rpc.make("GoHome"), Rpc.make("Faint")),
  args: Schema.Struct({ name: Schema.String })
})
const ClerkLive = Clerk.toLayer({
  state: Schema.String,
  initial: ({ name }) => name,
  handlers: {
    GoHome: () => Actor.stop(),
    Faint: (name) => Actor.crash(new Error(`${name} faints`))
  }
})

const how = (exit: Exit.Exit<void, unknown>): string =>
  Exit.isSuccess(exit)
    ? "went home"
    : Cause.hasInterruptsOnly(exit.cause)
    ? "was sent away"
    : (Cause.squash(exit.cause) as Error).message

const Desk = Actor.make("Desk", {
  protocol: RpcGroup.make(
    Rpc.make("Watch", { payload: { clerk: Clerk.ref } }),
    Rpc.make("Gone", { success: Schema.Array(Schema.String) })
  )
})
const DeskLive = Desk.toLayer({
  state: Schema.Array(Schema.String),
  initial: () => [],
  handlers: {
    Watch: (gone, { clerk }, ctx) => {
      ctx.watch(clerk)
      return Actor.next(gone)
    },
    Gone: (gone) => Actor.reply(gone, gone)
  },
  signals: {
    Terminated: (gone, { exit }) => Actor.next([...gone, how(exit)])
  }
})

const program = Effect.gen(function*() {
  const desk = yield* Desk.spawn()
  const clerks = yield* Effect.forEach(["Ann", "Bob", "Cy"], (name) => Clerk.spawn({ name }))
  for (const clerk of clerks) yield* desk.ask("Watch", { clerk })
  const [ann, bob, cy] = clerks
  yield* ann!.ask("GoHome")
  yield* bob!.tell("Faint")
  yield* ActorRef.await(bob!)
  yield* ActorRef.kill(cy!)
  for (const line of yield* desk.ask("Gone")) yield* Console.log(line)
})

program.pipe(
  Effect.scoped,
  Effect.provide(Layer.mergeAll(ClerkLive, DeskLive).pipe(Layer.provideMerge(ActorSystem.layer))),
  Effect.provideService(References.MinimumLogLevel, "None"),
  Effect.runPromise
)

// => went home
// => Bob faints
// => was sent away
