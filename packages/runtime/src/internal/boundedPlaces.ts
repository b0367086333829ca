/** The actors with bounded mailboxes that other threads address by the place of their mailbox, and its generation. */
import type { LocalRef } from "./localRef.ts"

export interface SharedPlace {
  readonly place: number
  readonly generation: number
}

export class BoundedPlaces {
  private readonly refs: Array<LocalRef | undefined> = []
  private readonly generations: Array<number> = []
  private readonly places = new WeakMap<LocalRef, SharedPlace>()
  /** The generations of a thread's successor begin elsewhere, so that a reference never reaches a stranger. */
  private readonly base: number

  constructor(incarnation = 0) {
    this.base = (incarnation & 0x7ff) << 20
  }

  /** The place that an actor was given, if it was. */
  of(ref: LocalRef): SharedPlace | undefined {
    return this.places.get(ref)
  }

  /** Gives an actor a place that was found for it, and its generation there. */
  put(place: number, ref: LocalRef): SharedPlace {
    const generation = (this.generations[place] ?? this.base) + 1
    this.refs[place] = ref
    this.generations[place] = generation
    const shared = { place, generation }
    this.places.set(ref, shared)
    return shared
  }

  /** Gives an actor the place and the generation that it had on this thread's predecessor. */
  adopt(place: number, generation: number, ref: LocalRef): void {
    this.refs[place] = ref
    this.generations[place] = generation
    this.places.set(ref, { place, generation })
  }

  /** The actor at a place, unless another generation lives there. */
  get(place: number, generation: number): LocalRef | undefined {
    return this.generations[place] === generation ? this.refs[place] : undefined
  }

  /** Forgets who lives at a place. */
  clear(place: number): void {
    this.refs[place] = undefined
  }
}
