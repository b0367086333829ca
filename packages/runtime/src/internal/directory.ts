/**
 * The actors of this thread that have an identity: those that other threads address, and those that were compared or
 * hashed. An actor is given its identity when it first needs one, and leaves the directory when it ends.
 */
import * as ActorId from "../ActorId.ts"
import { PLACES } from "./hot/counts.ts"
import { Generations } from "./hot/generations.ts"
import type { System } from "./system.ts"

/** What can be addressed by number. */
export interface Addressee {
  readonly name: string
  /** It has ended: nobody will say that it ends. */
  readonly over: boolean
}

export class Directory {
  private readonly system: System
  private readonly entries: Array<Addressee | undefined> = []
  private readonly generations: Generations
  /** The identities that were given, also to what has ended since. */
  private readonly ids = new WeakMap<Addressee, ActorId.ActorId>()
  /** Those of the threads before this one that live again. */
  private readonly adopted = new Map<number, Addressee>()
  /** How many are in the directory. */
  size = 0

  /** Places begin where those of the threads before this one ended: no two of them share an identity. */
  constructor(system: System) {
    this.system = system
    this.generations = new Generations(system.counts[PLACES]!)
  }

  /** The identity of what lives on this thread, given now if it has none. */
  id(addressee: Addressee): ActorId.ActorId {
    const known = this.ids.get(addressee)
    if (known !== undefined) return known
    const { generations, system } = this
    const instance = generations.take()
    system.counts[PLACES] = Math.max(system.counts[PLACES]!, instance + 1)
    const id = ActorId.make({
      type: system.types.number(addressee.name),
      instance,
      version: generations.version(instance),
      machine: system.thread
    })
    this.ids.set(addressee, id)
    if (addressee.over) {
      generations.give(instance)
    } else {
      this.entries[instance - generations.first] = addressee
      this.size++
    }
    return id
  }

  /** Gives what was on the thread before this one the identity that it had there. */
  adopt(addressee: Addressee, id: ActorId.ActorId): void {
    this.ids.set(addressee, id)
    this.adopted.set(id.instance, addressee)
    this.size++
  }

  /** The identity that it was given, if it was. */
  known(addressee: Addressee): ActorId.ActorId | undefined {
    return this.ids.get(addressee)
  }

  /** What lives at a place, unless that is another generation. */
  get(instance: number, version: number): Addressee | undefined {
    const { entries, generations } = this
    if (instance < generations.first) {
      const adopted = this.adopted.get(instance)
      return adopted !== undefined && this.ids.get(adopted)!.version === version ? adopted : undefined
    }
    return generations.version(instance) === version ? entries[instance - generations.first] : undefined
  }

  /** It has ended. */
  remove(addressee: Addressee): void {
    const id = this.ids.get(addressee)
    if (id === undefined || this.get(id.instance, id.version) !== addressee) return
    this.size--
    if (this.adopted.delete(id.instance)) return
    this.entries[id.instance - this.generations.first] = undefined
    this.generations.give(id.instance)
  }
}
