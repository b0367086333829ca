/** A swarm whose memory is kept in files: the same cars as those of the other swarms. */
import * as MappedMemory from "@troupe/persistence/MappedMemory"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Layout from "@troupe/runtime/Layout"
import * as Swarm from "@troupe/runtime/Swarm"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

const Car = Swarm.make("Car", {
  protocol: RpcGroup.make(Rpc.make("Drive", { payload: { seconds: Schema.Number } })),
  state: Schema.Struct({ position: Schema.Number, ticks: Layout.Int32, speed: Schema.Number }),
  turns: "manual",
  keep: true
})

const CarLive = Car.toLayer({
  handlers: {
    Drive: (car, { seconds }) => {
      car.position += car.speed * seconds
      car.ticks += 1
    }
  }
})

/** A process's visit: it opens the swarm, and broadcasts once. How long both took, and what is there then. */
export interface Visit {
  readonly milliseconds: number
  readonly count: number
  /** The least and the greatest number of broadcasts that an instance has had, and the way that the last one has made. */
  readonly ticks: readonly [number, number]
  readonly position: number
}

/** Opens what is in a directory, or makes so many. */
export const visit = (directory: string, count: number): Effect.Effect<Visit, unknown> =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.gen(function*() {
      const cars = yield* Car.population
      if (cars.count === 0) {
        yield* cars.spawnMany(count, (index) => ({ position: 0, ticks: 0, speed: index % 7 }))
      }
      yield* cars.broadcast("Drive", { seconds: 0.5 })
      yield* cars.step
      const milliseconds = performance.now() - start
      const { position, ticks } = yield* cars.columnStats
      return {
        milliseconds,
        count: cars.count,
        ticks: [ticks!.min, ticks!.max] as const,
        position: position!.max
      }
    }).pipe(
      Effect.provide(Layer.fresh(CarLive)),
      Effect.provide(ActorSystem.layer),
      Effect.provide(MappedMemory.layer({ directory }))
    )
  })
