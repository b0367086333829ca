/** Handlers of messages whose askers may give up: then nobody needs what they do. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { AskTimeout } from "../AskError.ts"
import { type Asker, isAsker } from "./ask.ts"
import type { Handler } from "./hot/cell.ts"
import { FORK, NEXT, Step } from "./hot/step.ts"
import type { LocalRef } from "./localRef.ts"

/** The handler, interrupted when its asker gives up: the state stays as it was before the message. */
export const interruptible = (handler: Handler): Handler => (state, payload, cell) => {
  const { replier } = cell as LocalRef
  if (!isAsker(replier)) return handler(state, payload, cell)
  if (replier.unwanted) return unwanted(replier, state)
  const result = handler(state, payload, cell)
  if (result instanceof Step && result.kind === FORK) {
    const effect = result.value as Effect.Effect<unknown>
    return new Step(FORK, result.state, orGivenUp(effect, replier, () => void unwanted(replier, undefined)))
  }
  if (!Effect.isEffect(result) || Exit.isExit(result)) return result
  return orGivenUp(result as Effect.Effect<unknown>, replier, () => unwanted(replier, state))
}

/** Whoever keeps an account of answers is told that there is none; nobody else looks. */
const unwanted = (replier: Asker, state: unknown): Step => {
  replier.abandon(new AskTimeout({ millis: 0 }))
  return new Step(NEXT, state, undefined)
}

const orGivenUp = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  replier: Asker,
  otherwise: () => unknown
): Effect.Effect<unknown, E, R> =>
  Effect.raceFirst(
    effect,
    Effect.callback<unknown>((resume) => {
      const givenUp = (): void => resume(Effect.sync(otherwise))
      if (replier.unwanted) givenUp()
      else replier.onGivenUp = givenUp
    })
  )
