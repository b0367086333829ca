/** The registry, groups and broadcasts: on one thread and across workers. */
import { assert, describe, it, layer } from "@effect/vitest"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Broadcast from "@troupe/runtime/Broadcast"
import * as Group from "@troupe/runtime/Group"
import * as Overseer from "@troupe/runtime/Overseer"
import * as Placement from "@troupe/runtime/Placement"
import * as Registry from "@troupe/runtime/Registry"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Deaf, Ear, Eye, type Hearer, Host, hosts, Listeners, Listening } from "./fixtures/Finding.ts"
import { host, live } from "./fixtures/findingLive.ts"

const entry = new URL("./fixtures/worker.finding.ts", import.meta.url)
const silent = Layer.succeed(References.MinimumLogLevel, "None")

const workers = (count: number) =>
  Layer.provideMerge(host, ActorSystem.layerWorkers({ entry, hosts, workers: count }))

const places = [
  ["on this thread", Layer.provideMerge(Layer.merge(live, host), ActorSystem.layer)],
  ["on a worker", workers(1)],
  ["on two workers", workers(2)]
] as const

let names = 0
const fresh = (): string => `name ${++names}`

/** Waits for an element that is wanted: each is the whole of what there is. */
const until = <A>(queue: Queue.Dequeue<A>, wanted: (a: A) => boolean): Effect.Effect<A> =>
  Effect.repeat(Queue.take(queue), { until: wanted })

const watch = <A, R>(stream: Stream.Stream<A, never, R>) =>
  Effect.gen(function*() {
    const queue = yield* Queue.unbounded<A>()
    yield* Effect.forkScoped(Stream.runForEach(stream, (a) => Queue.offer(queue, a)), {
      startImmediately: true
    })
    return queue
  })

