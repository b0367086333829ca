import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorId from "@troupe/runtime/ActorId"
import type { ActorRef } from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Ask from "@troupe/runtime/Ask"
import * as Broadcast from "@troupe/runtime/Broadcast"
import * as Layout from "@troupe/runtime/Layout"
import * as MapReduce from "@troupe/runtime/MapReduce"
import * as Memory from "@troupe/runtime/Memory"
import * as Message from "@troupe/runtime/Message"
import * as Swarm from "@troupe/runtime/Swarm"
import type { SwarmError } from "@troupe/runtime/SwarmError"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Reducer from "effect/Reducer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"

class TooFast extends Schema.TaggedError<TooFast>()("TooFast", { by: Schema.Number }) {}

class Radar extends Context.Service<Radar, { readonly limit: Effect.Effect<number> }>()("test/Radar") {}

const protocol = RpcGroup.make(
  Rpc.make("Drive", { payload: { seconds: Schema.Number } }),
  Rpc.make("Accelerate", { payload: { by: Schema.Number }, success: Schema.Number, error: TooFast }),
  Rpc.make("Where", { success: Schema.Number }).pipe(Message.essential),
  Rpc.make("Check", { success: Schema.Boolean }),
  Rpc.make("Owe", { success: Schema.Number }),
  Rpc.make("Wreck", { payload: { how: Schema.Literals(["throw", "crash", "die", "bad value"]) } }),
  Rpc.make("Scrap", { success: Schema.Number }),
  Rpc.make("Copy"),
  Rpc.make("Bear", { success: ActorId.ActorId }),
  Rpc.make("Ping", { payload: { to: ActorId.ActorId } }),
  Rpc.make("Draw", { success: Schema.Tuple([Schema.Number, Schema.Number]) })
)

const make = (options: Swarm.Options) =>
  Swarm.make("Car", {
    ...options,
    protocol,
    state: Schema.Struct({
      position: Schema.Number,
      speed: Layout.Float32,
      lane: Layout.Uint8,
      plate: Schema.String,
      friend: Schema.optionalKey(ActorId.ActorId),
      route: Schema.Array(Schema.Int)
    }),
    chunkRows: 64
  })
type Car = ReturnType<typeof make>

const owed: Array<{ succeed(value: number): void }> = []

const live = (Car: Car) =>
  Car.toLayer({
    handlers: {
      Drive: (car, { seconds }) => {
        car.position += car.speed * seconds
      },
      Accelerate: (car, { by }) => {
        if (by > 100) return Actor.fail(car, new TooFast({ by }))
        car.speed += by
        return Actor.reply(car, car.speed)
      },
      Where: (car) => Actor.reply(car, car.position),
      Check: (car) =>
        Effect.gen(function*() {
          const limit = yield* (yield* Radar).limit
          car.lane = 7
          return Actor.reply(car, car.speed <= limit)
        }),
      Owe: (car, _, ctx) => {
        owed.push(ctx.replier!)
        return Actor.later(car)
      },
      Wreck: (car, { how }) => {
        car.position = -1
        car.plate = "half"
        car.route = []
        if (how === "throw") throw new Error("wrecked")
        if (how === "bad value") car.lane = 256
        return how === "die" ? Effect.die("wrecked") : Actor.crash(new Error("wrecked"))
      },
      Scrap: (car) => Actor.stop(car.position),
      Copy: (car, _, ctx) => {
        ctx.spawn(Car, {
          position: car.position + 1,
          speed: 1,
          lane: 1,
          plate: "copy",
          friend: ctx.id,
          route: []
        })
      },
      Bear: (self) =>
        Effect.gen(function*() {
          const cars = yield* Car.population
          return Actor.reply(self, yield* cars.spawn({ ...car, plate: "born" }))
        }).pipe(Effect.orDie),
      Ping: (car, { to }, ctx) => {
        car.friend = to
        ctx.tell(Car, to, "Drive", { seconds: 1 })
      },
      Draw: (car, _, ctx) => Actor.reply(car, [ctx.random(), ctx.random()] as const)
    }
  })

const car = { position: 0, speed: 10, lane: 1, plate: "B-XY 1", route: [1, 2, 3] }

