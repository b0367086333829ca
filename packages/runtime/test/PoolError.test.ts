import { assert, describe, it } from "@effect/vitest"
import { ContractMismatch, NotHosted, PoolError, WorkerNotReady } from "@troupe/runtime/PoolError"
import * as Effect from "effect/Effect"

const reasons: ReadonlyArray<readonly [reason: PoolError["reason"], message: string]> = [
  [new WorkerNotReady({ problem: "it ended", stderr: "" }), "worker 1: it ended"],
  [new WorkerNotReady({ problem: "it ended", stderr: "no disk" }), "worker 1: it ended\nno disk"],
  [new NotHosted({ actor: "A", hosted: ["B", "C"] }), "worker 1: the worker does not host A; it hosts B, C"],
  [new NotHosted({ actor: "A", hosted: [] }), "worker 1: the worker does not host A; it hosts nothing"],
  [new ContractMismatch({ actor: "A" }), "worker 1: the worker's contract of A has other schemas"]
]

describe("PoolError", () => {
  for (const [reason, message] of reasons) {
    it.effect(`says which worker, and why: ${message}`, () =>
      Effect.gen(function*() {
        const error = new PoolError({ worker: 1, reason })
        assert.strictEqual(error.message, message)
        const caught = yield* Effect.fail(error).pipe(
          Effect.catchReason("PoolError", reason._tag, (reason) => Effect.succeed(reason))
        )
        assert.strictEqual(caught, reason)
      }))
  }
})
