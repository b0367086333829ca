/**
 * The flights of the main job, with faults: an airport that only gets its messages late or in another order keeps its
 * state, and its figures are exact; one that fails loses it, and is counted again.
 */
import { ActorRef, ActorSystem } from "@troupe/runtime"
import { Faults } from "@troupe/supervision"
import { Effect, Layer, References } from "effect"
import { TestClock } from "effect/testing"
import { Airport, AirportLive } from "../flights/Airport.ts"
import { defaultInput } from "../flights/dataset.ts"
import * as Source from "../flights/Source.ts"
import { direct } from "../flights/verify.ts"
import { check, Digest, hits, messageKinds, type Scenario, settings, settle } from "./Scenario.ts"

interface Flight {
  readonly origin: string
  readonly destination: string
  readonly delay: number
}

/** Flights of each second that the scenario runs. */
const FLIGHTS_A_SECOND = 20_000

const flightsOf = (plan: Source.Plan) =>
  Effect.scoped(Effect.gen(function*() {
    const reader = yield* Source.open(plan, { strict: false })
    const flights: Array<Flight> = []
    for (const group of plan.groups) {
      const { codes, delay, destination, length, origin } = yield* reader.read(group)
      for (let i = 0; i < length; i++) {
        flights.push({ origin: codes[origin[i]!]!, destination: codes[destination[i]!]!, delay: delay[i]! })
      }
    }
    return flights
  }))

export const flights: Scenario = {
  description:
    "the main job's airports: exact where they keep their state, counted again where they lose it (one thread)",
  kinds: messageKinds,
  mistakes: {
    unheard: "nobody notes who failed: figures are not exact though state was kept, as far as one knows",
    "counts-on": "who failed is counted again on top of what he has"
  },
  run: (options) =>
    Effect.gen(function*() {
      const { seconds, seed } = options
      const { decided, mistaken, stopped } = settings(options)
      const plan = Source.take(
        yield* Effect.orDie(Source.inspect(defaultInput)),
        Math.max(1000, Math.round(seconds * FLIGHTS_A_SECOND))
      )
      const all = yield* Effect.orDie(flightsOf(plan))
      const expected = new Map(
        (yield* Effect.orDie(direct(plan, () => {}))).map((figures) => [figures.code, figures])
      )
      const failed = new Set<string>()
      const faults = yield* Faults.make({
        seed,
        rates: options.rates ?? { throw: 1e-4, kill: 1e-4, stop: 1e-4, delay: 1e-3, reorder: 1e-3 },
        victims: (_, tag) => tag === "Departed" || tag === "Arrived",
        onHit: (kind, { key }, tag) => {
          decided(`${kind} ${key} ${tag}`)
          if (kind !== "delay" && kind !== "reorder" && !mistaken("unheard")) failed.add(key!)
        }
      })
      const program = Effect.gen(function*() {
        const airport = yield* Airport.byKey
        const tell = Effect.fnUntraced(function*(counts: (code: string) => boolean) {
          let told = 0
          for (const { delay, destination, origin } of all) {
            if (counts(origin)) airport(origin).tellUnsafe("Departed", { destination, delay })
            if (counts(destination)) airport(destination).tellUnsafe("Arrived")
            // All that was told is handled before the next: how fast this machine is decides nothing.
            if (++told % 500 === 0) yield* settle
            if (stopped()) break
          }
          // What is late comes.
          yield* TestClock.adjust("1 second")
          yield* settle
          return told
        })
        const differing = Effect.gen(function*() {
          const codes: Array<string> = []
          for (const [code, figures] of expected) {
            const found = yield* Effect.orDie(airport(code).ask("Figures"))
            if (JSON.stringify(found) !== JSON.stringify(figures)) codes.push(code)
          }
          return codes
        })
        const told = yield* tell(() => true)
        // What they come to is known of all flights together.
        if (stopped()) {
          return [["flights", told], ["faults", yield* hits(faults)], [
            "holds",
            "not known: it was stopped"
          ]] as const
        }
        const inexact = yield* differing
        for (const code of inexact) {
          yield* check(failed.has(code), `${code} kept its state, and its figures are not exact`)
        }
        yield* faults.pause
        if (!mistaken("counts-on")) { for (const code of failed) yield* ActorRef.kill(airport(code)) }
        yield* tell((code) => failed.has(code))
        const still = yield* differing
        yield* check(still.length === 0, `counted again, and not exact: ${still.join(", ")}`)
        const digest = new Digest()
        digest.add([...failed].sort())
        return [
          ["flights", all.length],
          ["faults", yield* hits(faults)],
          ["exact at once", expected.size - failed.size],
          ["counted again", failed.size === 0 ? "none" : [...failed].sort().join(" ")],
          ["digest", digest.text]
        ] as const
      })
      return yield* program.pipe(
        Effect.provide(
          Layer.provideMerge(AirportLive, Layer.provide(ActorSystem.layer, Faults.layer(faults)))
        ),
        Effect.provideService(References.MinimumLogLevel, "None")
      )
    }).pipe(Effect.provide(TestClock.layer()))
}
