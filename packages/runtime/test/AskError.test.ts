import { assert, describe, it } from "@effect/vitest"
import {
  ActorEnded,
  AskError,
  AskTimeout,
  DeadRef,
  InvalidMessage,
  type Reason,
  ThreadLost
} from "@troupe/runtime/AskError"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const reasons: ReadonlyArray<readonly [reason: Reason, message: string]> = [
  [new AskTimeout({ millis: 5 }), "ask Add of Counter: no answer within 5 ms"],
  [new ActorEnded({}), "ask Add of Counter: the actor ended before it answered"],
  [new ActorEnded({ failure: "boom" }), "ask Add of Counter: the actor failed before it answered: boom"],
  [new DeadRef(), "ask Add of Counter: the actor had already ended"],
  [new InvalidMessage({ issue: "no such field" }), "ask Add of Counter: no such field"],
  [new ThreadLost({ thread: 2 }), "ask Add of Counter: worker thread 2 ended"]
]

describe("AskError", () => {
  for (const [reason, message] of reasons) {
    const error = new AskError({ actor: "Counter", tag: "Add", reason })

    it.effect(`says what happened: ${message}`, () =>
      Effect.sync(() => assert.strictEqual(error.message, message)))

    it.effect(`is the same after it was written and read: ${message}`, () =>
      Effect.gen(function*() {
        const json = yield* Schema.encodeEffect(Schema.toCodecJson(AskError))(error)
        const read = yield* Schema.decodeUnknownEffect(Schema.toCodecJson(AskError))(
          JSON.parse(JSON.stringify(json))
        )
        assert.deepStrictEqual(read, error)
      }))

    it.effect(`is caught by its reason: ${message}`, () =>
      Effect.gen(function*() {
        const caught = yield* Effect.fail(error).pipe(
          Effect.catchReason("AskError", reason._tag, (reason) => Effect.succeed(reason))
        )
        assert.strictEqual(caught, reason)
      }))
  }
})
