/** The instances of the swarms measured, and the same as plain objects and as bare typed arrays. */
import * as Actor from "@troupe/runtime/Actor"
import * as Layout from "@troupe/runtime/Layout"
import * as Swarm from "@troupe/runtime/Swarm"
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

/** 20 bytes: a float and an integer that are updated from a third. */
const state = Schema.Struct({ position: Schema.Number, ticks: Layout.Int32, speed: Schema.Number })

/** Turns only when they are asked for, so that what is timed is one turn. */
export const Car = Swarm.make("Car", {
  protocol: RpcGroup.make(
    Rpc.make("Drive", { payload: { seconds: Schema.Number } }),
    Rpc.make("Columns", { payload: { seconds: Schema.Number } }),
    Rpc.make("Work", { payload: { seconds: Schema.Number } }),
    Rpc.make("Read", { success: Schema.Number })
  ),
  state,
  turns: "manual"
})

/** How often a car of the first chunks calculates for one of the others. */
const uneven = 64

export const layer = Car.toLayer({
  handlers: {
    Drive: (car, { seconds }) => {
      car.position += car.speed * seconds
      car.ticks += 1
    },
    Columns: (car, { seconds }) => {
      car.position += car.speed * seconds
      car.ticks += 1
    },
    Work: (car, { seconds }) => {
      const times = car.speed < 0 ? uneven : 1
      let position = car.position
      for (let n = 0; n < times; n++) position = Math.sin(position) + seconds
      car.position = position
      car.ticks += 1
    },
    Read: (car) => Actor.reply(car, car.ticks)
  },
  columns: {
    Columns: ({ position, speed, ticks }, from, to, { seconds }) => {
      for (let row = from; row < to; row++) {
        position[row]! += speed[row]! * seconds
        ticks[row]! += 1
      }
    }
  }
})

/** How many there are. */
export const cars = 1_000_000

/** A population of its own. */
export const population = Effect.gen(function*() {
  const population = yield* Car.population
  yield* population.spawnMany(cars, (index) => ({ position: 0, ticks: 0, speed: index % 7 }))
  return population
})
