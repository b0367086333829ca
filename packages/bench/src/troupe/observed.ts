/** Scenarios whose systems observe their messages. */
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import type * as Scenario from "../Scenario.ts"

/** The same scenario, with metrics. */
export const withMetrics = (scenario: Scenario.Scenario): Scenario.Scenario => ({
  ...scenario,
  params: { ...scenario.params, metrics: true },
  setup: Effect.provideService(scenario.setup, ActorSystem.Metrics, true)
})

/** The same scenario, with a trace for this share of its messages. */
export const withTracing = (scenario: Scenario.Scenario, sample: number): Scenario.Scenario => ({
  ...scenario,
  params: { ...scenario.params, sample },
  setup: Effect.provideService(scenario.setup, ActorSystem.Tracing, { sample })
})

/** The same scenario, with a look for circles at each ask. */
export const withCycles = (scenario: Scenario.Scenario): Scenario.Scenario => ({
  ...scenario,
  params: { ...scenario.params, cycles: true },
  setup: Effect.provideService(scenario.setup, ActorSystem.DetectCycles, true)
})

/** The same scenario, where its actors can be inspected. */
export const withInspection = (scenario: Scenario.Scenario): Scenario.Scenario => ({
  ...scenario,
  params: { ...scenario.params, inspection: true },
  setup: Effect.provideService(scenario.setup, ActorSystem.Inspection, {})
})
