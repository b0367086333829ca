/**
 * A plan's encoder and decoder as the user holds them: bounded, and with typed
 * errors.
 */
import { CodecError, renderPath } from "./codecError.ts"
import * as Interpreter from "./codecInterpreter.ts"
import { maxDepth, type Plan } from "./codecPlan.ts"
import { type Bytes, cursor, fail, WireError } from "./hot/bytes.ts"

/** The two functions of a codec. */
export interface Faces {
  readonly encode: (value: any, bytes: Bytes, offset: number, limit: number) => number
  readonly decode: (bytes: Bytes, offset: number, end: number) => any
}

/** Walks the plan, keeping the path for the error it may end with. */
export const interpret = (plan: Plan, base: string): Faces => ({
  encode: (value, bytes, offset, limit) => {
    const depth = Interpreter.path.length
    try {
      return Interpreter.write(plan, value, bytes, offset, Math.min(limit, bytes.u8.length), maxDepth)
    } catch (error) {
      throw refusal("encode", base, Interpreter.path.slice(depth), error)
    } finally {
      Interpreter.path.length = depth
    }
  },
  decode: (bytes, offset, end) => {
    const depth = Interpreter.path.length
    try {
      if (end > bytes.u8.length || offset < 0) return fail("they lie outside the buffer")
      const value: unknown = Interpreter.read(plan, bytes, offset, end, maxDepth)
      return cursor.p === end ? value : fail("bytes are left over")
    } catch (error) {
      throw refusal("decode", base, Interpreter.path.slice(depth), error)
    } finally {
      Interpreter.path.length = depth
    }
  }
})

const refusal = (
  operation: "encode" | "decode",
  base: string,
  keys: ReadonlyArray<PropertyKey>,
  error: unknown
): CodecError =>
  new CodecError({
    operation,
    // A path as deep as the limit says no more than its beginning.
    path: renderPath(base, keys.slice(0, 32)),
    reason: error instanceof WireError
      ? error.reason
      : error instanceof RangeError && error.message.includes("call stack")
      ? "it is too deep, or cyclic"
      : error instanceof Error
      ? error.message
      : String(error)
  })
