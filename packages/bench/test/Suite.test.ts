import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import type * as Scenario from "../src/Scenario.ts"
import * as Suite from "../src/Suite.ts"

const available = ["local.ask", "local.tell.floor", "local.tell.plain", "ring.1p1c"]
const builtIn = fileURLToPath(Suite.defaultDirectory)
const alternatives = fileURLToPath(new URL("../alternatives/", import.meta.url))
const fixtures = fileURLToPath(new URL("./fixtures/", import.meta.url))

describe("Suite", () => {
  describe("select", () => {
    const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>, ReadonlyArray<string>]> = [
      ["takes all if nothing is asked for", [], available],
      ["takes a name as it is", ["local.ask"], ["local.ask"]],
      ["takes * for any characters", ["local.tell.*"], ["local.tell.floor", "local.tell.plain"]],
      ["takes ? for one character", ["ring.?p?c"], ["ring.1p1c"]],
      ["takes each once, in the suite's order", ["ring.*", "local.tell.plain", "*.plain"], [
        "local.tell.plain",
        "ring.1p1c"
      ]]
    ]
    for (const [sentence, patterns, chosen] of cases) {
      it.effect(sentence, () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* Suite.select(available, patterns), chosen)
        }))
    }

    for (const pattern of ["local.tel", "local", "ocal.ask", "localXask", "[a-z]*", "("]) {
      it.effect(`knows no scenario by ${pattern}`, () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(Suite.select(available, ["local.ask", pattern]))
          assert.instanceOf(error, Suite.UnknownScenario)
          assert.include(error.message, pattern)
        }))
    }
  })

  describe("names", () => {
    it.effect("are those of the directory's modules", () =>
      Effect.gen(function*() {
        const names = yield* Suite.names(builtIn)
        assert.includeMembers([...names], [
          "local.tell.floor",
          "local.tell.queue-fiber.take-all",
          "threads.ask.message-port"
        ])
        assert.deepStrictEqual(names, names.toSorted())
      }).pipe(Effect.provide(NodeServices.layer)))

    it.effect("of a directory that is not there are an error", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Suite.names("/no/such/directory"))
        assert.instanceOf(error, Suite.BadSuite)
      }).pipe(Effect.provide(NodeServices.layer)))
  })

  describe("load", () => {
    /** The unit that a scenario's name promises. */
    const unitOf = (name: string): ReadonlyArray<Scenario.Unit> =>
      /\.bytes(\.|$)/.test(name)
        ? ["B"]
        : /\.ping-pong\.|^local\.spawn(\.|$)|\.one-way\.|^threads\.ask(\.|$)|^ring\./.test(name)
        ? ["ns"]
        : ["ops/s", "ns", "ratio"]

    it.effect("gives every design that lost", () =>
      Effect.gen(function*() {
        const names = yield* Suite.names(alternatives)
        assert.isNotEmpty(names)
        for (const name of names) yield* Suite.load(alternatives, name)
      }).pipe(Effect.provide(NodeServices.layer)))

    it.effect("gives every scenario, in the unit that its name promises", () =>
      Effect.gen(function*() {
        for (const name of yield* Suite.names(builtIn)) {
          const scenario = yield* Suite.load(builtIn, name)
          assert.include(unitOf(name), scenario.unit, name)
          if (scenario.unit !== "ratio") {
            assert.strictEqual(scenario.better, scenario.unit === "ops/s" ? "higher" : "lower", name)
          }
          assert.property(scenario.params, "face", name)
        }
      }).pipe(Effect.provide(NodeServices.layer)), 20_000)

    it.effect("fails for a module that is not a scenario", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Suite.load(fixtures, "not-a-scenario"))
        assert.include(error.message, "not-a-scenario does not export a scenario")
      }).pipe(Effect.provide(NodeServices.layer)))
  })
})
