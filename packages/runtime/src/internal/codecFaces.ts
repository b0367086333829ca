/**
 * A plan's encoder and decoder as the user holds them: bounded, and with typed
 * errors.
 */
import { CodecError, renderPath } from "./codecError.ts"
import { generate, type Generated } from "./codecGenerate.ts"
import { path } from "./codecInterpreter.ts"
import { read } from "./codecInterpretRead.ts"
import { write } from "./codecInterpretWrite.ts"
import { maxDepth, type Plan } from "./codecPlan.ts"
import { type Bytes, cursor, fail, WireError } from "./hot/bytes.ts"

/** The two functions of a codec. */
export interface Faces {
  readonly encode: (value: any, bytes: Bytes, offset: number, limit: number) => number
  readonly decode: (bytes: Bytes, offset: number, end: number) => any
}

/** Generated code where it may be, else the interpreter. */
export const makeFaces = (plan: Plan, base: string, interpreter: boolean): Faces => {
  const generated = interpreter ? undefined : generate(plan)
  return generated === undefined ? interpret(plan, base) : run(generated, plan, base)
}

/** Runs the code, and when it refuses asks the interpreter why and where. */
export const run = (generated: Generated, plan: Plan, base: string): Faces => {
  const walk = interpret(plan, base)
  return {
    encode: (value, bytes, offset, limit) => {
      try {
        const { length } = bytes.u8
        return generated.write(value, bytes, offset, limit < length ? limit : length, maxDepth)
      } catch (error) {
        walk.encode(value, bytes, offset, limit)
        // Only a value with a getter that changes its mind comes here.
        throw refusal("encode", base, [], error)
      }
    },
    decode: (bytes, offset, end) => {
      try {
        if (end <= bytes.u8.length && offset >= 0) {
          const value: unknown = generated.read(bytes, offset, end, maxDepth)
          if (cursor.p === end) return value
        }
      } catch (error) {
        walk.decode(bytes, offset, end)
        // Only bytes that somebody else changed meanwhile come here.
        throw refusal("decode", base, [], error)
      }
      return walk.decode(bytes, offset, end)
    }
  }
}

/** Walks the plan, keeping the path for the error it may end with. */
const interpret = (plan: Plan, base: string): Faces => ({
  encode: (value, bytes, offset, limit) => {
    const depth = path.length
    try {
      return write(plan, value, bytes, offset, Math.min(limit, bytes.u8.length), maxDepth)
    } catch (error) {
      throw refusal("encode", base, path.slice(depth), error)
    } finally {
      path.length = depth
    }
  },
  decode: (bytes, offset, end) => {
    const depth = path.length
    try {
      if (end > bytes.u8.length || offset < 0) return fail("they lie outside the buffer")
      const value: unknown = read(plan, bytes, offset, end, maxDepth)
      return cursor.p === end ? value : fail("bytes are left over")
    } catch (error) {
      throw refusal("decode", base, path.slice(depth), error)
    } finally {
      path.length = depth
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
    reason: reasonOf(error)
  })

const reasonOf = (error: unknown): string => {
  if (error instanceof WireError) return error.reason
  if (error instanceof RangeError && error.message.includes("call stack")) return "it is too deep, or cyclic"
  return error instanceof Error ? error.message : String(error)
}
