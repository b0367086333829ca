/** What the codecs carry: messages of the sizes that actors send. */
import * as Schema from "effect/Schema"

/** A schema, one of its values, and a number in it by which an arrival is checked. */
export interface Message<T> {
  readonly schema: Schema.Codec<T>
  readonly value: T
  readonly check: (arrived: T) => number
}

const message = <T>(schema: Schema.Codec<T>, value: T, check: (arrived: T) => number): Message<T> => ({
  schema,
  value,
  check
})

/** Four fields of fixed size. */
export const four = message(
  Schema.Struct({
    id: Schema.Int,
    at: Schema.Number,
    ok: Schema.Boolean,
    kind: Schema.Literals(["arrival", "departure", "delay"])
  }),
  { id: 17, at: 12_345.5, ok: true, kind: "departure" },
  ({ id }) => id
)

/** A dozen fields, half of them strings. */
export const dozen = message(
  Schema.Struct({
    id: Schema.String,
    name: Schema.String,
    email: Schema.String,
    age: Schema.Int,
    score: Schema.Number,
    active: Schema.Boolean,
    role: Schema.Literals(["admin", "user", "guest"]),
    created: Schema.Number,
    city: Schema.String,
    zip: Schema.String,
    note: Schema.optionalKey(Schema.String),
    rank: Schema.Int
  }),
  {
    id: "u-1234567",
    name: "Ada Lovelace",
    email: "ada@example.org",
    age: 36,
    score: 99.5,
    active: true,
    role: "user",
    created: 1_700_000_000_000,
    city: "London",
    zip: "SW1A 1AA",
    note: "first",
    rank: 3
  },
  ({ age }) => age
)

/** One of three by their tag, with an array of structs in it. */
export const nested = message(
  Schema.Union([
    Schema.TaggedStruct("Cancelled", { id: Schema.Int }),
    Schema.TaggedStruct("Ordered", {
      id: Schema.Int,
      items: Schema.Array(Schema.Struct({ sku: Schema.String, quantity: Schema.Int, price: Schema.Number }))
    }),
    Schema.TaggedStruct("Paid", { id: Schema.Int, total: Schema.Number })
  ]),
  {
    _tag: "Ordered",
    id: 9,
    items: [
      { sku: "A-1", quantity: 1, price: 9.5 },
      { sku: "B-22", quantity: 2, price: 19.5 },
      { sku: "C-333", quantity: 3, price: 29.5 }
    ]
  },
  ({ id }) => id
)
