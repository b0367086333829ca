/** References to all of a kind: what they are sent goes to each who is there, on this thread or on every one. */
import { sending, understands } from "./face.ts"
import { ENDING, type Replier } from "./hot/cell.ts"
import { LocalRef } from "./localRef.ts"
import { overflow } from "./mailbox.ts"
import type { Owner } from "./owner.ts"
import type { MessageType, Protocol } from "./protocol.ts"
import { type Ref, withRef } from "./ref.ts"
import { invalid, type Refusal, unknown } from "./refusal.ts"
import { swarmsOf } from "./swarms.ts"
import type { System } from "./system.ts"
import { Virtual } from "./virtual.ts"

/** All actors of a kind. */
export const KIND = 1
/** All actors that understand certain messages. */
export const PROTOCOL = 2
/** All members of a group. */
export const GROUP = 3

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

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    const { name, protocol, system, what } = this
    const message = protocol.get(tag)
    if (message === undefined) return unknown(name, tag)
    if (replier !== undefined) return invalid(new Error("a broadcast has no answer: ask each one"))
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

  private spread(message: MessageType, value: unknown): void {
    const { name, protocol, what } = this
    const { mesh } = this.system
    if (mesh === undefined) return
    const { messages, offers } = sending(protocol)
    const codec = messages[message.index]!.payload
    const face = { name, offers }
    const number = this.face ??= mesh.faceNumber(face)
    mesh.tellAll((peer) => {
      peer.show(number, face)
      peer.broadcast(what, number, message.index, value, codec)
    })
  }
}

export class AudienceRef extends withRef(Audience) {}
