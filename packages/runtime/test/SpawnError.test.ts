import { assert, describe, it } from "@effect/vitest"
import { SpawnError } from "@troupe/runtime/SpawnError"
import * as Effect from "effect/Effect"

const unreadable = Object.defineProperty(new Error("unread"), "message", {
  get: () => {
    throw new Error("no message")
  }
})

const causes: ReadonlyArray<readonly [what: string, cause: unknown, message: string]> = [
  ["an error", new Error("no disk"), "Account did not start: no disk"],
  ["text from another thread", "no disk", "Account did not start: no disk"],
  ["null", null, "Account did not start: "],
  ["an object without a prototype", Object.create(null), "Account did not start: "],
  ["an error that cannot be read", unreadable, "Account did not start: "]
]

describe("SpawnError", () => {
  for (const [what, cause, message] of causes) {
    it.effect(`says what the start failed with: ${what}`, () =>
      Effect.sync(() => assert.include(new SpawnError({ actor: "Account", cause }).message, message)))
  }
})
