/** What becomes of lives that are tied to actors whose worker thread ends. */
import { assert, describe, it } from "@effect/vitest"
import * as ActorRef from "@troupe/runtime/ActorRef"
import type { AskError } from "@troupe/runtime/AskError"
import * as Overseer from "@troupe/runtime/Overseer"
import * as Placement from "@troupe/runtime/Placement"
import { SpawnError } from "@troupe/runtime/SpawnError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import { Being, Bounded, Hearing, Keyed } from "./fixtures/Being.ts"
import { textOf } from "./fixtures/beingLive.ts"
import { type Services, terminate, workers } from "./fixtures/beingPlaces.ts"
import { settled } from "./fixtures/doomedPool.ts"
import { fresh, letters } from "./fixtures/places.ts"
import { deed, Listener, nothing } from "./fixtures/Puppet.ts"
import { Gate } from "./fixtures/Subject.ts"

const named = (name: string, failing: ReadonlyArray<number> = []) => ({
  journal: fresh("death"),
  name,
  failing
})

const lost = "worker thread 1 ended"

const heard = Effect.fnUntraced(function*(
  ref: { ask(tag: "Heard"): Effect.Effect<ReadonlyArray<string>, unknown> },
  count: number
) {
  for (;;) {
    const lines = yield* ref.ask("Heard")
    if (lines.length >= count) return lines
    yield* Effect.yieldNow
  }
})

interface Told {
  readonly child: Overseer.Child
  readonly exit: string
}

const waiting = Effect.map(Queue.unbounded<Told>(), (told) => ({
  told: Queue.take(told),
  left: Queue.size(told),
  overseer: { held: (child, exit) => Queue.offer(told, { child, exit: textOf(exit) }) } as Overseer.Overseer
}))

const run = <E>(
  sentence: string,
  program: Effect.Effect<void, E, Services | Scope.Scope>,
  options: Parameters<typeof workers>[0] = { workers: 1 }
) => it.live(sentence, () => program.pipe(Effect.scoped, Effect.provide(workers(options))), 60_000)

const watch = (ref: ActorRef.ActorRef<never>) => deed((ctx) => ctx.watch(ref))

/** On the first worker. */
const first = <A, E, R>(spawn: Effect.Effect<A, E, R>) => Placement.on(spawn, 1)

