/**
 * The messages of a protocol as one thread shows them to another that may have them among others, at other places:
 * by tag, and by what their bytes mean.
 */
import type { MessageType, Protocol } from "./protocol.ts"
import * as Wire from "./wire.ts"

/** What it takes to send the messages of a protocol to an actor of whatever kind. */
export interface Sending {
  readonly messages: ReadonlyArray<Wire.MessageCodecs>
  readonly offers: Wire.Offers
}

const sendings = new WeakMap<object, Sending>()

/** The codecs of a protocol's messages, and what they are called, compiled once. */
export const sending = ({ group, messages }: Protocol): Sending => {
  let known = sendings.get(group)
  if (known === undefined) {
    // Of a contract that is not local, all can cross.
    const codecs = messages.map(({ rpc, tag }) => Wire.messageCodecs(rpc, tag, true))
    const offers = messages.map(({ tag }, i) => {
      const { error, payload, success } = codecs[i]!
      return { tag, fingerprint: [payload, success, error].map(({ fingerprint }) => fingerprint).join(" ") }
    })
    known = { messages: codecs, offers }
    sendings.set(group, known)
  }
  return known
}

const understood = new WeakMap<Protocol, WeakMap<Protocol, boolean>>()

/** Whether an actor with the one protocol understands every message of the other. */
export const understands = (own: Protocol, other: Protocol): boolean => {
  if (own.group === other.group) return true
  let known = understood.get(own)
  if (known === undefined) understood.set(own, known = new WeakMap())
  let answer = known.get(other)
  if (answer === undefined) {
    answer = other.messages.every(({ rpc, tag }) => own.get(tag)?.rpc === rpc) ||
      matches(own, sending(other).offers)
    known.set(other, answer)
  }
  return answer
}

/** Whether an actor with a protocol understands every one of these messages. */
export const matches = (own: Protocol, offers: Wire.Offers): boolean => {
  const has = new Map(sending(own).offers.map(({ fingerprint, tag }) => [tag, fingerprint]))
  return offers.every(({ fingerprint, tag }) => has.get(tag) === fingerprint)
}

/** What another thread sends through a face: its places for messages, as those of the protocols here. */
export class Face {
  readonly name: string
  readonly offers: Wire.Offers
  private readonly places = new WeakMap<Protocol, ReadonlyArray<MessageType | undefined>>()

  constructor({ name, offers }: Wire.Face) {
    this.name = name
    this.offers = offers
  }

  /** Whether a protocol has all of its messages. */
  covers(protocol: Protocol): boolean {
    return this.offers.every((_, place) => this.message(protocol, place) !== undefined)
  }

  /** The message of a protocol that stands at this place of the face; undefined if it has none such. */
  message(protocol: Protocol, place: number): MessageType | undefined {
    let messages = this.places.get(protocol)
    if (messages === undefined) {
      messages = this.offers.map((offer) => matches(protocol, [offer]) ? protocol.get(offer.tag) : undefined)
      this.places.set(protocol, messages)
    }
    return messages[place]
  }
}
