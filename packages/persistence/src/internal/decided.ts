/** Decisions, as data, and what they come to besides storing. */
import * as Actor from "@troupe/runtime/Actor"
import type { Step } from "@troupe/runtime/Step"
import * as Effect from "effect/Effect"
import { pipeArguments } from "effect/Pipeable"

/** What runs when all is stored. */
export type After = (state: never) => Effect.Effect<unknown>

/** A decision, as data. */
export type Decided =
  | {
    readonly kind: "persist"
    /** The events, or the one state that takes the place of the last. */
    readonly values: ReadonlyArray<unknown>
    readonly answer: (state: never) => unknown
    readonly after: ReadonlyArray<After>
  }
  | { readonly kind: "reply"; readonly value: unknown; readonly after: ReadonlyArray<After> }
  | { readonly kind: "fail"; readonly error: unknown }
  | { readonly kind: "stop"; readonly value: unknown }

/** The decision that the data stand for. */
export const make = (decided: Decided): never =>
  ({
    ...decided,
    pipe() {
      return pipeArguments(this, arguments)
    }
  }) as never

/** A persist, as data. */
export type Persist = Extract<Decided, { readonly kind: "persist" }>

/** A state of which part is stored. */
export interface Kept {
  readonly state: unknown
}

export type AnyStep = Step<Kept, unknown, unknown>

/** A step now, or when an Effect is done: a turn that need not wait costs no fiber. */
export type Result = AnyStep | Effect.Effect<AnyStep>

export const asEffect = (result: Result): Effect.Effect<AnyStep> =>
  Effect.isEffect(result) ? result : Effect.succeed(result)

/** A handler of the actor, made of a command and of what takes its decisions. */
export const handler = (
  command: (...args: ReadonlyArray<any>) => unknown,
  take: (current: never, decided: Decided, ctx: object) => Result
) =>
(current: Kept, payload: unknown, ctx: object): Result => {
  const decided = command(current.state, payload, ctx)
  return Effect.isEffect(decided)
    ? Effect.flatMap(
      decided as Effect.Effect<Decided>,
      (decided) => asEffect(take(current as never, decided, ctx))
    )
    : take(current as never, decided as Decided, ctx)
}

/** Takes a decision of which nothing is stored. */
export const settle = (current: Kept, decided: Exclude<Decided, Persist>): Result => {
  switch (decided.kind) {
    case "fail":
      return Actor.fail(current, decided.error)
    case "stop":
      return Actor.stop(decided.value) as AnyStep
    case "reply":
      return finish(decided.after, current.state, Actor.reply(current, decided.value))
  }
}

/** All is stored: what is to run runs, then the command is answered. */
export const answer = (next: Kept, { after, answer }: Persist): Result =>
  finish(after, next.state, Actor.reply(next, answer(next.state as never)))

const finish = (after: ReadonlyArray<After>, state: unknown, step: AnyStep): Result =>
  after.length === 0
    ? step
    : Effect.as(Effect.forEach(after, (run) => run(state as never), { discard: true }), step)

/** Under which id an actor's things are stored. */
export const idOf = (
  actor: Actor.Any,
  behaviour: { readonly id?: ((args: any, key: string | undefined) => string) | undefined },
  args: unknown,
  { key }: { readonly key: string | undefined }
): string => behaviour.id?.(args, key) ?? (key === undefined ? actor.name : `${actor.name}/${key}`)
