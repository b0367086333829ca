/** What is left of actors that have come and gone. */
import { assert, describe, it } from "@effect/vitest"
import type * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Overseer from "@troupe/runtime/Overseer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { heap } from "./fixtures/heap.ts"
import { deed, Listener, ListenerLive, nothing, Puppet, PuppetLive } from "./fixtures/Puppet.ts"

const system = Layer.provideMerge(Layer.mergeAll(PuppetLive, ListenerLive), ActorSystem.layer)

const COUNT = 100_000

type Round = Effect.Effect<void, unknown, Layer.Success<typeof system>>

/** What is left after three rounds of what was not there after two, in bytes an actor. */
const left = (round: Round) =>
  Effect.gen(function*() {
    yield* round
    yield* round
    const before = yield* heap
    yield* round
    return ((yield* heap) - before) / COUNT
  }).pipe(Effect.provide(system))

/** Spawned one by one in one scope that stays open, each ended before the next thousand begins. */
const each = (
  use: (ref: Actor.Ref<typeof Puppet>, watcher: Actor.Ref<typeof Listener>) => Effect.Effect<unknown, unknown>
) =>
  Effect.gen(function*() {
    const watcher = yield* ActorSystem.provideScope(Listener.spawn(nothing))
    const spawn = ActorSystem.provideScope(Puppet.spawn(nothing))
    for (let n = 0; n < COUNT; n++) yield* use(yield* spawn, watcher)
    yield* watcher.ask("Do", deed((ctx) => assert.lengthOf(ctx.children, 0)))
    yield* ActorRef.stop(watcher)
  })

describe("a hundred thousand actors leave no memory behind", () => {
  const watched: Array<Actor.Ref<typeof Puppet>> = []
  const watching = deed((ctx) => {
    for (const ref of watched.splice(0)) ctx.watch(ref)
  })
  const unwatching = deed((ctx) => {
    for (const ref of watched.splice(0)) ctx.unwatch(ref)
  })
  const rounds: ReadonlyArray<readonly [sentence: string, round: Round]> = [
    [
      "when they are spawned, watched and stopped",
      each((ref, watcher) => {
        watched.push(ref)
        return Effect.andThen(watcher.ask("Do", watching), ref.ask("Stop"))
      })
    ],
    [
      "when they are killed while they are busy",
      each((ref) => {
        ref.tellUnsafe("Do", busy)
        return Effect.andThen(Effect.yieldNow, ActorRef.kill(ref))
      })
    ],
    [
      "when the watched one stays, and those that watch it go",
      Effect.gen(function*() {
        const stays = yield* ActorSystem.provideScope(Puppet.spawn(nothing))
        const watch = deed((ctx) => ctx.watch(stays))
        for (let n = 0; n < COUNT; n++) {
          yield* Effect.flatMap(ActorSystem.provideScope(Listener.spawn(watch)), (ref) => ref.ask("Stop"))
        }
        yield* ActorRef.stop(stays)
      })
    ],
    [
      "when they are watched no longer",
      each((ref, watcher) =>
        Effect.gen(function*() {
          watched.push(ref)
          yield* watcher.ask("Do", watching)
          watched.push(ref)
          yield* watcher.ask("Do", unwatching)
          yield* ActorRef.stop(ref)
        })
      )
    ],
    [
      "when they are restarted",
      Effect.gen(function*() {
        const child = yield* ActorSystem.provideScope(
          Overseer.spawn(Puppet, Overseer.make(() => Effect.succeed("restart")), nothing)
        )
        for (let n = 0; n < COUNT; n++) child.ref.tellUnsafe("Crash")
        yield* child.ref.ask("Heard")
        assert.strictEqual(yield* child.generation, COUNT)
        yield* child.end
      })
    ]
  ]
  const busy = deed(() => Effect.never)
  for (const [sentence, round] of rounds) {
    it.live(sentence, () => Effect.map(left(round), (bytes) => assert.isBelow(bytes, 4)), 60_000)
  }

  it.live("but would, if one object of each were kept", () =>
    Effect.gen(function*() {
      const kept: Array<unknown> = []
      const round = Effect.sync(() => {
        for (let n = 0; n < COUNT; n++) kept.push({ n })
      })
      assert.isAbove(yield* left(round), 4)
      assert.lengthOf(kept, 3 * COUNT)
    }))
})
