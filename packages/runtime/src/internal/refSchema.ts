/** Schemas of references: between threads an address, as JSON a text, in a record of fixed size an identity. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as ActorId from "../ActorId.ts"
import { Address } from "./address.ts"
import { CROSSING, type Crossing, crossing } from "./crossing.ts"
import * as Failure from "./failure.ts"
import { fail } from "./hot/bytes.ts"
import { hasProperty } from "effect/Predicate"
import { refTypeId, systemKey } from "./keys.ts"
import { format, type Ref } from "./ref.ts"
import { VIA, type Via } from "./layoutPlan.ts"
import { fits, identified, parse, resolve, type Wanted } from "./resolve.ts"
import type { System } from "./system.ts"

/** The schema of the references that are wanted. */
export const make = (wanted: Wanted): Schema.declare<Ref> => {
  const label = wanted.name === undefined ? "ActorRef" : `ActorRef(${wanted.name})`
  const is = (u: unknown): u is Ref => hasProperty(u, refTypeId) && fits(u as unknown as Ref, wanted)
  const across: Crossing = {
    label,
    as: Address.ast,
    to: (value): Address => {
      if (!is(value)) return fail(`expected ${label}`)
      const { system } = crossing
      if (system === undefined) return { _tag: "Text", text: format(value) }
      return system === value.system ? value.address : fail("a reference of another system")
    },
    from: (address: Address) => resolve(crossing.system ?? latest(), address, wanted)
  }
  const inRecord: Via = {
    as: Identified.ast,
    get: ({ id }: Identified) => identified(crossing.system ?? latest(), id, wanted),
    set: (view: { -readonly [K in keyof Identified]: Identified[K] }, value) => {
      const id = is(value) ? value.id : undefined
      if (id === undefined) throw new RangeError(`a record holds the reference to a spawned ${label}`)
      view.id = id
    }
  }
  return Schema.declare(is, {
    expected: label,
    [CROSSING]: across,
    [VIA]: inRecord,
    toCodecJson: () =>
      Schema.link<Ref>()(
        Schema.String,
        SchemaTransformation.transformEffect<Ref, string>({
          decode: (text, options) =>
            Effect.flatMap(Effect.serviceOption(systemKey), (service) =>
              Effect.try({
                try: () => parse(Option.isSome(service) ? service.value as System : latest(), text, wanted),
                catch: (error) => new SchemaIssue.InvalidValue({ message: Failure.of(error) }, text, options)
              })),
          encode: (ref) => Effect.succeed(format(ref))
        })
      ),
    toFormatter: () => format
  })
}

/** What a record of fixed size holds of a reference. */
const Identified = Schema.Struct({ id: ActorId.ActorId })
type Identified = typeof Identified.Type

/** Where nothing says which system a reference is to be of: the one that this thread made last. */
const latest = (): System => crossing.latest?.deref() ?? fail("there is no system on this thread")
