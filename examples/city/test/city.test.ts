import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { inflateSync } from "node:zlib"
import { ActorSystem } from "@troupe/runtime"
import { Car } from "../Car.ts"
import * as City from "../City.ts"
import * as Grid from "../Grid.ts"
import { live } from "../live.ts"
import * as Picture from "../Picture.ts"

const run = (workers: number, seed = 1) =>
  City.run({ cars: 5000, turns: 120, workers, seed, onTurn: () => {} })

describe("city", () => {
  it.live("is the same on 0, 1 and 2 workers, and no car is lost", () =>
    Effect.gen(function*() {
      const [none, one, two] = yield* Effect.forEach([0, 1, 2], (workers) => run(workers))
      assert.strictEqual(none!.checks, 4)
      assert.isAbove(none!.passed, 5000)
      assert.strictEqual(one!.digest, none!.digest)
      assert.strictEqual(two!.digest, none!.digest)
      assert.deepStrictEqual(two!.density, none!.density)
      assert.notStrictEqual((yield* run(0, 2)).digest, none!.digest)
    }), 60_000)

  it.effect("is found out when a car is lost, there twice, nowhere, or waits where nobody knows of it", () =>
    Effect.gen(function*() {
      const count = 100
      const grid = Grid.make(count)
      const found = (change: (car: typeof Car.state.Type) => typeof Car.state.Type | undefined) =>
        Effect.gen(function*() {
          const cars = yield* Car.population
          for (let number = 0; number < count; number++) {
            const car = change({ number, street: 0, offset: 1, speed: 0, pace: 9, waiting: false, passed: 0 })
            if (car !== undefined) yield* cars.spawn(car)
          }
          return yield* City.check(cars, grid, count, 7, 0)
        }).pipe(
          Effect.provide(live(count)),
          Effect.provide(ActorSystem.layer),
          Effect.flip,
          Effect.map(String)
        )
      const [lost, twice, nowhere, unknown] = yield* Effect.all([
        found((car) => car.number === 5 ? undefined : car),
        found((car) => car.number === 5 ? { ...car, number: 6 } : car),
        found((car) => car.number === 5 ? { ...car, street: grid.streets } : car),
        found((car) => car.number === 5 ? { ...car, waiting: true } : car)
      ])
      assert.include(lost, "after turn 7: 99 cars of 100")
      assert.include(twice, "1 cars are there twice")
      assert.include(nowhere, "1 cars are nowhere")
      assert.include(unknown, "1 cars wait, and the junctions know of 0")
    }))

  it("has streets that come back to where they began", () => {
    const grid = Grid.make(1_000_000)
    for (let direction = 0; direction < Grid.directions; direction++) {
      let junction = 5
      for (let n = 0; n < grid.side; n++) junction = grid.end[Grid.leaving(junction, direction)]!
      assert.strictEqual(junction, 5)
    }
  })

  it("draws a picture in which a street with cars is brighter", () => {
    const grid = Grid.make(1000)
    const density = new Float64Array(grid.streets * City.segments)
    const png = Picture.png(grid, density.with(0, 9))
    const view = new DataView(png.buffer)
    const size = view.getUint32(16)
    assert.deepStrictEqual(Array.from(png.slice(1, 4)), Array.from(new TextEncoder().encode("PNG")))
    const pixels = inflateSync(png.subarray(41, 41 + view.getUint32(33)))
    assert.strictEqual(pixels.length, size * (size * 3 + 1))
    const bright = Array.from({ length: size * size }, (_, i) => {
      const at = Math.floor(i / size) * (size * 3 + 1) + 1 + (i % size) * 3
      return pixels.subarray(at, at + 3).every((colour) => colour === 255)
    })
    // One piece of one street, two pixels wide.
    assert.strictEqual(bright.filter(Boolean).length, 2)
  })
})
