/** What handlers of a swarm have brought about, as bytes: from a worker to the thread that owns the swarm. */
import * as Codec from "../Codec.ts"
import * as Schema from "effect/Schema"
import { Address } from "./address.ts"
import { crossing } from "./crossing.ts"
import { sending } from "./face.ts"
import * as Failure from "./failure.ts"
import { FAIL, NEXT, REPLY, STOP } from "./hot/step.ts"
import * as Outputs from "./hot/swarmOutputs.ts"
import type { Protocol } from "./protocol.ts"
import type { Ref } from "./ref.ts"
import type { Packed } from "./swarmPost.ts"
import type { SwarmWire } from "./swarmWire.ts"
import type { System } from "./system.ts"
import type { MessageCodecs } from "./wire.ts"

/** Bytes that grow. */
export class Writer {
  bytes: Codec.Bytes
  at = 0
  private readonly make: (length: number) => ArrayBufferLike

  constructor(
    length: number,
    make: (length: number) => ArrayBufferLike = (length) => new ArrayBuffer(length)
  ) {
    this.make = make
    this.bytes = new Codec.Bytes(make(length))
  }

  write<T>(codec: Codec.Codec<T>, value: T): void {
    let end = codec.encode(value, this.bytes, this.at, this.bytes.u8.length)
    while (end < 0) {
      const old = this.bytes.u8
      this.bytes = new Codec.Bytes(this.make(old.length * 2))
      this.bytes.u8.set(old)
      end = codec.encode(value, this.bytes, this.at, this.bytes.u8.length)
    }
    this.at = end
  }
}

const text = Codec.make(Schema.String)
/** An actor that is sent to. */
const Addressed = Codec.make(Schema.Struct({ address: Address, name: Schema.String }))
/** Runs what writes or reads values that may hold references to actors. */
export const across = <A>(system: System, run: () => A): A => {
  const before = crossing.system
  crossing.system = system
  try {
    return run()
  } finally {
    crossing.system = before
  }
}

/** The codec of what a step of this kind carries, if it carries something. */
export const valueOf = (kind: number, { error, success }: MessageCodecs): Codec.Codec<unknown> | undefined =>
  kind === FAIL ? error : kind === NEXT || kind === REPLY || kind === STOP ? success : undefined

/** Actors that a worker tells the owner of but once. */
export class Addressees {
  private readonly places = new Map<Ref, number>()
  private fresh: Array<Uint8Array> = []
  private forget = false

  /** The place of an actor, told of now if it is new. Within `across`. */
  place(ref: Ref): number {
    let place = this.places.get(ref)
    if (place === undefined) {
      // First: one that cannot cross has no place.
      this.fresh.push(Codec.encodeUnsafe(Addressed, { address: ref.address, name: ref.name }))
      place = this.places.size
      this.places.set(ref, place)
    }
    return place
  }

  /** Those that come and go are not kept for ever. */
  prune(): void {
    if (this.places.size < MOST_ADDRESSEES) return
    this.places.clear()
    this.forget = true
  }

  take(): Pick<Packed, "actors" | "forget"> {
    const { forget, fresh } = this
    this.fresh = []
    this.forget = false
    return { actors: fresh, forget }
  }
}
const MOST_ADDRESSEES = 65_536

/** Who is meant by an addressee. Within `across`. */
export const addressed = (bytes: Uint8Array): { readonly address: Address; readonly name: string } =>
  Codec.decodeUnsafe(Addressed, bytes)

/** What packing needs to know of a swarm. */
export interface Known {
  readonly name: string
  readonly protocol: Protocol
  readonly wire: SwarmWire
}

