/**
 * What a scope owns of a system: a list of actors, and one finalizer for all of them, since a finalizer each would
 * cost more than the actor.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { ActorRef } from "../ActorRef.ts"
import { Life } from "./life.ts"
import type { LocalRef } from "./localRef.ts"

/** An actor as far as whoever owns it is concerned. */
export interface Owned {
  readonly ref: ActorRef<never>
  owner: Owner | undefined
  /** The neighbours among what `owner` owns, in the order of their starts. */
  previous: Owned | undefined
  next: Owned | undefined
  /** Has it end, and waits until it has; undefined when it has already. Then it is owned no more. */
  finish(): Effect.Effect<unknown> | undefined
}

export class Owner {
  last: Owned | undefined = undefined
  closed = false
  /** The actor whose life the scope is, if it is one. */
  readonly actor: LocalRef | undefined

  constructor(actor: LocalRef | undefined) {
    this.actor = actor
  }

  /** What it owns, in the order of their starts. */
  get all(): ReadonlyArray<Owned> {
    const all: Array<Owned> = []
    for (let one = this.last; one !== undefined; one = one.previous) all.push(one)
    return all.toReversed()
  }

  add(one: Owned): void {
    one.owner = this
    one.previous = this.last
    if (this.last !== undefined) this.last.next = one
    this.last = one
  }

  /** Puts another one in the place of one of these. */
  replace(one: Owned, other: Owned): void {
    other.owner = this
    other.previous = one.previous
    other.next = one.next
    if (one.previous !== undefined) one.previous.next = other
    if (one.next !== undefined) one.next.previous = other
    else this.last = other
    one.owner = undefined
  }

  remove(one: Owned): void {
    if (one.previous !== undefined) one.previous.next = one.next
    if (one.next !== undefined) one.next.previous = one.previous
    else this.last = one.previous
    one.owner = undefined
    one.previous = undefined
    one.next = undefined
  }

  /** Ends what it owns, the youngest first, each after the one before has ended. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.closed = true
    while (this.last !== undefined) {
      const ending = this.last.finish()
      if (ending !== undefined) return Effect.andThen(ending, this.close)
    }
    return Effect.void
  })
}

/** The owners of one system, by scope. */
export class Owners {
  private readonly owners = new WeakMap<Scope.Scope, Owner>()
  /** Those of scopes that are no actor's, as long as these are open. */
  readonly roots = new Set<Owner>()
  /** No scope gets to own anything any more. */
  closed = false
  /** Those that wait for a scope's actors; undefined once nobody waits for them any longer. */
  private waiting: Set<() => void> | undefined = new Set()

  /** The scope's owner, if it has one already. */
  get(scope: Scope.Scope): Owner | undefined {
    return this.owners.get(scope)
  }

  /** The scope's owner, made now if it has none. */
  of(scope: Scope.Scope): Effect.Effect<Owner> {
    const owner = this.owners.get(scope)
    return owner === undefined ? this.make(scope) : Effect.succeed(owner)
  }

  /** Makes the scope's owner; a closed scope's is closed. */
  make(scope: Scope.Scope): Effect.Effect<Owner> {
    return Effect.suspend(() => {
      const owner = new Owner(scope instanceof Life ? scope.ref : undefined)
      owner.closed = this.closed
      this.owners.set(scope, owner)
      if (owner.actor !== undefined) return Effect.as(Scope.addFinalizer(scope, owner.close), owner)
      this.roots.add(owner)
      const closed = Effect.andThen(this.close(owner), Effect.sync(() => this.roots.delete(owner)))
      return Effect.as(Scope.addFinalizer(scope, closed), owner)
    })
  }

  /** Ends what a scope owns, and waits for that, unless it is given up meanwhile. */
  close(owner: Owner): Effect.Effect<void> {
    return Effect.contextWith((context) => {
      if (owner.last === undefined) return owner.close
      // On a fiber of its own: a finalizer cannot be interrupted.
      const closing = Effect.runForkWith(context)(owner.close)
      if (closing.pollUnsafe() !== undefined) return Effect.void
      return Effect.callback<void>((resume) => {
        const { waiting } = this
        if (waiting === undefined) return resume(Effect.void)
        const done = (): void => {
          waiting.delete(done)
          resume(Effect.void)
        }
        waiting.add(done)
        closing.addObserver(done)
        return Effect.sync(() => waiting.delete(done))
      })
    })
  }

  /** Has all that is left end at once, and waits for none of it; what that is. */
  readonly giveUp: Effect.Effect<ReadonlyArray<Owned>> = Effect.contextWith((context) =>
    Effect.sync(() => {
      const left = Array.from(this.roots).flatMap((owner) => owner.all)
      const { waiting } = this
      this.waiting = undefined
      for (const one of left) {
        const ending = one.finish()
        if (ending !== undefined) Effect.runForkWith(context)(ending)
      }
      waiting?.forEach((done) => done())
      return left
    })
  )
}