const run = <A, E>(
  body: (
    Car: Car,
    latch: Deferred.Deferred<void>
  ) => Effect.Effect<A, E, Swarm.Hosted<"Car"> | ActorSystem.ActorSystem | Scope>,
  options: Swarm.Options = {}
) => {
  const Car = make(options)
  const latch = Deferred.makeUnsafe<void>()
  return body(Car, latch).pipe(
    Effect.scoped,
    Effect.provide(live(Car)),
    Effect.provide(ActorSystem.layer),
    Effect.provideService(Radar, { limit: Effect.as(Deferred.await(latch), 50) }),
    Effect.provide(Logger.layer([]))
  )
}

describe("Swarm", () => {
  describe("make", () => {
    it.effect("refuses a name that another swarm or an actor of its system has (S86)", () =>
      Effect.gen(function*() {
        const Namesake = Actor.make("Car", { protocol: RpcGroup.make(Rpc.make("Beep")) })
        const actor = Namesake.toLayer({
          state: Schema.Void,
          initial: () => undefined,
          handlers: { Beep: (state) => Actor.next(state) }
        })
        const swarm = live(make({}))
        const within = <A, E>(layer: Layer.Layer<A, E, ActorSystem.ActorSystem | Radar>) =>
          Effect.exit(Effect.asVoid(Layer.build(layer)))
        const refused = (exit: Exit.Exit<void, SwarmError>) => {
          const error = Exit.findErrorOption(exit)
          assert.strictEqual(Option.getOrThrow(error).reason, "NameTaken")
        }
        // Whose scope is closed has no name any more.
        yield* Effect.scoped(Effect.gen(function*() {
          yield* within(actor)
          refused(yield* within(Layer.fresh(swarm)))
        }))
        yield* within(swarm)
        refused(yield* within(Layer.fresh(swarm)))
        const dead = yield* within(Layer.fresh(actor))
        assert.include(
          String(Exit.isFailure(dead) && Cause.squash(dead.cause)),
          "Car: a swarm of this system has the name"
        )
      }).pipe(
        Effect.scoped,
        Effect.provide(ActorSystem.layer),
        Effect.provideService(Radar, { limit: Effect.succeed(1) })
      ))

    it("refuses what is no state, no chunk, no message", () => {
      const group = RpcGroup.make(Rpc.make("A"))
      const state = Schema.Struct({ a: Schema.Number })
      assert.throws(() => Swarm.make("", { protocol: group, state }), /needs a name/)
      assert.throws(() => Swarm.make("S", { protocol: group, state, chunkRows: 100 }), /power of two/)
      assert.throws(() =>
        Swarm.make("S", { protocol: group, state: Schema.Struct({ f: Schema.instanceOf(WeakMap) }) })
      )
      const wide = Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`f${i}`, Schema.Number]))
      assert.throws(() => Swarm.make("S", { protocol: group, state: Schema.Struct(wide) }), /62 fields/)
    })
  })

  describe("messages", () => {
    it.live("are handled as an actor's are: told, asked, refused, owed (S80)", () =>
      run(Effect.fnUntraced(function*(Car) {
        const cars = yield* Car.population
        const id = yield* cars.spawn(car)
        yield* cars.tell(id, "Drive", { seconds: 2 })
        assert.strictEqual(yield* cars.ask(id, "Where"), 20)
        const ref: ActorRef<RpcGroup.Rpcs<typeof protocol>> = cars.ref(id)
        assert.strictEqual(yield* ref.ask("Accelerate", { by: 5 }), 15)
        assert.strictEqual((yield* Effect.flip(ref.ask("Accelerate", { by: 500 })))._tag, "TooFast")
        const fiber = yield* Effect.forkChild(ref.ask("Owe"))
        while (owed.length === 0) yield* Effect.yieldNow
        assert.strictEqual((yield* cars.stats).owed, 1)
        owed.pop()!.succeed(42)
        assert.strictEqual(yield* Fiber.join(fiber), 42)
        // Ending before the answer is given abandons it.
        const waiting = yield* Effect.forkChild(Effect.flip(ref.ask("Owe")))
        while (owed.length === 0) yield* Effect.yieldNow
        yield* cars.end(id)
        assert.include(String(yield* Fiber.join(waiting)), "ended")
        owed.pop()
      })))

    it.live("reach one, many, all, and those that a predicate chooses (S82)", () =>
      run(
        Effect.fnUntraced(function*(Car) {
          const cars = yield* Car.population
          yield* cars.spawnMany(200, (index) => ({ ...car, speed: index }))
          const ids = yield* cars.ids
          const drive = { seconds: 1 }
          assert.strictEqual(yield* cars.tellMany(ids.slice(0, 3), "Drive", drive), 3)
          assert.strictEqual(
            yield* cars.tellWhere((columns, row) => columns.speed[row]! >= 190, "Drive", drive),
            10
          )
          yield* cars.broadcast("Drive", drive)
          yield* cars.step
          const at = yield* Effect.forEach(ids, (id) => cars.ask(id, "Where"))
          assert.deepStrictEqual(at, ids.map((_, i) => (i < 3 || i >= 190 ? 2 : 1) * i))
        }),
        { turns: "auto" }
      ))

    it.effect("wait for a step where turns are manual (S81)", () =>
      run(
        Effect.fnUntraced(function*(Car) {
          const cars = yield* Car.population
          const [a, b] = [yield* cars.spawn(car), yield* cars.spawn(car)]
          yield* cars.tell(a, "Ping", { to: b })
          yield* cars.broadcast("Drive", { seconds: 1 })
          assert.strictEqual((yield* cars.stats).waiting, 1)
          const turn = yield* cars.step
          assert.deepStrictEqual(turn, { turn: 1, handled: 3, failed: 0, born: 0, ended: 0 })
          const state = Option.getOrThrow(yield* cars.get(b))
          assert.strictEqual(state.position, 10)
          // What a handler told is the next turn's.
          assert.strictEqual((yield* cars.step).handled, 1)
          assert.strictEqual(Option.getOrThrow(yield* cars.get(b)).position, 20)
          assert.isTrue(ActorId.Equivalence(Option.getOrThrow(yield* cars.get(a)).friend!, b))
        }),
        { turns: "manual" }
      ))

    it.effect("by an identity of another swarm, or another machine, reach nobody (S86)", () =>
      run(Effect.fnUntraced(function*(Car) {
        const cars = yield* Car.population
        const [first, second] = [yield* cars.spawn(car), yield* cars.spawn(car)]
        const strangers = [
          ActorId.make({ ...first, type: first.type + 1 }),
          ActorId.make({ ...first, machine: first.machine + 1 })
        ]
        for (const id of strangers) {
          assert.isFalse(cars.tellUnsafe(id, "Drive", { seconds: 1 }))
          yield* cars.tell(second, "Ping", { to: id })
          yield* Effect.flip(cars.ask(id, "Where"))
          assert.isFalse(yield* cars.end(id))
          assert.isTrue(Option.isNone(yield* cars.get(id)))
        }
        yield* cars.ask(second, "Where")
        // What `Ping` has told is handled before what is asked now.
        assert.strictEqual(yield* cars.ask(first, "Where"), 0)
        assert.strictEqual((yield* cars.stats).messages["Drive"]!.dead, 4)
      })))

    it.effect("to those that have ended are dead letters, and asks say so (S86)", () =>
      run(
        Effect.fnUntraced(function*(Car) {
          const cars = yield* Car.population
          const system = yield* ActorSystem.ActorSystem
          const letters = yield* Effect.forkChild(Stream.runCollect(Stream.take(system.deadLetters, 3)))
          yield* Effect.yieldNow
          const id = yield* cars.spawn(car)
          // Accepted, and too late: it ends itself in the same turn.
          yield* Effect.forkChild(cars.ask(id, "Scrap"))
          yield* Effect.yieldNow
          yield* cars.tell(id, "Drive", { seconds: 1 })
          yield* cars.step
          assert.strictEqual(cars.count, 0)
          const again = yield* cars.spawn(car)
          assert.strictEqual(again.instance, id.instance)
          assert.isFalse(cars.tellUnsafe(id, "Drive", { seconds: 1 }))
          const error = yield* Effect.flip(cars.ask(id, "Where"))
          assert.strictEqual(error._tag === "AskError" ? error.reason._tag : error, "DeadRef")
          const dead = yield* Fiber.join(letters)
          assert.deepStrictEqual(dead.map(({ reason, tag }) => [reason, tag]), [
            ["Ended", "Drive"],
            ["Ended", "Drive"],
            ["Ended", "Where"]
          ])
          const [{ deadLettered, handled, sent }] = (yield* system.stats) as [ActorSystem.ThreadStats]
          assert.strictEqual(sent, handled + deadLettered)
        }),
        { turns: "manual" }
      ))
  })

  describe("effects", () => {
    it.live("work on a copy, with services, and what comes meanwhile waits (S84)", () =>
      run(Effect.fnUntraced(function*(Car, latch) {
        const cars = yield* Car.population
        const id = yield* cars.spawn(car)
        const checked = yield* Effect.forkChild(cars.ask(id, "Check"), { startImmediately: true })
        yield* cars.tell(id, "Drive", { seconds: 1 })
        yield* cars.broadcast("Drive", { seconds: 1 })
        while ((yield* cars.stats).effects === 0) yield* Effect.yieldNow
        while ((yield* cars.stats).waiting < 2) yield* Effect.yieldNow
        const before = Option.getOrThrow(yield* cars.get(id))
        assert.deepStrictEqual([before.position, before.lane], [0, 1])
        yield* Deferred.succeed(latch, undefined)
        assert.isTrue(yield* Fiber.join(checked))
        assert.strictEqual(yield* cars.ask(id, "Where"), 20)
        const after = Option.getOrThrow(yield* cars.get(id))
        assert.deepStrictEqual([after.position, after.lane, after.plate], [20, 7, "B-XY 1"])
      })))

    it.live("know whom they have born", () =>
      run(Effect.fnUntraced(function*(Car) {
        const cars = yield* Car.population
        const child = yield* cars.ask(yield* cars.spawn(car), "Bear")
        assert.strictEqual(Option.getOrThrow(yield* cars.get(child)).plate, "born")
      })))

    it.live("are interrupted when their instance ends", () => {
      const done = Deferred.makeUnsafe<string>()
      const Slow = Swarm.make("Slow", {
        protocol: RpcGroup.make(Rpc.make("Wait", { success: Schema.Number })),
        state: Schema.Struct({ n: Schema.Number })
      })
      const SlowLive = Slow.toLayer({
        handlers: {
          Wait: () =>
            Effect.onInterrupt(Effect.never, () => Effect.asVoid(Deferred.succeed(done, "interrupted")))
        }
      })
      return Effect.gen(function*() {
        const slow = yield* Slow.population
        const id = yield* slow.spawn({ n: 1 })
        const asked = yield* Effect.forkChild(Effect.flip(slow.ask(id, "Wait")), { startImmediately: true })
        while ((yield* slow.stats).effects === 0) yield* Effect.yieldNow
        yield* slow.end(id)
        assert.strictEqual(yield* Deferred.await(done), "interrupted")
        assert.include(String(yield* Fiber.join(asked)), "ended")
      }).pipe(Effect.scoped, Effect.provide(SlowLive), Effect.provide(ActorSystem.layer))
    })
  })

  describe("failures", () => {
    for (const onFailure of ["end", "keep", "stop", "postMortem"] as const) {
      for (const how of ["throw", "crash", "die", "bad value"] as const) {
        it.live(`${how}, ${onFailure}: the row is as it was, the others are not touched (S85)`, () =>
          run(
            Effect.fnUntraced(function*(Car) {
              const cars = yield* Car.population
              yield* cars.spawnMany(100, () => car)
              const ids = yield* cars.ids
              const id = ids[70]!
              const failures = yield* Effect.forkChild(Stream.runCollect(Stream.take(cars.failures, 1)))
              yield* Effect.yieldNow
              yield* cars.tell(id, "Wreck", { how })
              const [failure] = yield* Fiber.join(failures)
              assert.deepStrictEqual([String(failure!.id), failure!.tag], [String(id), "Wreck"])
              const state = yield* cars.get(id)
              if (onFailure === "end") assert.isTrue(Option.isNone(state))
              else assert.deepStrictEqual(Option.getOrThrow(state), car)
              assert.strictEqual(cars.count, onFailure === "end" ? 99 : 100)
              if (onFailure === "stop") {
                assert.strictEqual((yield* Effect.flip(cars.awaitEnd)).reason, "HandlerFailed")
                assert.isFalse(cars.tellUnsafe(ids[0]!, "Drive", { seconds: 1 }))
                return
              }
              yield* cars.broadcast("Drive", { seconds: 1 })
              // A turn's messages go before its broadcasts.
              yield* cars.step
              assert.strictEqual(yield* cars.ask(ids[0]!, "Where"), 10)
              assert.strictEqual(yield* cars.ask(ids[99]!, "Where"), 10)
              const exit = yield* Effect.exit(cars.ask(id, "Where"))
              assert.strictEqual(Exit.isSuccess(exit), onFailure !== "end")
              if (onFailure === "keep") assert.deepStrictEqual(exit, Exit.succeed(10))
              if (onFailure === "postMortem") {
                // Where is essential; Drive is not, and was a dead letter.
                assert.deepStrictEqual(exit, Exit.succeed(0))
                assert.strictEqual((yield* cars.stats).messages["Drive"]!.dead, 1)
              }
            }),
            { onFailure }
          ))
      }
    }

    it.effect("of a broadcast's handler in the middle of a chunk: only that row's (S85)", () => {
      const Odd = Swarm.make("Odd", {
        protocol: RpcGroup.make(Rpc.make("Go"), Rpc.make("Columns")),
        state: Schema.Struct({ n: Layout.Int32, times: Layout.Int32 }),
        turns: "manual",
        onFailure: "keep",
        chunkRows: 64
      })
      const go = (row: { n: number; times: number }) => {
        row.times++
        if (row.n % 10 === 3) throw new Error("odd")
      }
      const OddLive = Odd.toLayer({
        handlers: { Go: go, Columns: go },
        columns: {
          Columns: ({ times }, from, to) => {
            for (let row = from; row < to; row++) times[row]!++
            throw new Error("all")
          }
        }
      })
      return Effect.gen(function*() {
        const odd = yield* Odd.population
        yield* odd.spawnMany(100, (n) => ({ n, times: 0 }))
        yield* odd.broadcast("Go")
        assert.deepStrictEqual(yield* odd.step, { turn: 1, handled: 100, failed: 10, born: 0, ended: 0 })
        for (const id of yield* odd.ids) {
          const { n, times } = Option.getOrThrow(yield* odd.get(id))
          assert.strictEqual(times, n % 10 === 3 ? 0 : 1)
        }
        // Of columns: all of the chunk's.
        yield* odd.broadcast("Columns")
        assert.strictEqual((yield* odd.step).failed, 100)
        // What it wrote stays.
        assert.strictEqual((yield* odd.columnStats)["times"]!.mean, 1.9)
      }).pipe(Effect.provide(OddLive), Effect.provide(ActorSystem.layer), Effect.provide(Logger.layer([])))
    })

    it.effect("of memory are typed, and what there is stays", () =>
      Effect.gen(function*() {
        const Small = Swarm.make("Small", {
          protocol: RpcGroup.make(Rpc.make("Go")),
          state: Schema.Struct({ n: Schema.Number }),
          chunkRows: 64
        })
        const error = yield* Effect.gen(function*() {
          const small = yield* Small.population
          yield* small.spawnMany(64, (n) => ({ n }))
          const error = yield* Effect.flip(small.spawn({ n: 1 }))
          assert.strictEqual(small.count, 64)
          const wrong = yield* Effect.flip(small.spawnMany(1, () => ({ n: "x" as never })))
          return [error.reason, wrong.reason]
        }).pipe(
          Effect.scoped,
          Effect.provide(Small.toLayer({ handlers: { Go: () => {} } })),
          Effect.provide(ActorSystem.layer),
          Effect.provide(Memory.layerHeap({ limit: 83_500 }))
        )
        assert.deepStrictEqual(error, ["Memory", "Memory"])
      }))

    it.effect("to fit a state leave no instance behind", () =>
      run(Effect.fnUntraced(function*(Car) {
        const cars = yield* Car.population
        const error = yield* Effect.flip(cars.spawn({ ...car, lane: 1000 }))
        assert.strictEqual(error.reason, "InvalidState")
        assert.strictEqual(cars.count, 0)
      })))
  })

  describe("random", () => {
    it.effect("depends on the seed, the instance and the turn (S83)", () =>
      Effect.gen(function*() {
        const draw = (seed: number) =>
          run(Effect.fnUntraced(function*(Car) {
            const cars = yield* Car.population
            yield* cars.spawnMany(3, () => car)
            const ids = yield* cars.ids
            return yield* Effect.forEach([...ids, ...ids], (id) => cars.ask(id, "Draw"))
          })).pipe(Effect.provideService(Swarm.Seed, seed))
        const one = yield* draw(1)
        assert.deepStrictEqual(yield* draw(1), one)
        assert.notDeepEqual(yield* draw(2), one)
        const all = one.flat()
        assert.strictEqual(new Set(all).size, all.length)
        assert.isTrue(all.every((n) => n >= 0 && n < 1))
      }))
  })

  describe("Broadcast.toProtocol", () => {
    it.live("reaches all instances of the swarms that understand the messages, and actors (S89)", () => {
      const group = RpcGroup.make(Rpc.make("Honk", { payload: { times: Schema.Number } }))
      const state = Schema.Struct({ honks: Schema.Number })
      const honk = (vehicle: { honks: number }, { times }: { readonly times: number }) => {
        vehicle.honks += times
      }
      const Bus = Swarm.make("Bus", { protocol: group, state })
      const Van = Swarm.make("Van", { protocol: group.add(Rpc.make("Load")), state })
      const Bike = Swarm.make("Bike", { protocol: RpcGroup.make(Rpc.make("Ring")), state })
      const Tram = Actor.make("Tram", { protocol: group.add(Rpc.make("Honks", { success: Schema.Number })) })
      const layers = Layer.mergeAll(
        Bus.toLayer({ handlers: { Honk: honk } }),
        Van.toLayer({ handlers: { Honk: honk, Load: () => {} } }),
        Bike.toLayer({ handlers: { Ring: () => {} } }),
        Tram.toLayer({
          state: Schema.Number,
          initial: () => 0,
          handlers: { Honk: (n, { times }) => Actor.next(n + times), Honks: (n) => Actor.reply(n, n) }
        })
      )
      return Effect.gen(function*() {
        const [buses, vans, bikes] = yield* Effect.all([Bus.population, Van.population, Bike.population])
        for (const swarm of [buses, vans, bikes]) yield* swarm.spawnMany(100, () => ({ honks: 0 }))
        const tram = yield* Tram.spawn()
        const everyone = yield* Broadcast.toProtocol(group)
        yield* everyone.tell("Honk", { times: 3 })
        for (const swarm of [buses, vans, bikes]) yield* swarm.step
        const heard = yield* Effect.forEach([buses, vans, bikes], (swarm) => swarm.columnStats)
        assert.deepStrictEqual(heard.map(({ honks }) => [honks!.min, honks!.max]), [[3, 3], [3, 3], [0, 0]])
        assert.strictEqual(yield* tram.ask("Honks"), 3)
      }).pipe(Effect.scoped, Effect.provide(layers), Effect.provide(ActorSystem.layer))
    })
  })

  describe("its life", () => {
    it.effect("ends with its layer: what waits is dead letters, and nothing is accepted any more", () =>
      Effect.gen(function*() {
        const Car = make({ turns: "manual" })
        const context = yield* Layer.build(ActorSystem.layer)
        const cars = yield* Effect.scoped(Effect.gen(function*() {
          const hosted = yield* Layer.build(live(Car))
          const cars = yield* Effect.provideContext(Car.population, hosted)
          const id = yield* cars.spawn(car)
          yield* cars.tell(id, "Drive", { seconds: 1 })
          return cars
        })).pipe(Effect.provideContext(context))
        yield* cars.awaitEnd
        assert.strictEqual((yield* Effect.flip(cars.spawn(car))).reason, "Ended")
        assert.strictEqual((yield* Effect.flip(cars.step)).reason, "Ended")
        assert.strictEqual((yield* cars.stats).messages["Drive"]!.dead, 1)
      }).pipe(Effect.scoped, Effect.provideService(Radar, { limit: Effect.succeed(1) })))
  })
})

