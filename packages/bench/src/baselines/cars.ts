/** The same cars as bare typed arrays, and as plain objects. */
import * as Effect from "effect/Effect"
import * as Scenario from "../Scenario.ts"
import { cars } from "../troupe/Car.ts"

export const loop = Effect.sync(() => {
  const position = new Float64Array(cars)
  const ticks = new Int32Array(cars)
  const speed = new Float64Array(cars)
  for (let i = 0; i < cars; i++) speed[i] = i % 7
  const payload = { seconds: 0.5 }
  let turns = 0
  return {
    run: (instances: number) =>
      Effect.sync(() => {
        for (let n = 0; n < instances; n += cars) {
          const { seconds } = payload
          for (let i = 0; i < cars; i++) {
            position[i]! += speed[i]! * seconds
            ticks[i]! += 1
          }
          turns++
        }
      }),
    check: () => Scenario.expect("position", position[6]!, 3 * turns)
  }
})

export const objects = Effect.sync(() => {
  const all = Array.from({ length: cars }, (_, i) => ({ position: 0.5, ticks: 0, speed: (i % 7) + 0.1 }))
  const payload = { seconds: 0.5 }
  let turns = 0
  return {
    run: (instances: number) =>
      Effect.sync(() => {
        for (let n = 0; n < instances; n += cars) {
          for (const car of all) {
            car.position += car.speed * payload.seconds
            car.ticks += 1
          }
          turns++
        }
      }),
    check: () => Scenario.expect("ticks", all[6]!.ticks, turns)
  }
})

/** The sum of a typed array. */
export const sum = Effect.sync(() => {
  const speed = new Float64Array(cars)
  for (let i = 0; i < cars; i++) speed[i] = i % 7
  return {
    run: (instances: number) =>
      Effect.sync(() => {
        let all = 0
        for (let n = 0; n < instances; n += cars) {
          for (let i = 0; i < cars; i++) all += speed[i]!
        }
        return all
      }),
    check: (all: number, instances: number) =>
      Scenario.expect("sum", all, instances / cars * speed.reduce((a, b) => a + b, 0))
  }
})
