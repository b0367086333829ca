/**
 * Who is registered under which name, and what they understand. Each thread has all of it: what is registered on one
 * is told to the others before anything that this thread tells them later.
 *
 * A registration belongs to the thread that made it: that one alone says when it is over, so that nobody hears of its
 * end before he hears of it. The thread where an actor lives tells that one when the actor has ended.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { Address } from "./address.ts"
import { sending, understands } from "./face.ts"
import type { Addressed } from "./lives.ts"
import type { Peer } from "./peer.ts"
import { compile, type Group } from "./protocol.ts"
import { format, type Ref } from "./ref.ts"
import { resolve } from "./resolve.ts"
import type { System } from "./system.ts"
import type { Offers, Registration } from "./wire.ts"

/** One registration, wherever it was made. */
class Entry {
  readonly system: System
  /** The thread that made it. */
  readonly thread: number
  readonly told: Registration
  /** What is registered, if that was done here, or lives here and is no key. */
  readonly ref: Ref | undefined
  private readonly refs = new Map<Group, Ref | undefined>()
  /** What its scope has registered, where that is this thread's. */
  owner: Registrations | undefined = undefined

  constructor(system: System, thread: number, told: Registration, ref: Ref | undefined) {
    this.system = system
    this.thread = thread
    this.told = told
    this.ref = ref
  }

  get id(): string {
    return `${this.thread}/${this.told.number}`
  }

  /** A reference to it, if it understands these messages. */
  as(group: Group): Ref | undefined {
    const { refs } = this
    if (!refs.has(group)) refs.set(group, this.find(group))
    return refs.get(group)
  }

  private find(group: Group): Ref | undefined {
    const { ref, system, told } = this
    const protocol = compile(group, system.validate)
    if (ref !== undefined) return understands(ref.protocol, protocol) ? ref : undefined
    if (!offers(told.offers, sending(protocol).offers)) return undefined
    return resolve(system, told.address, { name: undefined, group })
  }

  /** What is registered, if it lives on this thread. */
  get here(): Ref | undefined {
    const { ref, system, told: { address } } = this
    switch (address._tag) {
      case "Spawned":
      case "Other":
        return address.id.machine === system.thread ? ref : undefined
      case "Keyed":
      case "OtherKey": {
        const host = system.kinds[address.type]
        const home = address._tag === "OtherKey"
          ? address.machine
          : system.mesh?.homes.place(host?.name ?? "", address.key) ?? system.thread
        return home === system.thread ? host?.local(address.key) : undefined
      }
      case "Text":
        return undefined
    }
  }
}

/** Where something is on its thread, as messages to it say. */
const placeOf = (address: Address): string => {
  if (address._tag === "Other" && address.mailbox !== undefined) {
    return `${address.mailbox.place}/${-address.mailbox.generation}`
  }
  return "id" in address ? `${address.id.instance}/${address.id.version}` : ""
}

/** What a scope has registered: one finalizer for all of it, which holds nothing that is over. */
export class Registrations {
  readonly entries = new Set<Entry>()
  closed = false
}

const offers = (own: Offers, wanted: Offers): boolean => {
  const has = new Map(own.map(({ fingerprint, tag }) => [tag, fingerprint]))
  return wanted.every(({ fingerprint, tag }) => has.get(tag) === fingerprint)
}

/** The thread that something lives on and ends with; a key lives on elsewhere. */
const homeOf = (address: Address): number | undefined =>
  address._tag === "Spawned" || address._tag === "Other" ? address.id.machine : undefined

export class Registry {
  private readonly system: System
  /** In the order in which they came. */
  private readonly entries = new Map<string, Entry>()
  private readonly names = new Map<string, Set<Entry>>()
  /** What ends on this thread. */
  private readonly ending = new Map<unknown, Set<Entry>>()
  private readonly listeners = new Set<() => void>()
  private readonly owners = new WeakMap<Scope.Scope, Registrations>()
  private changed = false
  /** Another one whenever anything has changed. */
  version = 0
  private last = 0

  constructor(system: System) {
    this.system = system
  }

  /** Whether the end of an actor of this thread may concern it. */
  get concerned(): boolean {
    return this.ending.size > 0
  }

  /** Registers a reference under a name, as long as a scope is open. */
  register(ref: Ref, name: string, scope: Scope.Scope): Effect.Effect<void> {
    return Effect.suspend(() => {
      const known = this.owners.get(scope)
      if (known !== undefined) return Effect.sync(() => this.enter(ref, name, known))
      const made = new Registrations()
      this.owners.set(scope, made)
      const close = Effect.sync(() => {
        made.closed = true
        for (const entry of made.entries) this.drop(entry)
      })
      return Effect.andThen(Scope.addFinalizer(scope, close), Effect.sync(() => this.enter(ref, name, made)))
    })
  }

