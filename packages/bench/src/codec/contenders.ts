/** Ways for a value to become bytes, or a copy, and a value again: a round trip each. */
import * as Codec from "@troupe/runtime/Codec"
import * as Effect from "effect/Effect"
import { SchemaBinary } from "effect/encoding"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Packr } from "msgpackr"
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads"
import * as Scenario from "../Scenario.ts"
import type { Message } from "./messages.ts"

/** A way to bring a value across, and by which face. */
export interface Contender {
  readonly face: string
  /** Makes it ready for one schema. */
  readonly ready: <T>(schema: Schema.Codec<T>) => Effect.Effect<(value: T) => T, never, Scope.Scope>
}

const synchronous = (face: string, make: <T>(schema: Schema.Codec<T>) => (value: T) => T): Contender => ({
  face,
  ready: (schema) => Effect.sync(() => make(schema))
})

const troupe = (interpreter: boolean) => <T>(schema: Schema.Codec<T>) => {
  const codec = Codec.make(schema, { interpreter })
  const bytes = new Codec.Bytes(new SharedArrayBuffer(65_536))
  return (value: T) => codec.decode(bytes, 64, codec.encode(value, bytes, 64, 65_536))
}

/** Troupe's codec, into shared memory and out of it. */
export const generated = synchronous("Codec, generated code", troupe(false))

/** The same where code cannot be generated. */
export const interpreted = synchronous("Codec, interpreter", troupe(true))

export const json = synchronous("JSON", () => (value) => JSON.parse(JSON.stringify(value)))

export const structuredCloned = synchronous("structuredClone", () => (value) => structuredClone(value))

/** With record structures, which both ends keep: its fastest form. */
export const msgpackr = synchronous("msgpackr with records", () => {
  const packr = new Packr({ structures: [] })
  return (value) => packr.unpack(packr.pack(value))
})

/** In its positional form, the smaller and faster of the two. */
export const schemaBinary = synchronous("SchemaBinary, fingerprint", (schema) => {
  const codec = SchemaBinary.toCodec(schema, { fingerprint: true })
  const encode = Schema.encodeUnknownSync(codec)
  const decode = Schema.decodeUnknownSync(codec)
  return (value) => decode(encode(value))
})

/** Both ends on this thread: what it costs without the way to another one. */
export const messagePort: Contender = {
  face: "postMessage, receiveMessageOnPort",
  ready: <T>() =>
    Effect.map(
      Effect.acquireRelease(Effect.sync(() => new MessageChannel()), ({ port1 }) =>
        Effect.sync(() => port1.close())),
      ({ port1, port2 }) => (value: T): T => {
        port1.postMessage(value)
        return receiveMessageOnPort(port2)!.message as T
      }
    )
}

let kept: unknown

/** Round trips of one message; every arrival is checked. */
export const carrying = <T>(message: Message<T>, contender: Contender, baseline = true): Scenario.Scenario =>
  Scenario.throughput({
    baseline,
    params: { face: contender.face, operation: "encode and decode" },
    setup: Effect.map(contender.ready(message.schema), (trip) => ({
      run: (operations: number) =>
        Effect.sync(() => {
          let sum = 0
          for (let i = 0; i < operations; i++) {
            // Kept, or the compiler would see that most of it is not needed.
            kept = trip(message.value)
            sum += message.check(kept as T)
          }
          return sum
        }),
      check: (sum: number, operations: number) =>
        Scenario.expect("the sum of what arrived", sum, operations * message.check(message.value))
    }))
  })