for (const [place, system] of places) {
  describe(place, () => {
    layer(Layer.provide(system, silent), { excludeTestServices: true })((it) => {
      describe("Registry", () => {
        it.effect("S63: finds by name those that understand what is wanted, in their order", () =>
          Effect.gen(function*() {
            const name = fresh()
            const ear = yield* Ear.spawn()
            const eye = yield* Eye.keyed(name)
            const host = yield* Host.spawn()
            for (const ref of [yield* Deaf.spawn(), ear, eye, host]) yield* Registry.register(ref, name)
            const all = yield* Registry.all(Listening, name)
            assert.isTrue(Equal.equals(all, [ear, eye, host]))
            const found = yield* Registry.lookup(Eye, name)
            assert.isTrue(Option.isSome(found) && Equal.equals(found.value, eye))
            assert.deepStrictEqual(yield* Registry.lookup(Listening, fresh()), Option.none())
            // Under whatever name.
            const any = yield* Registry.all(Eye)
            assert.isTrue(any.some((ref) => Equal.equals(ref, eye)))
            assert.isFalse(any.some((ref) => Equal.equals(ref, ear)))
          }))

        it.effect("S63: what is registered by an actor is found by whoever hears of it, on any thread", () =>
          Effect.gen(function*() {
            const name = fresh()
            const ears = yield* Effect.all([Ear.spawn(), Ear.spawn(), Ear.keyed(name)])
            for (const [i, ear] of ears.entries()) {
              yield* ear.ask("Register", { name })
              for (const other of ears) {
                assert.isAtLeast(yield* other.ask("Found", { name }), other === ear ? i + 1 : 0)
              }
            }
            const queue = yield* watch(Registry.changes(Ear, name))
            const all = yield* until(queue, ({ length }) => length === 3)
            for (const [i, ref] of all.entries()) {
              yield* ref.tell("Hear", { line: `${i}` })
              assert.deepStrictEqual(yield* ref.ask("Heard"), [`${i}`])
              assert.isTrue(ears.some((ear) => Equal.equals(ear, ref)))
            }
          }))

        it.effect("S63: a scope that closes and an actor that ends take their registrations with them", () =>
          Effect.gen(function*() {
            const name = fresh()
            const queue = yield* watch(Registry.changes(Listening, name))
            const [ear, eye, host] = [yield* Ear.spawn(), yield* Eye.spawn(), yield* Host.spawn()]
            const scope = yield* Scope.make()
            yield* Effect.forEach(
              [ear, eye, host],
              (ref) => Scope.provide(Registry.register(ref, name), scope)
            )
            yield* until(queue, ({ length }) => length === 3)
            yield* ear.ask("Stop")
            const left = yield* until(queue, ({ length }) => length === 2)
            assert.isTrue(Equal.equals(left, [eye, host]))
            yield* host.ask("Stop")
            yield* until(queue, ({ length }) => length === 1)
            yield* Scope.close(scope, Exit.void)
            assert.deepStrictEqual(yield* Registry.all(Listening, name), [])
            // One that has ended already is not registered.
            yield* Registry.register(host, name)
            assert.deepStrictEqual(yield* Registry.all(Listening, name), [])
          }))

        it.effect("S63: a stream begins with what there is, and misses nothing that lasts", () =>
          Effect.gen(function*() {
            const name = fresh()
            const ears = yield* Effect.forEach(Arr.range(1, 20), () => Ear.spawn())
            const first = yield* Registry.changes(Ear, name).pipe(Stream.runHead)
            assert.deepStrictEqual(first, Option.some([]))
            const done = yield* Registry.changes(Ear, name).pipe(
              Stream.takeUntil(({ length }) => length === 20),
              Stream.runLast,
              Effect.forkChild({ startImmediately: true })
            )
            yield* Effect.forEach(ears, (ear) => Registry.register(ear, name))
            const last = Option.getOrThrow(yield* Fiber.join(done))
            assert.isTrue(Equal.equals(last, ears))
          }))
      })

      describe("Group", () => {
        it.effect("S64: has who has joined, from whichever thread, each once", () =>
          Effect.gen(function*() {
            const queue = yield* watch(Group.changes(Listeners))
            const scope = yield* Scope.make()
            const [ear, eye, host] = [yield* Ear.spawn(), yield* Eye.keyed(fresh()), yield* Host.spawn()]
            yield* ear.ask("Join")
            yield* Effect.forEach([eye, host, eye], (ref) => Scope.provide(Group.join(Listeners, ref), scope))
            yield* until(queue, ({ length }) => length === 3)
            assert.strictEqual(yield* ear.ask("Members"), 3)
            // Names and groups are not the same.
            assert.deepStrictEqual(yield* Registry.all(Listening, Listeners.name), [])
            yield* Scope.close(scope, Exit.void)
            const left = yield* until(queue, ({ length }) => length === 1)
            assert.isTrue(Equal.equals(left, [ear]))
            yield* ear.ask("Stop")
            yield* until(queue, ({ length }) => length === 0)
          }))

        it.effect("S65: a broadcast reaches each member once, in the order in which one sender sends", () =>
          Effect.gen(function*() {
            const scope = yield* Scope.make()
            const ears = yield* Effect.forEach(Arr.range(1, 6), () => Ear.spawn())
            const others = [yield* Eye.keyed(fresh()), yield* Host.spawn(), yield* Host.keyed("group")]
            const members: ReadonlyArray<Hearer> = [...ears, ...others]
            yield* Effect.forEach(
              [...members, ears[0]!],
              (ref) => Scope.provide(Group.join(Listeners, ref), scope)
            )
            const outsider = yield* Ear.spawn()
            const everyone = yield* Broadcast.toGroup(Listeners)
            for (const n of Arr.range(1, 50)) {
              yield* everyone.tell("Hear", { line: `all ${n}` })
              if (n === 25) { for (const member of members) member.tellUnsafe("Hear", { line: "each" }) }
            }
            const wanted = Arr.range(1, 50).flatMap((n) => n === 25 ? [`all ${n}`, "each"] : [`all ${n}`])
            for (const member of members) assert.deepStrictEqual(yield* member.ask("Heard"), wanted)
            assert.deepStrictEqual(yield* outsider.ask("Heard"), [])
            yield* Scope.close(scope, Exit.void)
            yield* everyone.tell("Hear", { line: "nobody" })
            assert.deepStrictEqual(yield* ears[0]!.ask("Heard"), wanted)
            const error = yield* Effect.flip(everyone.ask("Hear", { line: "?" }))
            assert.strictEqual(error.reason._tag, "InvalidMessage")
          }))
      })

      describe("Broadcast", () => {
        it.effect("S65: reaches all living actors of a contract, spawned and keyed, and nobody else", () =>
          Effect.gen(function*() {
            const [line, other] = [fresh(), fresh()]
            const ears = [yield* Ear.spawn(), yield* Ear.spawn(), yield* Ear.keyed(line)]
            const sleeping = yield* Ear.keyed(other)
            yield* Effect.forEach(ears, (ear) => ear.ask("Thread"))
            const gone = yield* Ear.spawn()
            yield* gone.ask("Stop")
            const eye = yield* Eye.spawn()
            const all = yield* Broadcast.toActors(Ear)
            yield* all.tell("Hear", { line })
            for (const ear of ears) assert.deepStrictEqual(yield* ear.ask("Heard"), [line])
            assert.deepStrictEqual(yield* sleeping.ask("Heard"), [])
            assert.deepStrictEqual(yield* eye.ask("Heard"), [])
          }))

        it.effect("S65: reaches all that understand a protocol, whatever their kind", () =>
          Effect.gen(function*() {
            const line = fresh()
            const all: ReadonlyArray<Hearer> = [
              yield* Ear.spawn(),
              yield* Eye.spawn(),
              yield* Eye.keyed(line),
              yield* Host.spawn()
            ]
            yield* Effect.forEach(all, (ref) => ref.ask("Heard"))
            const deaf = yield* Deaf.spawn()
            const listening = yield* Broadcast.toProtocol(Listening)
            yield* listening.tell("Hear", { line })
            for (const ref of all) assert.deepStrictEqual(yield* ref.ask("Heard"), [line])
            assert.deepStrictEqual(yield* deaf.ask("Heard"), [])
          }))

        it.effect("S65: from a worker, as from here; and on one thread alone where that is wanted", () =>
          Effect.gen(function*() {
            const line = fresh()
            const ears = yield* Effect.forEach(Arr.range(1, 4), () => Ear.spawn())
            const host = yield* Host.spawn()
            const threads = yield* Effect.forEach(ears, (ear) => ear.ask("Thread"))
            const [first] = ears
            yield* first!.ask("Broadcast", { to: "Ear", line: "a", reach: "here" })
            yield* first!.ask("Broadcast", { to: "Listening", line: "b", reach: "everywhere" })
            yield* Group.join(Listeners, host)
            yield* Group.join(Listeners, ears[3]!)
            yield* first!.ask("Broadcast", { to: "Listeners", line: "c", reach: "everywhere" })
            yield* first!.ask("Broadcast", { to: "Ear", line, reach: "everywhere" })
            for (const [i, ear] of ears.entries()) {
              // It comes from the first one's thread, and this question from here.
              const heard = yield* Effect.repeat(Effect.andThen(Effect.yieldNow, ear.ask("Heard")), {
                until: (heard) => heard.includes(line)
              })
              const wanted = [...threads[i] === threads[0] ? ["a"] : [], "b", ...i === 3 ? ["c"] : [], line]
              assert.deepStrictEqual(heard, wanted)
            }
            yield* Effect.repeat(host.ask("Heard"), { until: (heard) => heard.length === 2 })
            assert.deepStrictEqual(yield* host.ask("Heard"), ["b", "c"])
          }))

        it.effect("S10: each who hears it counts it as sent, and as handled", () =>
          Effect.gen(function*() {
            const { stats } = yield* ActorSystem.ActorSystem
            const sum = Effect.map(stats, (threads) =>
              threads.reduce((sum, { deadLettered, handled, sent }) =>
                sum + sent - handled - deadLettered, 0))
            const eyes = yield* Effect.forEach(Arr.range(1, 10), () =>
              Eye.spawn())
            const before = yield* sum
            const all = yield* Broadcast.toActors(Eye)
            yield* all.tell("Aim")
            yield* Effect.forEach(eyes, (eye) => eye.ask("Heard"))
            assert.strictEqual(yield* sum, before)
          }))

        it.effect("travels as a reference", () =>
          Effect.gen(function*() {
            const all = yield* Broadcast.toActors(Eye)
            assert.isTrue(ActorRef.understands(all, Listening))
            assert.isTrue(Equal.equals(all, all))
          }))
      })
    })
  })
}

