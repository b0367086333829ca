/** Troupe's scenarios of addressing: all of a kind, one of several, many keys. */
import type * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Broadcast from "@troupe/runtime/Broadcast"
import * as Group from "@troupe/runtime/Group"
import * as Router from "@troupe/runtime/Router"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { Adder, plain, protocol } from "./Adder.ts"
import { inSystem } from "./local.ts"

type AdderRef = Actor.Ref<typeof Adder>

/** Actors that hear a broadcast. */
export const listeners = 1000

/** Keys that messages go to in turn. */
export const keys = 1024

/** What is left when each of `count` actors has had an equal share of `messages`, with the numbers from 0 on. */
export const rounds = (count: number, messages: number): Tally.Tally => {
  const each = BigInt(messages / count)
  const sum = BigInt(count) * each * (each - 1n) / 2n
  return { received: messages, sum: Number(BigInt.asIntN(32, sum)) }
}

const read = (actors: ReadonlyArray<AdderRef>) => Effect.forEach(actors, (actor) => actor.ask("Read"))

/** The same message to a thousand actors, round after round: told to all at once, or to each by itself. */
export const broadcasting = (to: "all" | "each"): Scenario.Scenario =>
  Scenario.throughput({
    multipleOf: listeners,
    params: { face: to === "all" ? "Broadcast.toActors, tellUnsafe" : "tellUnsafe", actors: listeners },
    setup: inSystem(
      plain,
      Effect.gen(function*() {
        const actors = yield* Effect.all(Array.from({ length: listeners }, () => Adder.spawn()))
        const receivers = to === "all" ? [yield* Broadcast.toActors(Adder)] : actors
        return {
          run: Effect.fnUntraced(function*(messages: number) {
            for (const actor of actors) actor.tellUnsafe("Reset")
            for (let n = 0; n < messages / listeners; n++) {
              for (const receiver of receivers) receiver.tellUnsafe("Add", { n })
              yield* Effect.yieldNow
            }
            return yield* read(actors)
          }),
          check: (tallies: ReadonlyArray<Tally.Tally>, messages: number) =>
            Tally.check(tallies, rounds(listeners, messages))
        }
      })
    )
  })

const Adders = Group.make("adders", protocol)

/** Bursts of messages, each to one of four actors, by a strategy. */
export const routing = (
  strategy: Router.Strategy<RpcGroup.Rpcs<typeof protocol>>,
  params: Scenario.Params
): Scenario.Scenario =>
  Scenario.throughput({
    multipleOf: Tally.burst,
    params: { ...params, face: "tellUnsafe", members: Tally.receivers, burst: Tally.burst },
    setup: inSystem(
      plain,
      Effect.gen(function*() {
        const actors = yield* Effect.all(Array.from({ length: Tally.receivers }, () => Adder.spawn()))
        yield* Effect.forEach(actors, (actor) => Group.join(Adders, actor))
        const router = yield* Router.group(Adders, { strategy })
        return {
          run: Effect.fnUntraced(function*(messages: number) {
            for (const actor of actors) actor.tellUnsafe("Reset")
            for (let sent = 0; sent < messages; sent += Tally.burst) {
              for (let n = 0; n < Tally.burst; n++) router.tellUnsafe("Add", { n })
              yield* Effect.yieldNow
            }
            // What waits for somebody who is idle is handled when he is.
            return yield* Effect.repeat(read(actors), {
              until: (tallies) => tallies.reduce((sum, { received }) => sum + received, 0) >= messages
            })
          }),
          check: (tallies: ReadonlyArray<Tally.Tally>, messages: number) =>
            Tally.check(tallies, Tally.bursts(messages))
        }
      })
    )
  })

/** Bursts of messages to keys in turn, each of which is looked up. */
export const keying = (
  host: Layer.Layer<Actor.Hosted<"Adder">, never, ActorSystem.ActorSystem>,
  params: Scenario.Params
): Scenario.Scenario =>
  Scenario.throughput({
    multipleOf: keys,
    params: { ...params, face: "byKey, tellUnsafe", keys },
    setup: inSystem(
      host,
      Effect.gen(function*() {
        const { stats } = yield* ActorSystem.ActorSystem
        const byKey = yield* Adder.byKey
        const names = Array.from({ length: keys }, (_, n) => `key ${n}`)
        const handled = Effect.map(stats, (threads) => threads.reduce((sum, { handled }) => sum + handled, 0))
        return {
          run: Effect.fnUntraced(function*(messages: number) {
            const before = yield* handled
            for (let n = 0; n < messages / keys; n++) {
              for (const name of names) byKey(name).tellUnsafe("Add", { n })
              yield* Effect.yieldNow
            }
            yield* byKey(names[keys - 1]!).ask("Read")
            return (yield* handled) - before
          }),
          check: (handled: number, messages: number) =>
            Scenario.expect("messages handled", handled, messages + 1)
        }
      })
    )
  })
