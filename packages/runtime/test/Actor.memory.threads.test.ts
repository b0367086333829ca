/** What is left, on either thread, of actors that have come and gone on a worker. */
import { assert, it } from "@effect/vitest"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import { Keyed } from "./fixtures/Being.ts"
import { workers } from "./fixtures/beingPlaces.ts"
import { heap } from "./fixtures/heap.ts"
import { deed, Listener, nothing } from "./fixtures/Puppet.ts"
import { Subject } from "./fixtures/Subject.ts"

const COUNT = 20_000
/** So many at a time. */
const BATCH = 100

const watched: Array<ActorRef.ActorRef<never>> = []
const watching = deed((ctx) => {
  for (const ref of watched.splice(0)) ctx.watch(ref)
})

it.live(
  "actors that were spawned, watched and stopped on a worker leave no memory behind",
  () =>
    Effect.gen(function*() {
      const probe = yield* Keyed.keyed("probe")
      const round = Effect.gen(function*() {
        const watcher = yield* ActorSystem.provideScope(Listener.spawn(nothing))
        const one = Effect.gen(function*() {
          const ref = yield* Subject.spawn()
          watched.push(ref)
          yield* watcher.ask("Do", watching)
          yield* ActorRef.stop(ref)
        }).pipe(ActorSystem.provideScope)
        for (let n = 0; n < COUNT / BATCH; n++) {
          yield* Effect.all(Array.from({ length: BATCH }, () => one), {
            concurrency: "unbounded",
            discard: true
          })
        }
        while ((yield* watcher.ask("Heard")).length < COUNT) yield* Effect.yieldNow
        yield* ActorRef.stop(watcher)
      })
      const both = Effect.all([heap, probe.ask("Heap")])
      // Tables grow to what they need at most between two collections, and stay so: after a few rounds they have.
      const rounds: Array<ReadonlyArray<number>> = []
      for (let n = 0; n < 8; n++) {
        yield* round
        rounds.push(yield* both)
      }
      const [before, after] = [rounds[2]!, rounds[7]!]
      const left = after.map((bytes, n) => (bytes - before[n]!) / (5 * COUNT))
      for (const bytes of left) assert.isBelow(bytes, 4, `${left.join(" and ")} bytes an actor`)
    }).pipe(Effect.provide(workers({ workers: 1 }))),
  60_000
)
