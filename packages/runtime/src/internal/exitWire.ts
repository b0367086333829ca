/** How the end of an actor crosses threads: what it failed with, as far as that can be told elsewhere. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Codec from "../Codec.ts"
import * as Failure from "./failure.ts"

/** An error: its name and text, and as JSON what else it has, a tag for example. */
const Thrown = Schema.Struct({
  name: Schema.String,
  text: Schema.String,
  fields: Schema.UndefinedOr(Schema.String)
})

/** A failure; only an interruption has no error. */
const Reason = Schema.Struct({
  kind: Schema.Literals(["Fail", "Die", "Interrupt"]),
  error: Schema.UndefinedOr(Thrown)
})

/** None for an end that is no failure. */
const Reasons = Schema.UndefinedOr(Schema.Array(Reason))

export type Ending = typeof Reasons.Type

export const codec = Codec.make(Reasons)

export const encode = (exit: Exit.Exit<void, unknown>): Ending =>
  Exit.isSuccess(exit) ? undefined : exit.cause.reasons.map(encodeReason)

export const decode = (ending: Ending): Exit.Exit<void, unknown> =>
  ending === undefined ? Exit.void : Exit.failCause(Cause.fromReasons(ending.map(decodeReason)))

/** The longest text that is told, and the longest JSON, in characters. */
const LONGEST = 1 << 16

const encodeReason = (reason: Cause.Reason<unknown>): typeof Reason.Type => {
  switch (reason._tag) {
    case "Fail":
      return { kind: "Fail", error: encodeError(reason.error) }
    case "Die":
      return { kind: "Die", error: encodeError(reason.defect) }
    case "Interrupt":
      return { kind: "Interrupt", error: undefined }
  }
}

const decodeReason = ({ error, kind }: typeof Reason.Type): Cause.Reason<unknown> => {
  if (error === undefined) return Cause.makeInterruptReason()
  return kind === "Fail" ? Cause.makeFailReason(decodeError(error)) : Cause.makeDieReason(decodeError(error))
}

const encodeError = (error: unknown): typeof Thrown.Type => {
  const text = Failure.of(error).slice(0, LONGEST)
  // What was thrown may be anything, a thing that throws when it is looked at included.
  try {
    const name = hasProperty(error, "name") ? String(error.name) : ""
    const fields: string | undefined = JSON.stringify(error)
    return { name, text, fields: fields !== undefined && fields.length > LONGEST ? undefined : fields }
  } catch {
    return { name: "", text, fields: undefined }
  }
}

/** An error with that name, that text, and what else it had; or the value that was no error, a string for example. */
const decodeError = ({ fields, name, text }: typeof Thrown.Type): unknown => {
  const value = fields === undefined ? undefined : parse(fields)
  if (name === "" && value !== undefined) return value
  const error = new Error(text)
  error.name = name === "" ? "Error" : name
  // Where it was thrown is on another thread.
  error.stack = `${error.name}: ${text}`
  return typeof value === "object" ? Object.assign(error, value) : error
}

const parse = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
