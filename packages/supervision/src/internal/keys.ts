/** The keyed actors of a behaviour under a policy: each key by itself. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Overseer from "@troupe/runtime/Overseer"
import { decide, type RestartPolicy } from "../RestartPolicy.ts"
import { Steps } from "./backoff.ts"
import { textOf } from "./observed.ts"

interface Known {
  readonly steps: Steps
  goodSince: number
}

export const overseer = (policy: RestartPolicy, refuses: boolean): Overseer.Overseer => {
  const known = new WeakMap<Overseer.Child, Known>()
  const held = (child: Overseer.Child, exit: Exit.Exit<void, unknown>): Effect.Effect<void> =>
    Effect.gen(function*() {
      // The end of an incarnation that stopped is not the end of its key: the next message makes another one.
      if (Exit.isSuccess(exit)) return yield* child.end
      const now = yield* Clock.currentTimeMillis
      let state = known.get(child)
      if (state === undefined) known.set(child, state = { steps: new Steps(), goodSince: now })
      const { backoff, directive } = decide(policy, exit.cause)
      yield* Effect.logWarning(
        `${child.ref.name} ${child.ref.key} failed, ${directive}: ${textOf(exit.cause)}`
      )
      switch (directive) {
        case "resume":
          return (yield* child.resume) ? undefined : yield* child.end
        case "stop":
          return yield* child.end
        case "escalate":
          return yield* child.escalate
      }
      const delay = backoff === undefined
        ? 0
        : yield* state.steps.next(backoff, exit.cause, now, now - state.goodSince)
      if (delay === undefined) return yield* backoff?.whenDone === "stop" ? child.end : child.escalate
      yield* child.halt
      if (delay > 0) yield* Effect.sleep(delay)
      const started = yield* Effect.exit(child.start)
      state.goodSince = yield* Clock.currentTimeMillis
      if (Exit.isFailure(started)) yield* held(child, started)
    })
  return { held, refuses }
}
