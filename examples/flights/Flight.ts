/**
 * One flight, and why a row is not one.
 *
 * The schema is the authority on what a flight is. Rows are decoded by column for speed
 * (`Columns.ts`), so the schema itself runs only on the rows that the columns reject, to say why; a test
 * holds the two to the same verdict.
 */
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"

/** The columns that an input must have, in the order in which a row is judged. */
export const columnNames = ["date", "delay", "distance", "origin", "destination"] as const

export type ColumnName = typeof columnNames[number]

/** The largest distance from the epoch that a JavaScript date can have, in milliseconds. */
export const maxEpochMillis = 8.64e15

const number = Schema.Number.annotate({ message: "is missing" })

const int32 = number.check(
  // Not `isInt`, which is for safe integers: a larger one is an integer out of range.
  Schema.makeFilter(Number.isInteger, { message: "is not an integer" }),
  Schema.isBetween({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }, { message: "is out of range" })
)

const code = Schema.String.annotate({ message: "is missing" }).check(
  Schema.isNonEmpty({ message: "is missing" })
)

export const Flight = Schema.Struct({
  /** Milliseconds since the epoch; a date without a zone is taken as UTC. */
  date: number.check(
    Schema.isInt({ message: "is not a date" }),
    Schema.isBetween({ minimum: -maxEpochMillis, maximum: maxEpochMillis }, { message: "is not a date" })
  ),
  /** Minutes late on arrival; negative is early. */
  delay: int32,
  /** Miles. */
  distance: int32.check(Schema.isGreaterThanOrEqualTo(0, { message: "is negative" })),
  /** The airport's code, three letters for all but a few. */
  origin: code,
  destination: code
})

export interface Flight extends Schema.Schema.Type<typeof Flight> {}

const decode = SchemaParser.decodeUnknownExit(Flight)
const format = SchemaIssue.makeFormatterStandardSchemaV1()

/**
 * Why a row is not a flight, as in `delay is not an integer`; `undefined` if it is one. A missing value is
 * `undefined` or `null`, a number that could not be read is `NaN`.
 */
export const reason = (row: { readonly [K in ColumnName]: unknown }): string | undefined => {
  const exit = decode(row)
  if (Exit.isSuccess(exit)) return undefined
  const error = exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error
  const issue = error === undefined ? undefined : format(error).issues[0]
  return issue === undefined ? "not a flight" : `${String(issue.path?.[0] ?? "row")} ${issue.message}`
}
