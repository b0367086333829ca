/**
 * What a scope owns of a system: a list of actors, and one finalizer for all of them, since a finalizer each would
 * cost more than the actor.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { ENDED } from "./hot/cell.ts"
import { awaitEnd, end } from "./life.ts"
import type { LocalRef } from "./localRef.ts"

export class Owner {
  last: LocalRef | undefined = undefined
  closed = false

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
      end(ref, undefined)
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

  /** Makes the scope's owner; a closed scope's is closed. */
  make(scope: Scope.Scope): Effect.Effect<Owner> {
    return Effect.suspend(() => {
      const owner = new Owner()
      this.owners.set(scope, owner)
      return Effect.as(Scope.addFinalizer(scope, owner.close), owner)
    })
  }
}