/** Packs outputs for the thread that owns the swarm; `known` are the swarms by name. */
export const pack = (
  system: System,
  own: Known,
  out: Outputs.SwarmOutputs,
  sent: Addressees,
  known: (name: string) => Known | undefined
): Packed => {
  sent.prune()
  const { size } = out
  const xs = new Uint32Array(size)
  const ends = new Uint32Array(size)
  const names: Array<string> = []
  const places = new Map<string, number>()
  const name = (of: string): number => {
    let place = places.get(of)
    if (place === undefined) {
      place = names.push(of)
      places.set(of, place)
    }
    return place
  }
  const token = (asker: unknown): number => asker === undefined ? 0 : (asker as { token: number }).token + 1
  const writer = new Writer(1024)
  const { messages } = own.wire.wire
  const write = (i: number): void => {
    const b = out.bs[i]!
    const x = out.xs[i]
    const y = out.ys[i]
    switch (out.kinds[i]) {
      case Outputs.TELL:
      case Outputs.ALL: {
        const codecs = known(x)?.wire.wire.messages[b & 0xffff]
        if (codecs !== undefined) writer.write(codecs.payload, y)
        else out.bs[i] = b | 0xffff
        xs[i] = name(x)
        break
      }
      case Outputs.SPAWN: {
        const wire = known(x)?.wire
        if (wire === undefined) throw new Error("this worker does not know it")
        writer.write(wire.state, wire.construct(y))
        xs[i] = name(x)
        break
      }
      case Outputs.SEND: {
        const [tag, payload] = y as [string, unknown]
        const { protocol } = x as Ref
        const message = protocol.get(tag)
        if (message === undefined) {
          out.kinds[i] = Outputs.NOTHING
          system.deadLetter("UnknownMessage", x as Ref, tag, payload)
          break
        }
        const value = message.construct === undefined ? payload : message.construct(payload)
        writer.write(sending(protocol).messages[message.index]!.payload, value)
        out.bs[i] = message.index
        xs[i] = sent.place(x as Ref)
        break
      }
      case Outputs.SUCCESS:
        writer.write(messages[b]!.success, y)
        xs[i] = token(x)
        break
      case Outputs.FAILURE:
        writer.write(messages[b]!.error, y)
        xs[i] = token(x)
        break
      case Outputs.CRASH:
        writer.write(text, y instanceof Error ? y.stack ?? y.message : Failure.of(y))
        xs[i] = token(x)
        break
      case Outputs.DEAD:
      case Outputs.UNHANDLED:
      case Outputs.AGAIN:
        writer.write(messages[b & 0xffff]!.payload, y)
        xs[i] = token(x)
        break
      default:
        xs[i] = token(x)
    }
  }
  /** What does not fit its schema reaches nobody; who asked is told why. */
  const misfit = (i: number, error: unknown): void => {
    const kind = out.kinds[i]
    const x = out.xs[i]
    const y = out.ys[i]
    out.kinds[i] = Outputs.NOTHING
    switch (kind) {
      case Outputs.TELL:
      case Outputs.ALL: {
        const { tag } = known(x)!.protocol.messages[out.bs[i]! & 0xffff]!
        return system.deadLetter("InvalidMessage", { name: x, key: undefined }, tag, y)
      }
      case Outputs.SEND:
        return system.deadLetter("InvalidMessage", x as Ref, y[0], y[1])
      case Outputs.SPAWN:
        return system.log(`${own.name} could not spawn an instance of ${x}: ${Failure.of(error)}`)
      default:
        out.kinds[i] = Outputs.MISFIT
        xs[i] = token(x)
        writer.write(text, Failure.of(error))
    }
  }
  crossing.system = system
  try {
    for (let i = 0; i < size; i++) {
      try {
        write(i)
      } catch (error) {
        misfit(i, error)
      }
      ends[i] = writer.at
    }
  } finally {
    crossing.system = undefined
  }
  return {
    kinds: out.kinds.slice(0, size),
    as: out.as.slice(0, size),
    bs: out.bs.slice(0, size),
    xs,
    ends,
    bytes: writer.bytes.u8.subarray(0, writer.at).slice(),
    names,
    ...sent.take()
  }
}

/** Adds packed outputs to others. `asker` finds who asked, `actor` who is sent to. */
export const unpack = (
  system: System,
  own: Known,
  packed: Packed,
  out: Outputs.SwarmOutputs,
  known: (name: string) => Known | undefined,
  asker: (token: number) => unknown,
  actor: (place: number) => Ref | undefined
): void => {
  const { messages } = own.wire.wire
  const bytes = new Codec.Bytes(packed.bytes.buffer, packed.bytes.byteOffset, packed.bytes.byteLength)
  crossing.system = system
  try {
    let from = 0
    for (let i = 0; i < packed.kinds.length; i++) {
      const kind = packed.kinds[i]!
      const b = packed.bs[i]!
      const end = packed.ends[i]!
      const number = packed.xs[i]!
      let x: unknown
      let y: unknown
      switch (kind) {
        case Outputs.TELL:
        case Outputs.ALL: {
          x = packed.names[number - 1]
          const codecs = known(x as string)?.wire.wire.messages[b & 0xffff]
          y = codecs?.payload.decode(bytes, from, end)
          break
        }
        case Outputs.SPAWN:
          x = packed.names[number - 1]
          y = known(x as string)?.wire.state.decode(bytes, from, end)
          break
        case Outputs.SEND: {
          const ref = actor(number)
          const message = ref?.protocol.messages[b]
          if (ref === undefined || message === undefined) break
          x = ref
          y = [message.tag, sending(ref.protocol).messages[b]!.payload.decode(bytes, from, end)]
          break
        }
        case Outputs.SUCCESS:
        case Outputs.FAILURE: {
          x = number === 0 ? undefined : asker(number - 1)
          const { error, success } = messages[b]!
          y = (kind === Outputs.SUCCESS ? success : error).decode(bytes, from, end)
          break
        }
        case Outputs.CRASH:
          x = number === 0 ? undefined : asker(number - 1)
          y = new WorkerFailure(text.decode(bytes, from, end))
          break
        case Outputs.MISFIT:
          x = number === 0 ? undefined : asker(number - 1)
          y = text.decode(bytes, from, end)
          break
        case Outputs.DEAD:
        case Outputs.UNHANDLED:
        case Outputs.AGAIN:
          x = number === 0 ? undefined : asker(number - 1)
          y = messages[b & 0xffff]!.payload.decode(bytes, from, end)
          break
        default:
          x = number === 0 ? undefined : asker(number - 1)
      }
      from = end
      // That nobody is there to be sent to was logged when it was found out.
      const nobody = kind === Outputs.SEND && x === undefined
      out.add(nobody ? Outputs.NOTHING : kind, packed.as[i]!, b, x, y)
    }
  } finally {
    crossing.system = undefined
  }
}

/** What a handler on a worker failed with, as text: the stack is the worker's. */
export class WorkerFailure extends Error {
  constructor(stack: string) {
    super(stack.split("\n", 1)[0]!.replace(/^\w*Error: /, ""))
    this.stack = stack
  }
}
