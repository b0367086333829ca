/** Runs the city: second after second, with an eye on its cars. */
import {
  type Actor,
  ActorSystem,
  Ask,
  MapReduce,
  type PoolError,
  Swarm,
  type SwarmError
} from "@troupe/runtime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reducer from "effect/Reducer"
import * as Schema from "effect/Schema"
import { Car } from "./Car.ts"
import * as Grid from "./Grid.ts"
import { Junction } from "./Junction.ts"
import { live } from "./live.ts"

export interface Options {
  readonly cars: number
  readonly turns: number
  readonly workers: number
  readonly seed: number
  readonly onTurn: (turn: number) => void
}

/** What became of it. */
export interface Outcome {
  readonly grid: Grid.Grid
  readonly millis: number
  /** Messages handled, by cars and junctions, on all threads. */
  readonly messages: number
  readonly passed: number
  readonly waiting: number
  /** Bytes of the cars' memory. */
  readonly bytes: number
  /** Depends on where every car is: equal runs have equal ones. */
  readonly digest: number
  /** Cars on each of `segments` parts of every street. */
  readonly density: Float64Array
  readonly checks: number
}

/** Parts of a street, in the picture. */
export const segments = 20

/** Turns between two looks at whether all cars are there. */
const checkEvery = 30

/** There are cars that are not, or are twice, where they should be. */
export class Miscount
  extends Schema.TaggedError<Miscount>()("Miscount", { turn: Schema.Int, what: Schema.String })
{
  override get message(): string {
    return `after turn ${this.turn}: ${this.what}`
  }
}

const sum = Reducer.make((a: number, b: number) => a + b, 0)

/** Runs it on this thread alone, or on workers. */
export const run = (options: Options) =>
  simulate(options).pipe(
    Effect.provide(system(options)),
    Effect.provideService(Swarm.Seed, options.seed)
  )

type Services = ActorSystem.ActorSystem | Swarm.HostedOf<typeof Car> | Actor.HostedOf<typeof Junction>

const system = (
  { cars, workers }: Options
): Layer.Layer<Services, PoolError.PoolError | SwarmError.SwarmError> =>
  workers === 0
    ? Layer.provideMerge(live(cars), ActorSystem.layer)
    : ActorSystem.layerWorkers({
      entry: new URL("./worker.ts", import.meta.url),
      hosts: [Junction],
      swarms: [Car],
      workers,
      env: { CITY_CARS: String(cars) },
      resourceLimits: { maxYoungGenerationSizeMb: 128 }
    })

const simulate = Effect.fnUntraced(function*(options: Options) {
  const grid = Grid.make(options.cars)
  const cars = yield* Car.population
  const byKey = yield* Junction.byKey
  const junctions = Array.from({ length: grid.junctions }, (_, junction) => byKey(String(junction)))
  yield* cars.spawnMany(options.cars, (number) => ({
    number,
    street: number % grid.streets,
    offset: (number * 7919) % Grid.length,
    speed: 0,
    pace: 9 + (number * 31) % 11,
    waiting: false,
    passed: 0
  }))
  let checks = 0
  let waiting = 0
  const start = performance.now()
  for (let turn = 1; turn <= options.turns; turn++) {
    yield* cars.broadcast("Drive")
    yield* cars.step
    // Each junction has heard of the cars that came, and has told those that may go, when it answers.
    waiting = yield* Ask.reduce(junctions, (junction) => junction.ask("Turn", { turn }), sum, {
      concurrency: Infinity
    })
    options.onTurn(turn)
    if (turn % checkEvery === 0 || turn === options.turns) {
      yield* check(cars, grid, options.cars, turn, waiting)
      checks++
    }
  }
  const millis = performance.now() - start
  const threads = yield* (yield* ActorSystem.ActorSystem).stats
  const outcome: Outcome = {
    grid,
    millis,
    messages: threads.reduce((sum, { handled }) => sum + handled, 0),
    passed: yield* MapReduce.instances(cars, { map: ({ passed }) => passed, reducer: sum }),
    waiting,
    bytes: cars.byteLength,
    digest: yield* digest(cars),
    density: yield* density(cars, grid),
    checks
  }
  return outcome
})

type Cars = Effect.Success<typeof Car.population>

/** No car is lost and none is there twice, and those that wait are those that the junctions know of. */
export const check = Effect.fnUntraced(function*(
  cars: Cars,
  grid: Grid.Grid,
  count: number,
  turn: number,
  queued: number
) {
  const seen = new Uint8Array(count)
  const found = yield* MapReduce.columns(cars, {
    make: () => ({ cars: 0, waiting: 0, twice: 0, astray: 0 }),
    add: (found, { number, offset, street, waiting }, from, to) => {
      for (let row = from; row < to; row++) {
        if (seen[number[row]!] === 1) found.twice++
        seen[number[row]!] = 1
        if (!(street[row]! < grid.streets && offset[row]! >= 0 && offset[row]! <= Grid.length)) found.astray++
        found.waiting += waiting[row]!
      }
      found.cars += to - from
    },
    combine: (into, from) => {
      into.cars += from.cars
      into.waiting += from.waiting
      into.twice += from.twice
      into.astray += from.astray
    }
  })
  // Those that may go have been told, and will have heard of it in the next turn.
  const told = (yield* cars.stats).waiting
  const problem = found.cars !== count
    ? `${found.cars} cars of ${count}`
    : found.twice > 0
    ? `${found.twice} cars are there twice`
    : found.astray > 0
    ? `${found.astray} cars are nowhere`
    : found.waiting !== queued + told
    ? `${found.waiting} cars wait, and the junctions know of ${queued + told}`
    : undefined
  if (problem !== undefined) return yield* new Miscount({ turn, what: problem })
})

const digest = (cars: Cars) =>
  Effect.map(
    MapReduce.columns(cars, {
      make: () => ({ hash: 7 }),
      add: (digest, { number, offset, passed, street }, from, to) => {
        let { hash } = digest
        for (let row = from; row < to; row++) {
          hash = Math.imul(hash, 31) + number[row]! | 0
          hash = Math.imul(hash, 31) + street[row]! | 0
          hash = Math.imul(hash, 31) + Math.round(offset[row]! * 256) | 0
          hash = Math.imul(hash, 31) + passed[row]! | 0
        }
        digest.hash = hash
      },
      combine: (into, from) => {
        into.hash = Math.imul(into.hash, 31) + from.hash | 0
      }
    }),
    ({ hash }) => hash >>> 0
  )

const density = (cars: Cars, grid: Grid.Grid) =>
  MapReduce.columns(cars, {
    make: () => new Float64Array(grid.streets * segments),
    add: (density, { offset, street }, from, to) => {
      for (let row = from; row < to; row++) {
        const segment = Math.min(segments - 1, Math.floor(offset[row]! / Grid.length * segments))
        density[street[row]! * segments + segment]!++
      }
    },
    combine: (into, from) => {
      for (let i = 0; i < into.length; i++) into[i]! += from[i]!
    }
  })