describe("when a worker's thread ends", () => {
  run(
    "those that watch its actors are told, with a Cause of its own (S48)",
    Effect.gen(function*() {
      const being = yield* Being.spawn(named("it"))
      const key = yield* Keyed.keyed("key")
      yield* key.ask("Ping")
      const watcher = yield* Listener.spawn(nothing)
      for (const ref of [being, key]) yield* watcher.ask("Do", watch(ref))
      const ended = yield* Effect.forkChild(ActorRef.await(being), { startImmediately: true })
      // What was asked after it was watched has come after that.
      yield* being.ask("Ping")
      yield* terminate(1)
      assert.sameMembers([...(yield* heard(watcher, 2))], [
        `terminated Being: ${lost}`,
        `terminated Keyed key: ${lost}`
      ])
      assert.strictEqual(textOf(yield* Fiber.join(ended)), lost)
      // Who stops what is gone has nothing to wait for.
      yield* ActorRef.stop(being)
      yield* ActorRef.kill(being)
    })
  )

  run(
    "those on other workers too, and those that are linked die with them",
    Effect.gen(function*() {
      const being = yield* first(Being.spawn(named("it")))
      const watcher = yield* Placement.on(Hearing.spawn(named("watcher")), 2)
      const linked = yield* Placement.on(Being.spawn(named("linked")), 2)
      yield* watcher.ask("Watch", { other: being as never })
      yield* linked.ask("Link", { other: being as never })
      yield* being.ask("Ping")
      yield* terminate(1)
      assert.deepStrictEqual(yield* heard(watcher, 1), [`terminated Being: ${lost}`])
      assert.strictEqual(textOf(yield* ActorRef.await(linked)), `the linked actor Being failed: ${lost}`)
    }),
    { workers: 2 }
  )

  for (const kind of [Being, Bounded]) {
    run(
      `a ${kind.name} that is overseen is started again: same reference, and what waited is delivered`,
      Effect.gen(function*() {
        const { left, overseer, told } = yield* waiting
        const args = named("it")
        const child = yield* first(Overseer.spawn(kind as typeof Being, overseer, args))
        const { ref } = child
        const gate = fresh("gate")
        const watcher = yield* Listener.spawn(watch(ref))
        yield* ref.ask("Say", { line: "forgotten" })
        yield* ref.tell("Hang", { gate })
        const it = yield* Gate.keyed(gate)
        yield* it.ask("Reached")
        for (const line of ["one", "two"]) yield* ref.tell("Say", { line })
        // They wait on that thread.
        yield* Effect.flatMap(Keyed.keyed("other"), (other) => other.ask("Ping"))
        yield* terminate(1)
        const event = yield* told
        assert.strictEqual(event.exit, lost)
        assert.strictEqual(event.child, child)
        assert.isFalse(yield* child.resume)
        yield* ref.tell("Say", { line: "three" })
        yield* child.start
        assert.deepStrictEqual(yield* ref.ask("Heard"), ["one", "two", "three"])
        assert.strictEqual(yield* child.generation, 1)
        // A restart is not an end.
        assert.deepStrictEqual(yield* watcher.ask("Heard"), [])
        assert.strictEqual(yield* left, 0)
        // And it is overseen as before.
        yield* ref.tell("Fail", { how: "crashes" })
        assert.strictEqual((yield* told).exit, "spoiled for 3 days")
        yield* child.start
        yield* terminate(1)
        assert.strictEqual((yield* told).exit, lost)
        yield* child.start
        assert.deepStrictEqual(yield* ref.ask("Heard"), [])
        yield* ActorRef.kill(ref)
        yield* told
        yield* child.end
        assert.deepStrictEqual(yield* heard(watcher, 1), [`terminated ${kind.name}: interrupted`])
        const { deadLettered } = yield* settled
        assert.strictEqual(deadLettered, 0)
      })
    )
  }

  run(
    "those that refuse while they are down keep what came before, and answer Restarting after it (S106)",
    Effect.gen(function*() {
      const { overseer, told } = yield* waiting
      const refusing: Overseer.Overseer = { ...overseer, refuses: true }
      const children = yield* Effect.forEach(
        [Being, Bounded],
        (kind) => first(Overseer.spawn(kind as typeof Being, refusing, named("it")))
      )
      for (const { ref } of children) {
        const gate = fresh("gate")
        yield* ref.tell("Hang", { gate })
        yield* Effect.flatMap(Gate.keyed(gate), (it) => it.ask("Reached"))
        yield* ref.tell("Say", { line: "waited" })
      }
      yield* terminate(1)
      for (const _ of children) yield* told
      for (const { ref, start } of children) {
        const refused = Effect.map(Effect.flip(ref.ask("Heard")), (error) => (error as AskError).reason._tag)
        assert.strictEqual(yield* refused, "Restarting")
        yield* start
        assert.deepStrictEqual(yield* ref.ask("Heard"), ["waited"])
        // And so it is on the successor.
        yield* ref.tell("Fail", { how: "crashes" })
        yield* told
        assert.strictEqual(yield* refused, "Restarting")
      }
    })
  )

  run(
    "one that its overseer ends instead is dead, and what waited is dead letters",
    Effect.gen(function*() {
      const { overseer, told } = yield* waiting
      const child = yield* Overseer.spawn(Being, overseer, named("it"))
      const watcher = yield* Listener.spawn(watch(child.ref))
      yield* child.ref.ask("Ping")
      const dead = yield* letters(2, ({ actor }) => actor === "Being")
      yield* terminate(1)
      yield* told
      for (const line of ["one", "two"]) yield* child.ref.tell("Say", { line })
      yield* child.end
      assert.deepStrictEqual((yield* dead).map(({ reason, tag }) => `${reason} ${tag}`), [
        "Ended Say",
        "Ended Say"
      ])
      assert.deepStrictEqual(yield* heard(watcher, 1), [`terminated Being: ${lost}`])
      assert.strictEqual((yield* Effect.flip(child.ref.ask("Ping")))._tag, "AskError")
    })
  )

  run(
    "one that is held or halted then is not told of twice (S48)",
    Effect.gen(function*() {
      const { left, overseer, told } = yield* waiting
      const held = yield* Overseer.spawn(Being, overseer, named("held"))
      const halted = yield* Overseer.spawn(Being, overseer, named("halted"))
      const running = yield* Overseer.spawn(Being, overseer, named("running"))
      yield* held.ref.tell("Fail", { how: "throws" })
      yield* told
      yield* halted.halt
      yield* terminate(1)
      assert.strictEqual((yield* told).child, running)
      assert.strictEqual(yield* left, 0)
      for (const child of [held, halted, running]) {
        yield* child.start
        yield* child.ref.ask("Ping")
      }
    })
  )

  run(
    "its actors whose scope closes meanwhile end, and nobody waits for ever",
    Effect.gen(function*() {
      const { overseer, told } = yield* waiting
      const scope = yield* Scope.make()
      const child = yield* Effect.provideService(
        Overseer.spawn(Being, overseer, named("it")),
        Scope.Scope,
        scope
      )
      yield* terminate(1)
      yield* told
      yield* child.ref.tell("Ping")
      yield* Scope.close(scope, Exit.void)
      yield* child.start
      assert.strictEqual((yield* Effect.flip(child.ref.ask("Ping")))._tag, "AskError")
      const { deadLettered, handled } = yield* settled
      assert.deepStrictEqual({ deadLettered, handled: handled > 0 }, { deadLettered: 2, handled: true })
    })
  )

  run(
    "a restart directive brings back a tree of them, over and over",
    Effect.gen(function*() {
      const overseer = Overseer.make(() => Effect.succeed("restart"))
      const { journal } = named("")
      const children = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, n) => `${n}`),
        (name) => Overseer.spawn(Being, overseer, { journal, name })
      )
      for (let round = 1; round <= 4; round++) {
        yield* terminate(1 + round % 2)
        for (const [n, { ref }] of children.entries()) {
          yield* Effect.retry(
            Effect.gen(function*() {
              yield* ref.ask("Say", { line: `${n}` })
              assert.include(yield* ref.ask("Heard"), `${n}`)
            }),
            { times: 3 }
          )
        }
      }
      const generations = yield* Effect.forEach(children, ({ generation }) => generation)
      assert.deepStrictEqual(generations, children.map(() => 2))
    }),
    { workers: 2 }
  )

  run(
    "for good, its actors cannot be started again",
    Effect.gen(function*() {
      const { overseer, told } = yield* waiting
      const child = yield* Overseer.spawn(Being, overseer, named("it"))
      const watcher = yield* Listener.spawn(watch(child.ref))
      yield* child.ref.ask("Ping")
      yield* terminate(1)
      assert.strictEqual((yield* told).exit, lost)
      const error = yield* Effect.flip(child.start)
      assert.instanceOf(error, SpawnError)
      assert.strictEqual(error.message, `Being did not start: ${lost}`)
      yield* child.end
      assert.deepStrictEqual(yield* heard(watcher, 1), [`terminated Being: ${lost}`])
    }),
    { workers: 1, restarts: { times: 0, within: "1 minute" } }
  )
})