  private enter(ref: Ref, name: string, owner: Registrations): void {
    if (owner.closed) return
    const { system } = this
    const { address } = ref
    const home = homeOf(address)
    const over = address._tag === "Text" || (home === system.thread
      ? system.directory.get(ref.id!.instance, ref.id!.version) === undefined
      : home !== undefined && system.mesh?.find(home)?.lost !== false)
    if (over) return
    const told = {
      number: ++this.last,
      name,
      address,
      offers: system.mesh === undefined ? [] : sending(ref.protocol).offers
    }
    const entry = new Entry(system, system.thread, told, ref)
    entry.owner = owner
    owner.entries.add(entry)
    this.add(entry)
    system.mesh?.tellAll((peer) => peer.register(told))
  }

  /** Another thread has registered something. */
  told(peer: Peer, told: Registration): void {
    const { system } = this
    const id = homeOf(told.address) === system.thread && "id" in told.address ? told.address.id : undefined
    const ref = id && system.directory.get(id.instance, id.version) as Ref | undefined
    const entry = new Entry(system, peer.thread, told, ref)
    // A thread that has a successor is told again what it had been told before.
    if (this.entries.has(entry.id)) return
    if (id !== undefined && ref === undefined) peer.unregister(peer.thread, told.number)
    else this.add(entry)
  }

  /** A registration is over, says who made it; or it is this thread's, and what was registered has ended elsewhere. */
  untold(thread: number, number: number): void {
    const entry = this.entries.get(`${thread}/${number}`)
    if (entry === undefined) return
    if (thread === this.system.thread) this.drop(entry)
    else this.remove(entry)
  }

  /** An actor of this thread has ended, or whatever else was registered. */
  ended(ref: unknown): void {
    for (const entry of Array.from(this.ending.get(ref) ?? [])) {
      if (entry.thread === this.system.thread) this.drop(entry)
      else {
        this.remove(entry)
        this.system.mesh?.find(entry.thread)?.unregister(entry.thread, entry.told.number)
      }
    }
  }

  /** A thread has ended: what it had registered is over, and what lived there, but for those that may live again. */
  down(thread: number, again: ReadonlyArray<Addressed>): void {
    const places = new Set(again.map(({ target, version }) => `${target}/${version}`))
    for (const entry of Array.from(this.entries.values())) {
      const { address } = entry.told
      if (entry.thread === thread) this.remove(entry)
      else if (homeOf(address) !== thread || places.has(placeOf(address))) continue
      else if (entry.thread === this.system.thread) this.drop(entry)
      else this.remove(entry)
    }
  }

  /** Tells a thread that is new what is registered here. */
  tell(peer: Peer): void {
    for (const { thread, told } of this.entries.values()) {
      if (thread === this.system.thread) peer.register(told)
    }
  }

  /** Those that are registered under a name, or any of those that begin so, and understand these messages: each once. */
  members(group: Group, name: string, prefix: boolean): ReadonlyArray<Ref> {
    const members = new Map<string, Ref>()
    const entries = prefix ? this.entries.values() : this.names.get(name) ?? []
    for (const entry of entries) {
      const ref = entry.told.name.startsWith(name) ? entry.as(group) : undefined
      if (ref !== undefined) members.set(format(ref), ref)
    }
    return Array.from(members.values())
  }

  /** Those under a name that live on this thread. */
  locals(name: string): ReadonlySet<Ref> {
    const locals = new Set<Ref>()
    for (const { here } of this.names.get(name) ?? []) if (here !== undefined) locals.add(here)
    return locals
  }

  /** Calls back soon after something has changed, once for changes that come together. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private add(entry: Entry): void {
    const { name } = entry.told
    this.entries.set(entry.id, entry)
    const same = this.names.get(name)
    if (same === undefined) this.names.set(name, new Set([entry]))
    else same.add(entry)
    if (entry.ref !== undefined && homeOf(entry.told.address) === this.system.thread) {
      const ends = this.ending.get(entry.ref)
      if (ends === undefined) this.ending.set(entry.ref, new Set([entry]))
      else ends.add(entry)
    }
    this.notify()
  }

  private remove(entry: Entry): void {
    const { ref, told: { name } } = entry
    this.entries.delete(entry.id)
    entry.owner?.entries.delete(entry)
    const same = this.names.get(name)
    if (same?.delete(entry) === true && same.size === 0) this.names.delete(name)
    const ends = this.ending.get(ref)
    if (ends?.delete(entry) === true && ends.size === 0) this.ending.delete(ref)
    this.notify()
  }

  /** One of this thread's own is over. */
  private drop(entry: Entry): void {
    if (!this.entries.has(entry.id)) return
    this.remove(entry)
    this.system.mesh?.tellAll((peer) => peer.unregister(entry.thread, entry.told.number))
  }

  private notify(): void {
    this.version++
    if (this.changed || this.listeners.size === 0) return
    this.changed = true
    this.system.soon(() => {
      this.changed = false
      for (const listener of Array.from(this.listeners)) listener()
    })
  }
}
