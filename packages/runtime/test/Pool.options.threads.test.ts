import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Doomed, Ledger } from "./fixtures/Doomed.ts"
import { pool } from "./fixtures/doomedPool.ts"

describe("The workers of a pool", () => {
  it.live("have the environment that they are given, over that of the process", () => {
    Ledger.make()
    return Effect.gen(function*() {
      const one = yield* Doomed.keyed("1")
      assert.strictEqual(yield* one.ask("Env", { name: "TROUPE_TEST" }), "over there")
      assert.strictEqual(yield* one.ask("Env", { name: "PATH" }), process.env["PATH"])
      assert.isUndefined(process.env["TROUPE_TEST"])
    }).pipe(Effect.provide(pool({ workers: 1, env: { TROUPE_TEST: "over there" } })))
  }, 30_000)

  // Elsewhere there is no way to do it: see the option.
  it.live.runIf(process.platform === "linux")("run on the cores that they are given", () => {
    Ledger.make()
    return Effect.gen(function*() {
      const one = yield* Doomed.keyed("1")
      assert.strictEqual(yield* one.ask("Cores"), "0")
    }).pipe(Effect.provide(pool({ workers: 1, cores: () => [0] })))
  }, 30_000)

  it.live("run all the same where they cannot be kept on those cores", () => {
    Ledger.make()
    return Effect.gen(function*() {
      const one = yield* Doomed.keyed("1")
      assert.strictEqual(yield* one.ask("Thread"), "troupe-1")
    }).pipe(Effect.provide(pool({ workers: 1, cores: () => [100_000] })))
  }, 30_000)
})
