/** The ends of actors, as whoever holds a reference brings them about or waits for them. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ActorRef } from "../ActorRef.ts"
import { DeadRef } from "../AskError.ts"
import type { EndObserver } from "./life.ts"
import type { Stop, Subject, Target } from "./ref.ts"

export const subjectOf = (ref: ActorRef<never>): Subject | undefined => (ref as unknown as Target).subject

/** How that ended behind which no actor stands: a key without an incarnation, or an actor of which nothing is known. */
export const exitOfNobody = (key: string | undefined): Exit.Exit<void, unknown> =>
  key === undefined ? Exit.fail(new DeadRef()) : Exit.void

/** Waits until an actor has ended; how it did. */
export const awaitExit = (ref: ActorRef<never>): Effect.Effect<Exit.Exit<void, unknown>> =>
  Effect.callback((resume) => {
    const subject = subjectOf(ref)
    if (subject === undefined) return resume(Effect.succeed(exitOfNobody(ref.key)))
    const observer: EndObserver = { ended: (exit) => resume(Effect.succeed(exit)) }
    subject.observe(observer)
    return Effect.sync(() => subject.unobserve(observer))
  })

/** Tells an actor to end, and waits until it has, or its overseer has it in hand. */
export const stop = (ref: ActorRef<never>, how: Stop): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const subject = subjectOf(ref)
    if (subject === undefined) resume(Effect.void)
    else subject.terminate(how, () => resume(Effect.void))
  })
