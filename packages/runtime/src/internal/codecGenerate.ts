/**
 * A plan turned into code: one function that writes and one that reads, with
 * the fields in line, one bounds check for each run of fields of fixed size,
 * and property accesses that V8 caches. Parts that refer to themselves, and
 * parts beyond a size V8 still optimises, are functions of their own.
 *
 * No text of a schema becomes code: names, literals and functions are constants
 * `k0`, `k1` ... of the closure around it, and what the source itself is made of
 * is numbers and names made here. An object is built by a constructor whose
 * prototype is Object's, which V8 gives a shape at once; measured, it is as fast
 * as a literal with the names written out (5 to 15 ns), where a literal with
 * computed names is twice as slow.
 *
 * The code refuses without saying why; the interpreter, asked again, says it.
 */
import type { Plan } from "./codecPlan.ts"
import { Reader } from "./codecReader.ts"
import { Source } from "./codecSource.ts"
import { Writer } from "./codecWriter.ts"
import type { Bytes } from "./hot/bytes.ts"

/** As the interpreter's two functions, for one plan. */
export interface Generated {
  readonly write: (value: any, bytes: Bytes, o: number, limit: number, depth: number) => number
  readonly read: (bytes: Bytes, p: number, end: number, depth: number) => any
}

/**
 * Code for a plan, or undefined where code cannot be generated. `mutate` is for
 * the tests of the tests: it breaks the source, and they must notice.
 */
export const generate = (
  plan: Plan,
  mutate: (source: string) => string = (source) => source
): Generated | undefined => {
  if (!canGenerate()) return undefined
  const source = new Source()
  const write = new Writer(source).writer(plan)
  const read = new Reader(source).reader(plan)
  return source.build(`{ write: ${write}, read: ${read} }`, mutate) as Generated
}

// A page's Content-Security-Policy, or Node's --disallow-code-generation-from-strings,
// forbids it for good; asked once, when first needed.
let allowed: boolean | undefined
const canGenerate = (): boolean => {
  if (allowed === undefined) {
    try {
      // oxlint-disable-next-line typescript/no-implied-eval -- this asks whether it may
      allowed = new Function("return true")() === true
    } catch {
      allowed = false
    }
  }
  return allowed
}
