/** Troupe's scenarios on one thread; which handlers and which face of the API is up to their files. */
import type * as Actor from "@troupe/runtime/Actor"
import type { ActorRef } from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import type * as Scope from "effect/Scope"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { Adder, type plain, type protocol } from "./Adder.ts"

type Host = typeof plain
type Hosted = Actor.Hosted<"Adder">
type AdderRef = ActorRef<RpcGroup.Rpcs<typeof protocol>>

/** Sets up within a system of its own on this thread, which ends with the scenario's scope. */
export const inSystem = <A, E, R, ROut>(
  host: Layer.Layer<ROut, never, ActorSystem.ActorSystem>,
  setup: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, ROut | ActorSystem.ActorSystem> | Scope.Scope> =>
  Effect.flatMap(
    Layer.build(Layer.provideMerge(host, ActorSystem.layer)),
    (context) => Effect.provideContext(setup, context)
  )

const read = (actors: ReadonlyArray<AdderRef>) => Effect.forEach(actors, (actor) => actor.ask("Read"))

/** How a burst is sent. */
export type SendBurst = (actors: ReadonlyArray<AdderRef>) => Effect.Effect<void>

export const tellUnsafe: SendBurst = (actors) =>
  Effect.sync(() => {
    for (let n = 0; n < Tally.burst; n++) actors[n % Tally.receivers]!.tellUnsafe("Add", { n })
  })

export const tell: SendBurst = Effect.fnUntraced(function*(actors) {
  for (let n = 0; n < Tally.burst; n++) yield* actors[n % Tally.receivers]!.tell("Add", { n })
})

/** Bursts of messages from outside, to each actor in turn, until each has answered what it received. */
export const telling = (host: Host, send: SendBurst, params: Scenario.Params): Scenario.Scenario =>
  Scenario.throughput({
    multipleOf: Tally.burst,
    params: { ...params, actors: Tally.receivers, burst: Tally.burst },
    setup: inSystem(
      host,
      Effect.gen(function*() {
        const actors = yield* Effect.all(Array.from({ length: Tally.receivers }, () => Adder.spawn()))
        const burst = send(actors)
        return {
          run: Effect.fnUntraced(function*(messages: number) {
            for (const actor of actors) yield* actor.tell("Reset")
            for (let sent = 0; sent < messages; sent += Tally.burst) {
              yield* burst
              yield* Effect.yieldNow
            }
            return yield* read(actors)
          }),
          check: (tallies: ReadonlyArray<Tally.Tally>, messages: number) =>
            Tally.check(tallies, Tally.bursts(messages))
        }
      })
    )
  })

/** One question after another. */
export const asking = (host: Host, params: Scenario.Params): Scenario.Scenario =>
  Scenario.throughput({
    params: { ...params, actors: 1, open: 1 },
    setup: inSystem(
      host,
      Effect.gen(function*() {
        const actor = yield* Adder.spawn()
        return {
          run: Effect.fnUntraced(function*(questions: number) {
            yield* actor.tell("Reset")
            let answers = Tally.zero
            for (let n = 1; n <= questions; n++) {
              answers = Tally.add(answers, yield* actor.ask("Count", { n }))
            }
            return answers
          }),
          // The n-th answer is n, as the n-th question was.
          check: (answers: Tally.Tally, questions: number) =>
            Effect.andThen(
              Tally.check([answers], Tally.countdown(questions)),
              Effect.flatMap(read([actor]), (tallies) => Tally.check(tallies, Tally.countdown(questions)))
            )
        }
      })
    )
  })

/** Many actors, each spawned into the sample's scope; afterwards each must handle a message. */
export const population = (
  host: Host,
  afterSpawn: (actor: AdderRef) => Effect.Effect<unknown, unknown> = () => Effect.void,
  handledBefore = 0
): Effect.Effect<Scenario.Subject<ReadonlyArray<AdderRef>>, never, Scope.Scope> =>
  inSystem(
    host,
    Effect.map(Effect.context<Hosted>(), (context) => ({
      run: (count) =>
        Effect.gen(function*() {
          const actors = Array.from<AdderRef>({ length: count })
          for (let index = 0; index < count; index++) {
            const actor = yield* Adder.spawn()
            yield* afterSpawn(actor)
            actors[index] = actor
          }
          return actors
        }).pipe(Effect.provideContext(context)),
      check: Effect.fnUntraced(function*(actors, count) {
        for (const actor of actors) actor.tellUnsafe("Add", { n: 1 })
        const handled = count * (1 + handledBefore)
        yield* Tally.check(yield* read(actors), { received: handled, sum: handled })
      })
    }))
  )
