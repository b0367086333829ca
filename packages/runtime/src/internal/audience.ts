/** References to all of a kind: what they are sent goes to each who is there, on this thread or on every one. */
import * as Effect from "effect/Effect"
import type { Address } from "./address.ts"
import { type Face, sending, understands } from "./face.ts"
import { ENDING, type Replier } from "./hot/cell.ts"
import { broadcastTypeId } from "./keys.ts"
import { LocalRef } from "./localRef.ts"
import { overflow } from "./mailbox.ts"
import type { Owner } from "./owner.ts"
import * as Peer from "./peer.ts"
import type { MessageType, Protocol } from "./protocol.ts"
import { type Ref, type Target, withRef } from "./ref.ts"
import { invalid, type Refusal, unknown } from "./refusal.ts"
import { request } from "./request.ts"
import { resolve, type Wanted } from "./resolve.ts"
import { swarmsOf } from "./swarms.ts"
import type { System } from "./system.ts"
import { Virtual } from "./virtual.ts"
import * as Wire from "./wire.ts"

/** All actors of a kind. */
export const KIND = 1
/** All actors that understand certain messages. */
export const PROTOCOL = 2
/** All members of a group. */
export const GROUP = 3

/** Who waits for a list of listeners, which comes in pages. */
export interface Listing extends Replier {
  page(addresses: ReadonlyArray<Address>): void
}

/** Visits those on this thread who hear a broadcast: who lives there now. */
export const visit = (system: System, what: number, name: string, each: (ref: Ref) => void): void => {
  if (what === GROUP) {
    for (const ref of system.registry.locals(name)) each(ref)
    return
  }
  const kind = what === KIND ? name : undefined
  for (const owner of system.owners.roots) visitOwned(system, owner, kind, each)
  for (const swarm of swarmsOf(system).values()) {
    if (kind === undefined || swarm.name === kind) each(swarm.everyone)
  }
}

/** The living actors of an owner, and their children. Not a generator, which would cost as much as the message. */
const visitOwned = (
  system: System,
  owner: Owner,
  name: string | undefined,
  each: (ref: Ref) => void
): void => {
  for (let ref = owner.last; ref !== undefined; ref = ref.previous) {
    // What a scope owns on another thread hears it there.
    if (!(ref instanceof LocalRef)) continue
    if (ref.status < ENDING && (name === undefined || ref.host.name === name)) each(ref as unknown as Ref)
    const children = ref.life && system.owners.get(ref.life)
    if (children !== undefined) visitOwned(system, children, name, each)
  }
}

/** The addresses that go in one record. */
const PAGE = 1024

/** Those on this thread who would hear a broadcast now, each by a reference that reaches it alone; of no swarm. */
export const listeners = (system: System, what: number, name: string, protocol: Protocol): Array<Ref> => {
  const listeners: Array<Ref> = []
  visit(system, what, name, (ref) => {
    if (!understands(ref.protocol, protocol)) return
    if (what === GROUP) listeners.push(ref)
    else if (ref instanceof LocalRef) listeners.push(ref.self as unknown as Ref)
  })
  return listeners
}

/** Tells another thread who would hear a broadcast here. */
export const answer = (
  peer: Peer.Peer,
  what: number,
  name: string,
  face: Face,
  correlation: number
): void => {
  const addresses: Array<Address> = []
  visit(peer.system, what, name, (ref) => {
    if (ref instanceof LocalRef && face.covers(ref.protocol)) addresses.push((ref.self as Target).address)
  })
  let from = 0
  for (; addresses.length - from > PAGE; from += PAGE) {
    peer.write(Peer.LISTENERS, 1, 0, 0, correlation, addresses.slice(from, from + PAGE), Wire.addresses)
  }
  peer.write(Peer.LISTENERS, 0, 0, 0, correlation, addresses.slice(from), Wire.addresses)
}

/** Hands a message to one of those who hear it. A value that is made already is not made anew for each. */
export const hand = (ref: Ref, message: MessageType, value: unknown): void => {
  if (!(ref instanceof LocalRef) || ref.protocol.get(message.tag) !== message) {
    ref.tellUnsafe(message.tag, value)
    return
  }
  const refusal = ref.admit(message, value, undefined)
  if (refusal !== undefined) overflow(ref, refusal, message.tag, value, undefined)
}

class Audience extends Virtual {
  private readonly what: number
  private readonly everywhere: boolean
  /** The number of the face through which other threads see what it sends. */
  private face: number | undefined = undefined

  constructor(system: System, what: number, name: string, protocol: Protocol, everywhere: boolean) {
    super(system, name, protocol)
    this.what = what
    this.everywhere = everywhere
  }

  get [broadcastTypeId]() {
    return { _Rpcs: (rpcs: never): never => rpcs }
  }

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    const { name, protocol, system, what } = this
    const message = protocol.get(tag)
    if (message === undefined) return unknown(name, tag)
    if (replier !== undefined) {
      return invalid(new Error("a broadcast has no answer: ask each of Broadcast.audience"))
    }
    try {
      const value = message.construct === undefined ? payload : message.construct(payload)
      if (this.everywhere) this.spread(message, value)
      visit(system, what, name, (ref) => {
        if (what !== PROTOCOL || understands(ref.protocol, protocol)) hand(ref, message, value)
      })
      return undefined
    } catch (issue) {
      return invalid(issue)
    }
  }

  /** Who would hear it now. */
  get audience(): Effect.Effect<ReadonlyArray<Ref>> {
    return Effect.suspend(() => {
      const { everywhere, name, protocol, system, what } = this
      const { mesh } = system
      if (mesh === undefined || !everywhere) return Effect.succeed(listeners(system, what, name, protocol))
      // Every thread knows all members.
      if (what === GROUP) return Effect.succeed(system.registry.members(protocol.group, name, false))
      const wanted = { name: what === KIND ? name : undefined, group: protocol.group }
      const elsewhere = Effect.forEach(mesh.others, (peer) => this.on(peer, wanted), {
        concurrency: "unbounded"
      })
      return Effect.map(elsewhere, (refs) => [...listeners(system, what, name, protocol), ...refs.flat()])
    })
  }

  /** The same on another thread; nobody, if that ends meanwhile. */
  private on(peer: Peer.Peer, wanted: Wanted): Effect.Effect<ReadonlyArray<Ref>> {
    const refs: Array<Ref> = []
    const asked = request<void>(peer, (replier) => {
      const number = this.show(peer)
      const page = (addresses: ReadonlyArray<Address>): void => {
        for (const address of addresses) refs.push(resolve(this.system, address, wanted))
      }
      const listing: Listing = { ...replier, page }
      return peer.request(Peer.LISTEN, number, this.what, 0, undefined, Wire.nothing, listing)
    })
    return Effect.as(Effect.orElseSucceed(asked, () => undefined), refs)
  }

  /** Shows a thread through which face it is sent messages; the face's number. */
  private show(peer: Peer.Peer): number {
    const { name, protocol } = this
    const face = { name, offers: sending(protocol).offers }
    const number = this.face ??= this.system.mesh!.contracts.faceNumber(face)
    peer.show(number, face)
    return number
  }

  private spread(message: MessageType, value: unknown): void {
    const codec = sending(this.protocol).messages[message.index]!.payload
    this.system.mesh?.tellAll((peer) => {
      peer.broadcast(this.what, this.show(peer), message.index, value, codec)
    })
  }
}

export class AudienceRef extends withRef(Audience) {}
