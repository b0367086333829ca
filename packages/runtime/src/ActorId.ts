/**
 * Identities of actors: 64 bits that say what an actor is, which one, in which generation, and where.
 *
 * | part | bits | |
 * | --- | --- | --- |
 * | `type` | 16 | the number of the actor's contract in its system, the same on every thread; never 0 |
 * | `instance` | 32 | the place of this one among those of its type |
 * | `version` | 8 | the generation at this place: who comes later is another one |
 * | `machine` | 8 | the thread that it lives on; 0 is the one that made the system |
 *
 * The parts, their sizes and their text are those of kay's `RawID`: `{type}_{instance}.{version}@{machine}`, in
 * upper-case hexadecimal digits. The highest instance and the highest machine stand for all.
 *
 * **Details**
 *
 * A version has 8 bits, and does not wrap: a place whose last version was used is never used again. So an identity
 * never means a stranger, at the price of one place in 255 generations.
 *
 * An identity is a number with a meaning inside one run of one system. What may outlive that is a reference: see
 * `ActorRef.ActorRef`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Equivalence_ from "effect/Equivalence"
import * as Hash from "effect/Hash"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Order_ from "effect/Order"
import { hasProperty } from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Layout from "./Layout.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~@troupe/runtime/ActorId"

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * The parts of an identity.
 *
 * @category models
 * @since 0.1.0
 */
export interface Parts {
  /** From 1 to 65,535. */
  readonly type: number
  /** From 0 to 4,294,967,295, which stands for all. */
  readonly instance: number
  /** From 0 to 255. */
  readonly version: number
  /** From 0 to 255, which stands for all. */
  readonly machine: number
}

/**
 * An actor's identity. Two are equal, by `Equal` too, if their parts are.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorId extends Parts, Equal.Equal {
  readonly [TypeId]: typeof TypeId
  /** As `format` gives it. */
  toString(): string
  /** As `format` gives it. */
  toJSON(): string
}

/**
 * A text that is no identity.
 *
 * @category errors
 * @since 0.1.0
 */
export class ParseError extends Data.TaggedError("ActorIdParseError")<{ readonly text: string }> {
  override get message(): string {
    return `${JSON.stringify(this.text)} is no actor's identity, such as 1_2A.1@0`
  }
}

/**
 * The instance that stands for all instances of a type.
 *
 * @category constants
 * @since 0.1.0
 */
export const ALL_INSTANCES = 0xffffffff

/**
 * The machine that stands for all machines.
 *
 * @category constants
 * @since 0.1.0
 */
export const ALL_MACHINES = 0xff

/**
 * The last version of a place: after it the place is not used again.
 *
 * @category constants
 * @since 0.1.0
 */
export const LAST_VERSION = 0xff

class Id implements ActorId {
  get [TypeId](): typeof TypeId {
    return TypeId
  }

  readonly type: number
  readonly instance: number
  readonly version: number
  readonly machine: number

  constructor(type: number, instance: number, version: number, machine: number) {
    this.type = type
    this.instance = instance
    this.version = version
    this.machine = machine
  }

  [Equal.symbol](that: unknown): boolean {
    return isActorId(that) && Equivalence(this, that)
  }

  [Hash.symbol](): number {
    return Hash.number(this.instance ^ (this.type << 16 | this.version << 8 | this.machine))
  }

  toString(): string {
    return format(this)
  }

  toJSON(): string {
    return format(this)
  }

  [NodeInspectSymbol](): string {
    return `ActorId(${format(this)})`
  }
}

/**
 * Whether a value is an identity.
 *
 * @category guards
 * @since 0.1.0
 */
export const isActorId = (u: unknown): u is ActorId => hasProperty(u, TypeId)

const fits = (part: number, least: number, most: number): boolean =>
  Number.isInteger(part) && part >= least && part <= most

const fit = ({ instance, machine, type, version }: Parts): boolean =>
  fits(type, 1, 0xffff) && fits(instance, 0, 0xffffffff) && fits(version, 0, 0xff) && fits(machine, 0, 0xff)