describe("a thread that ends", () => {
  it.live("S63: takes with it what lived there and what it had registered; its successor hears of the rest", () =>
    Effect.gen(function*() {
      const name = fresh()
      const queue = yield* watch(Registry.changes(Ear, name))
      const [one, two] = yield* Effect.forEach([1, 2], (n) => Placement.on(Ear.spawn(), n))
      const lost = yield* Placement.on(Ear.spawn(), 1)
      const key = yield* Ear.keyed(name)
      yield* Registry.register(lost, name)
      yield* Registry.register(key, name)
      yield* one!.ask("Register", { name })
      yield* two!.ask("Register", { name })
      yield* until(queue, ({ length }) => length === 4)
      yield* Effect.exit(one!.ask("Exit"))
      const left = yield* until(queue, ({ length }) => length === 2)
      assert.isTrue(left.some((ref) => Equal.equals(ref, key)) && left.some((ref) => Equal.equals(ref, two)))
      const next = yield* Placement.on(Ear.spawn(), 1)
      yield* Effect.repeat(next.ask("Found", { name }), { until: (found) => found === 2 })
      yield* next.ask("Register", { name })
      yield* Effect.repeat(two!.ask("Found", { name }), { until: (found) => found === 3 })
    }).pipe(Effect.scoped, Effect.provide(Layer.provide(workers(2), silent))))

  it.live("S63: who is started again by his overseer stays registered, and is reached by the same references", () =>
    Effect.gen(function*() {
      const name = fresh()
      const { ref } = yield* Placement.on(
        Overseer.spawn(Ear, Overseer.make(() => Effect.succeed("restart"))),
        1
      )
      yield* Registry.register(ref, name)
      const other = yield* Placement.on(Ear.spawn(), 2)
      yield* Effect.repeat(other.ask("Found", { name }), { until: (found) => found === 1 })
      const exit = yield* Placement.on(Ear.spawn(), 1)
      yield* Effect.exit(exit.ask("Exit"))
      yield* Effect.repeat(Effect.exit(ref.ask("Heard")), { until: Exit.isSuccess })
      const found = yield* Registry.lookup(Ear, name)
      assert.isTrue(Option.isSome(found) && Equal.equals(found.value, ref))
      assert.strictEqual(yield* other.ask("Found", { name }), 1)
      yield* ref.ask("Stop")
      yield* Effect.repeat(other.ask("Found", { name }), { until: (found) => found === 0 })
      assert.deepStrictEqual(yield* Registry.lookup(Ear, name), Option.none())
    }).pipe(Effect.scoped, Effect.provide(Layer.provide(workers(2), silent))))
})