describe("MapReduce", () => {
  const sum = Reducer.make((a: number, b: number) => a + b, 0)

  it.effect("combines instances in order, whole columns, and answers of instances", () =>
    run(Effect.fnUntraced(function*(Car) {
      const cars = yield* Car.population
      yield* cars.spawnMany(1000, (index) => ({ ...car, position: index, lane: index % 4 }))
      assert.strictEqual(
        yield* MapReduce.instances(cars, { map: ({ position }) => position, reducer: sum }),
        499_500
      )
      const order = yield* MapReduce.instances(cars, {
        map: ({ position }) => [position],
        reducer: Reducer.make<ReadonlyArray<number>>((a, b) => [...a, ...b], [])
      })
      assert.deepStrictEqual(order, Array.from({ length: 1000 }, (_, i) => i))
      const seen: Array<number> = []
      const lanes = yield* MapReduce.columns(cars, {
        make: () => new Float64Array(4),
        add: (lanes, { lane }, from, to) => {
          for (let row = from; row < to; row++) lanes[lane[row]!]!++
        },
        combine: (into, from) => from.forEach((n, i) => (into[i]! += n)),
        onProgress: ({ done }) => seen.push(done)
      })
      assert.deepStrictEqual(Array.from(lanes), [250, 250, 250, 250])
      assert.strictEqual(seen.at(-1), 1000)
      const refs = (yield* cars.ids).slice(0, 10).map((id) => cars.ref(id))
      assert.strictEqual(yield* Ask.reduce(refs, (ref) => ref.ask("Where"), sum), 45)
    })))
})
