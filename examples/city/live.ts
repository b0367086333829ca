/** How cars and junctions behave. Both know the map, which follows from the number of cars. */
import { Actor, type ActorRef } from "@troupe/runtime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import { Car, type Going } from "./Car.ts"
import * as Grid from "./Grid.ts"
import { Junction } from "./Junction.ts"

/** Metres a second that a car is faster after a second. */
const acceleration = 3
/** Cars that a green light lets through in a second, from each side. */
const through = 4
/** Seconds until the lights change. */
const phase = 15

/** The chances that a car turns to the middle of the city, to the right, and to the left; else it goes straight on. */
const [toMiddle, right, left] = [0.15, 0.15, 0.15]

const streetAfter = (grid: Grid.Grid, street: number, chance: number): number => {
  const junction = grid.end[street]!
  const direction = Grid.directionOf(street)
  if (chance < toMiddle) return Grid.leaving(junction, grid.inwards[junction]!)
  if (chance < toMiddle + right) return Grid.leaving(junction, direction + 1)
  return Grid.leaving(junction, chance < toMiddle + right + left ? direction + 3 : direction)
}

const carLive = (grid: Grid.Grid) =>
  Car.toLayer(Effect.gen(function*() {
    const byKey = yield* Junction.byKey
    const junctions = Array.from({ length: grid.junctions }, (_, junction) => byKey(String(junction)))
    return Car.of({
      handlers: {
        Drive: (car, _, ctx) => {
          if (car.waiting) return
          const { street } = car
          const speed = Math.min(car.speed + acceleration, car.pace * grid.limit[street]!)
          const offset = car.offset + speed
          if (offset < Grid.length) {
            car.offset = offset
            car.speed = speed
            return
          }
          car.offset = Grid.length
          car.speed = 0
          car.waiting = true
          ctx.send(junctions[grid.end[street]!]!, "Arrive", {
            car: ctx.self,
            direction: Grid.directionOf(street),
            street: streetAfter(grid, street, ctx.random())
          })
        },
        Go: (car, { street }) => {
          car.street = street
          car.offset = 0
          car.waiting = false
          car.passed++
        }
      }
    })
  }))

/** A car that stands before a light. */
interface Waiting {
  readonly car: ActorRef.ActorRef<RpcGroup.Rpcs<typeof Going>>
  readonly street: number
}

/** Those that have come in one direction: the first of them stands at `first`. */
interface Queue {
  readonly cars: Array<Waiting>
  first: number
}

const junctionLive = Junction.toLayer({
  state: Actor.opaque<ReadonlyArray<Queue>>(),
  initial: () => Array.from({ length: Grid.directions }, () => ({ cars: [], first: 0 })),
  handlers: {
    Arrive: (queues, { car, direction, street }) => {
      queues[direction]!.cars.push({ car, street })
      return Actor.next(queues)
    },
    Turn: (queues, { turn }, ctx) => {
      // The lights of neighbours do not change at the same moment.
      const green = Math.floor((turn + Number(ctx.key) * 7) / phase) % 2
      for (let direction = green; direction < Grid.directions; direction += 2) {
        const queue = queues[direction]!
        const end = Math.min(queue.cars.length, queue.first + through)
        for (; queue.first < end; queue.first++) {
          const { car, street } = queue.cars[queue.first]!
          ctx.send(car, "Go", { street })
        }
        if (queue.first > 64) queue.cars.splice(0, queue.first), queue.first = 0
      }
      return Actor.reply(queues, queues.reduce((sum, { cars, first }) => sum + cars.length - first, 0))
    }
  }
})

export const live = (cars: number) => Layer.provideMerge(carLive(Grid.make(cars)), junctionLive)
