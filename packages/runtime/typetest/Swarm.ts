/** What must and must not compile, of swarms. */
import * as Actor from "@troupe/runtime/Actor"
import type { ActorId } from "@troupe/runtime/ActorId"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import type { AskError } from "@troupe/runtime/AskError"
import * as Layout from "@troupe/runtime/Layout"
import * as MapReduce from "@troupe/runtime/MapReduce"
import type { PoolError } from "@troupe/runtime/PoolError"
import type { Population } from "@troupe/runtime/Population"
import * as Swarm from "@troupe/runtime/Swarm"
import type { SwarmError } from "@troupe/runtime/SwarmError"
import type { WorkerPool } from "@troupe/runtime/WorkerPool"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Reducer from "effect/Reducer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import { type Equal, typed } from "./expect.ts"

class TooFast extends Schema.TaggedError<TooFast>()("TooFast", { by: Schema.Number }) {}
class Radar extends Context.Service<Radar, { readonly limit: number }>()("Radar") {}

const Drive = Rpc.make("Drive", { payload: { seconds: Schema.Number } })
const Speed = Rpc.make("Speed", { success: Schema.Number, error: TooFast })
const state = Schema.Struct({
  position: Schema.Number,
  lane: Layout.Uint8,
  on: Schema.Boolean,
  plate: Schema.String,
  at: Schema.Struct({ x: Schema.Number }),
  route: Schema.Array(Schema.Number)
})
const Car = Swarm.make("Car", { protocol: RpcGroup.make(Drive, Speed), state })

// ---- Behaviours

const live = Car.toLayer({
  handlers: {
    Drive: (car, { seconds }) => {
      car.position += seconds
      car.at.x = 1
      car.route = [...car.route, 1]
      // @ts-expect-error a value in managed memory is read anew each time: to change it in place would change nothing
      car.route.push(1)
      // @ts-expect-error no such field
      car.nothing = 1
      // @ts-expect-error another type
      car.plate = 1
    },
    Speed: (car) =>
      Effect.gen(function*() {
        const { limit } = yield* Radar
        return car.position > limit ? Actor.fail(car, new TooFast({ by: 1 })) : Actor.reply(car, 1)
      })
  },
  columns: {
    Drive: (columns, from, to, { seconds }) => {
      for (let row = from; row < to; row++) columns.position[row]! += seconds + columns.on[row]!
      // @ts-expect-error a struct is no column
      void columns.at
    }
  }
})
typed<
  Equal<typeof live, Layer.Layer<Swarm.Hosted<"Car">, SwarmError, ActorSystem.ActorSystem | Radar>>
>()

Car.toLayer({
  handlers: {
    Drive: () => {},
    // @ts-expect-error an answer is owed
    Speed: () => {}
  }
})
Car.toLayer({
  handlers: {
    Drive: () => {},
    // @ts-expect-error an answer of another type
    Speed: (car) => Actor.reply(car, "fast")
  }
})
Car.toLayer({
  // @ts-expect-error a message has no handler
  handlers: { Drive: () => {} }
})
Car.toLayer({
  handlers: {
    Drive: () => {},
    Speed: (car) => Actor.reply(car, 1),
    // @ts-expect-error no such message
    Fly: () => {}
  }
})

// ---- Populations

type Rpcs = typeof Drive | typeof Speed
declare const cars: Population<Rpcs, typeof state>
declare const id: ActorId
typed<Equal<Effect.Services<typeof Car.population>, Swarm.Hosted<"Car">>>()

void [
  cars.tell(id, "Drive", { seconds: 1 }) satisfies Effect.Effect<void>,
  cars.ask(id, "Speed") satisfies Effect.Effect<number, TooFast | AskError>,
  cars.broadcast("Drive", { seconds: 1 }) satisfies Effect.Effect<void>,
  cars.tellWhere(({ lane }, row) => lane[row] === 1, "Speed") satisfies Effect.Effect<number>,
  cars.spawn({ position: 1, lane: 1, on: true, plate: "", at: { x: 1 }, route: [] }),
  cars.ref(id).tell("Drive", { seconds: 1 }),
  MapReduce.instances(cars, {
    map: (car) => car.position,
    reducer: Reducer.make((a: number, b: number) => a + b, 0)
  }) satisfies Effect.Effect<number>,
  // @ts-expect-error no payload
  cars.tell(id, "Drive"),
  // @ts-expect-error no such message
  cars.broadcast("Fly"),
  // @ts-expect-error a field is missing
  cars.spawn({ position: 1 }),
  // @ts-expect-error no column of strings
  cars.tellWhere(({ plate }, row) => plate[row] === "x" && row.nothing, "Speed")
]

// ---- Pools

const pool = ActorSystem.layerWorkers({ entry: new URL("file:///"), hosts: [], swarms: [Car] })
typed<
  Equal<typeof pool, Layer.Layer<ActorSystem.ActorSystem | WorkerPool | Swarm.Hosted<"Car">, PoolError>>
>()