/**
 * The identity of these parts. Throws a `RangeError` for a part that does not fit its bits.
 *
 * **Example** (Text, equality, order)
 *
 * ```ts
 * import { Equal, Order } from "effect"
 * import { ActorId } from "@troupe/runtime"
 *
 * const id = ActorId.make({ type: 1, instance: 42, version: 1, machine: 0 })
 *
 * String(id) // "1_2A.1@0"
 * Equal.equals(id, ActorId.parseUnsafe("1_2A.1@0")) // true
 * Order.max(ActorId.Order)(id, ActorId.make({ type: 1, instance: 7, version: 9, machine: 0 })) // id
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (parts: Parts): ActorId => {
  if (fit(parts)) return new Id(parts.type, parts.instance, parts.version, parts.machine)
  const { instance, machine, type, version } = parts
  throw new RangeError(
    `no identity has type ${type}, instance ${instance}, version ${version}, machine ${machine}`
  )
}

const pattern = /^([0-9a-f]{1,16})_([0-9a-f]{1,16})\.([0-9a-f]{1,16})@([0-9a-f]{1,16})$/i

/**
 * The identity that a text is: `{type}_{instance}.{version}@{machine}`, hexadecimal.
 *
 * **Details**
 *
 * Lower-case digits and leading zeros are accepted, as kay accepts them; signs, other orders of the marks and anything
 * after the machine, which kay accepts too, are not.
 *
 * @category conversions
 * @since 0.1.0
 */
export const parse = (text: string): Result.Result<ActorId, ParseError> => {
  const match = pattern.exec(text)
  if (match !== null) {
    const [type, instance, version, machine] = match.slice(1).map((digits) => Number.parseInt(digits, 16))
    const parts = { type: type!, instance: instance!, version: version!, machine: machine! }
    if (fit(parts)) return Result.succeed(make(parts))
  }
  return Result.fail(new ParseError({ text }))
}

/**
 * `parse`, which throws its error.
 *
 * @category conversions
 * @since 0.1.0
 */
export const parseUnsafe = (text: string): ActorId => Result.getOrThrow(parse(text))

/**
 * An identity as text, as kay prints it: `2_1F.3@0`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const format = ({ instance, machine, type, version }: Parts): string =>
  `${hex(type)}_${hex(instance)}.${hex(version)}@${hex(machine)}`

const hex = (part: number): string => part.toString(16).toUpperCase()

/**
 * All of its type on its machine.
 *
 * @category combinators
 * @since 0.1.0
 */
export const toBroadcast = (self: ActorId): ActorId => make({ ...self, instance: ALL_INSTANCES })

/**
 * All of its type on all machines.
 *
 * @category combinators
 * @since 0.1.0
 */
export const toGlobalBroadcast = (self: ActorId): ActorId =>
  make({ ...self, instance: ALL_INSTANCES, machine: ALL_MACHINES })

/**
 * Whether it stands for all of its type, on one machine or on all.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isBroadcast = (self: ActorId): boolean => self.instance === ALL_INSTANCES

/**
 * Whether it stands for all machines.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isGlobalBroadcast = (self: ActorId): boolean => self.machine === ALL_MACHINES

/**
 * By type, then instance, version and machine.
 *
 * @category instances
 * @since 0.1.0
 */
export const Order: Order_.Order<ActorId> = Order_.make((self, that) =>
  sign(
    self.type - that.type || self.instance - that.instance || self.version - that.version ||
      self.machine - that.machine
  )
)

const sign = (difference: number): -1 | 0 | 1 => difference < 0 ? -1 : difference > 0 ? 1 : 0

/**
 * Equal in all parts.
 *
 * @category instances
 * @since 0.1.0
 */
export const Equivalence: Equivalence_.Equivalence<ActorId> = Equivalence_.make((self, that) =>
  self.instance === that.instance && self.version === that.version && self.type === that.type &&
  self.machine === that.machine
)

/**
 * The schema of identities. Between threads and in a `Layout` one takes 8 bytes, in the order of kay's `RawID`; as
 * JSON it is its text.
 *
 * **Example** (In a record of fixed size)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { ActorId, Layout } from "@troupe/runtime"
 *
 * const Trip = Layout.make(Schema.Struct({ driver: ActorId.ActorId, from: Layout.Uint32 }))
 *
 * Trip.byteLength // 12
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const ActorId: Schema.declare<ActorId> = Layout.via(
  Schema.declare(isActorId, {
    identifier: "ActorId",
    representation: { id: TypeId, payload: null },
    expected: "ActorId",
    toCodecJson: () =>
      Schema.link<ActorId>()(
        Schema.String,
        SchemaTransformation.transformEffect<ActorId, string>({
          decode: (text, options) =>
            Result.match(parse(text), {
              onSuccess: (id) => Effect.succeed(id),
              onFailure: ({ message }) =>
                Effect.fail(new SchemaIssue.InvalidValue({ message }, text, options))
            }),
          encode: (id) => Effect.succeed(format(id))
        })
      ),
    toFormatter: () => format
  }),
  {
    as: Schema.Struct({
      instance: Layout.Uint32,
      type: Layout.Uint16,
      machine: Layout.Uint8,
      version: Layout.Uint8
    }),
    get: make,
    set: (view, { instance, machine, type, version }) => {
      view.instance = instance
      view.type = type
      view.machine = machine
      view.version = version
    }
  }
)
