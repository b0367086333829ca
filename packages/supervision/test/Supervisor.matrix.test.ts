/** Strategy x restart type x end x directive, where supervisor and children live on one thread. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { Child, Supervisor } from "../src/index.ts"
import { deeds, ends, refsOf, rows, strategies, supervisorOf, verify } from "./fixtures/matrix.ts"
import { journal, listen, reset, system, Worker } from "./fixtures/Worker.ts"

const kinds = Object.keys(ends) as ReadonlyArray<keyof typeof ends>

describe("Supervisor, of actors on its thread", () => {
  for (const strategy of strategies) {
    describe(strategy, () => {
      for (const row of rows(strategy, kinds)) {
        it.effect(row.sentence, () =>
          Effect.gen(function*() {
            yield* reset
            const supervisor = supervisorOf(row, "Root", (id, options) =>
              Child.actor(id, Worker, { ...options, args: id }))
            const context = yield* Layer.build(
              Supervisor.layer(supervisor) as Layer.Layer<Supervisor.Supervised<string>>
            )
            const running = Context.get(context, supervisor.key)
            const heard = yield* listen(running)
            const refs = yield* refsOf(running)
            journal.length = 0
            yield* ends[row.end as keyof typeof ends](refs.b)
            yield* verify(row, running, heard, refs)
            assert.deepStrictEqual(journal, deeds(row))
          }).pipe(Effect.scoped, Effect.provide(system)))
      }
    })
  }
})
