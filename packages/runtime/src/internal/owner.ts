/**
 * What a scope owns of a system: a list of actors, and one finalizer for all of them, since a finalizer each would
 * cost more than the actor.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { ENDED } from "./hot/cell.ts"
import { awaitEnd, end, Life } from "./life.ts"
import type { LocalRef } from "./localRef.ts"

export class Owner {
  last: LocalRef | undefined = undefined
  closed = false
  /** The actor whose life the scope is, if it is one. */
  readonly actor: LocalRef | undefined

  constructor(actor: LocalRef | undefined) {
    this.actor = actor
  }

  /** What it owns, in the order of their starts. */
  get all(): ReadonlyArray<LocalRef> {
    const all: Array<LocalRef> = []
    for (let ref = this.last; ref !== undefined; ref = ref.previous) all.push(ref)
    return all.toReversed()
  }

  add(ref: LocalRef): void {
    ref.owner = this
    ref.previous = this.last
    if (this.last !== undefined) this.last.next = ref
    this.last = ref
  }

  remove(ref: LocalRef): void {
    if (ref.previous !== undefined) ref.previous.next = ref.next
    if (ref.next !== undefined) ref.next.previous = ref.previous
    else this.last = ref.previous
    ref.owner = undefined
    ref.previous = undefined
    ref.next = undefined
  }

  /** Ends what it owns, the youngest first, each after the one before has ended. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.closed = true
    while (this.last !== undefined) {
      const ref = this.last
      end(ref, Exit.void)
      if (ref.status !== ENDED) return Effect.andThen(awaitEnd(ref), this.close)
    }
    return Effect.void
  })
}

/** The owners of one system, by scope. */
export class Owners {
  private readonly owners = new WeakMap<Scope.Scope, Owner>()

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
      this.owners.set(scope, owner)
      return Effect.as(Scope.addFinalizer(scope, owner.close), owner)
    })
  }
}
