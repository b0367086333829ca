/** How the messages of a contract cross threads: a codec for each of their parts, compiled when the contract is made. */
import * as Context from "effect/Context"
import type * as Rpc from "effect/rpc/Rpc"
import * as RpcSchema from "effect/rpc/RpcSchema"
import * as Schema from "effect/Schema"
import type { Any } from "../Actor.ts"
import { Reason } from "../AskError.ts"
import * as Codec from "../Codec.ts"
import * as Layout from "../Layout.ts"
import { Address } from "./address.ts"
import { Interruptible } from "../Message.ts"
import { compile } from "./protocol.ts"

/** The codecs of one message. */
export interface MessageCodecs {
  readonly payload: Codec.Codec<unknown>
  readonly success: Codec.Codec<unknown>
  readonly error: Codec.Codec<unknown>
  /** The answer is a stream: of `success`, and fails with `error`. */
  readonly stream: boolean
  /** Whether it matters where the message is handled that its asker gives up. */
  readonly interruptible: boolean
}

/** The codecs of one contract; `messages` by their place in the protocol. */
export interface Wire {
  readonly args: Codec.Codec<unknown>
  readonly messages: ReadonlyArray<MessageCodecs>
  /** Equal on two threads when the same bytes mean the same there. */
  readonly fingerprint: string
}

/** What cannot cross a thread: whoever tries to send it is told why. */
const uncrossable = (schema: Schema.Top, error: Codec.CodecDefinitionError): Codec.Codec<unknown> => {
  const { path, reason } = error
  const refuse = (operation: "encode" | "decode") => (): never => {
    throw new Codec.CodecError({ operation, path, reason })
  }
  return {
    schema,
    // That of no other.
    fingerprint: `local ${uncrossables++}`,
    fixedSize: undefined,
    encode: refuse("encode"),
    decode: refuse("decode")
  }
}

let uncrossables = 0

/** A codec where there can be one; `local` says that there need not be. */
const codec = (schema: Schema.Top, path: string, local: boolean): Codec.Codec<unknown> => {
  try {
    return Codec.make(schema, { path })
  } catch (error) {
    if (local && error instanceof Codec.CodecDefinitionError) return uncrossable(schema, error)
    throw error
  }
}

export const messageCodecs = (rpc: Rpc.AnyWithProps, path: string, local: boolean): MessageCodecs => {
  const stream = RpcSchema.isStreamSchema(rpc.successSchema)
  const { error, success } = stream
    ? rpc.successSchema as RpcSchema.Stream<Schema.Top, Schema.Top>
    : { error: rpc.errorSchema, success: rpc.successSchema }
  return {
    payload: codec(rpc.payloadSchema, `${path}.payload`, local),
    success: codec(success, `${path}.success`, local),
    error: codec(error, `${path}.error`, local),
    stream,
    interruptible: Context.get(rpc.annotations, Interruptible)
  }
}

const wires = new WeakMap<object, Wire>()

/** The wire of a contract, compiled once. Throws a `CodecDefinitionError` where a schema cannot cross a thread. */
export const of = (actor: Pick<Any, "name" | "protocol" | "args" | "mailbox" | "local">): Wire => {
  let wire = wires.get(actor)
  if (wire === undefined) {
    const { messages } = compile(actor.protocol as never)
    const codecs = messages.map(({ rpc, tag }) => messageCodecs(rpc, `${actor.name}.${tag}`, actor.local))
    const args = codec(actor.args, `${actor.name}.args`, actor.local)
    const parts = messages.map(({ tag }, i) => {
      const { error, payload, stream, success } = codecs[i]!
      return [tag, payload.fingerprint, success.fingerprint, error.fingerprint, stream]
    })
    wire = {
      args,
      messages: codecs,
      fingerprint: JSON.stringify([args.fingerprint, parts, actor.mailbox ?? null])
    }
    wires.set(actor, wire)
  }
  return wire
}

// What threads tell each other besides messages.

/** Why an ask, or a spawn, failed on the other side. */
export const reason = Codec.make(Reason)

/** A key, for the binding of a handle to it. */
export const key = Codec.make(Schema.String)

/** The version of an identity. */
export const version = Codec.make(Layout.Uint8)

const Offers = Schema.Array(Schema.Struct({ tag: Schema.String, fingerprint: Schema.String }))

/** Messages, in their order, and what their bytes mean. */
export type Offers = typeof Offers.Type

const Face = Schema.Struct({ name: Schema.String, offers: Offers })

/** What an actor is called where it is sent messages, and those. */
export type Face = typeof Face.Type

export const face = Codec.make(Face)

const Registration = Schema.Struct({
  /** The registration's own number, on the thread that made it. */
  number: Layout.Uint32,
  name: Schema.String,
  address: Address,
  offers: Offers
})

/** Something that is registered under a name, and what it understands. */
export type Registration = typeof Registration.Type

export const registration = Codec.make(Registration)

/** Where actors are. */
export const addresses = Codec.make(Schema.Array(Address))

/** What is late, by its name. */
export const late = Codec.make(Schema.Array(Schema.String))

/** A failed start, as text. */
export const failure = Codec.make(Schema.String)

const Letter = Schema.Struct({
  reason: Schema.Literals([
    "Ended",
    "UnknownMessage",
    "InvalidMessage",
    "UnheardError",
    "ThreadLost",
    "MailboxFull",
    "MailboxesExhausted",
    "Restarting",
    "Unhandled",
    "StashFull",
    "PostMortem"
  ]),
  actor: Schema.String,
  key: Schema.UndefinedOr(Schema.String),
  tag: Schema.String
})

/** A dead letter on its way to the thread that made the system: its payload stays behind. */
export type Letter = typeof Letter.Type

export const deadLetter = Codec.make(Letter)

/** Nothing at all. */
export const nothing = Codec.make(Schema.Void)
