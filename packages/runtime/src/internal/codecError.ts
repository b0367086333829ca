/**
 * What goes wrong in a codec: when it is made, and when it is used.
 */
import * as Schema from "effect/Schema"

/**
 * A schema that cannot cross a thread: somewhere in it stands something that
 * has no wire form, such as a declared type without a codec. Raised when the
 * protocol is defined, never when a message is sent.
 */
export class CodecDefinitionError extends Schema.TaggedError<CodecDefinitionError>()("CodecDefinitionError", {
  /** The field, from the root: `Account.Deposit.payload.amount`; `[]` an element, `{}` a record's value. */
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.path === "" ? "this schema" : this.path} cannot cross a thread: ${this.reason}`
  }
}

/**
 * A value that cannot be encoded, or bytes that cannot be decoded: malformed,
 * truncated, with bytes left over, deeper than the limit, or failing a check of
 * the schema.
 */
export class CodecError extends Schema.TaggedError<CodecError>()("CodecError", {
  operation: Schema.Literals(["encode", "decode"]),
  /** Where in the value: `Account.Deposit.payload.items[3].name`. */
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `cannot ${this.operation} ${this.path === "" ? "the value" : this.path}: ${this.reason}`
  }
}

/** A path as people write it. */
export const renderPath = (base: string, keys: ReadonlyArray<PropertyKey>): string => {
  let out = base
  for (const key of keys) {
    if (typeof key === "number") out += `[${key}]`
    else if (typeof key === "symbol") out += `[${String(key)}]`
    else if (/^[A-Za-z_$][\w$]*$/.test(key)) out += out === "" ? key : `.${key}`
    else if (key === "[]" || key === "{}") out += key
    else out += `[${JSON.stringify(key)}]`
  }
  return out
}
