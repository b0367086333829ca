/**
 * A plan carried out by walking it: what runs where code cannot be generated,
 * and what says, after the generated code has refused, where and why. The two
 * give the same bytes and the same values.
 *
 * The encoder returns the offset after what it wrote, or -1 when it does not
 * fit; the decoder leaves the offset after what it read in `cursor.p`. Both
 * throw {@link WireError}, and then `path` says where.
 */
import { maxDepth, type Plan, type Sequence, type Signature } from "./codecPlan.ts"
import { fail } from "./hot/bytes.ts"

/** Where the walk is. Whoever starts one cuts it back to where it began. */
export const path: Array<PropertyKey> = []

export const tooDeep = (): never => fail(`it is deeper than ${maxDepth} levels, or cyclic`)

/** Refuses what is not a number, or not of the kind that the plan admits. */
export const checkFloat = (
  plan: { readonly finite: boolean; readonly integer: boolean },
  value: unknown
): void => {
  if (typeof value !== "number") fail("expected a number")
  if (plan.integer && !Number.isSafeInteger(value)) fail("expected an integer")
  if (plan.finite && !Number.isFinite(value)) fail("expected a finite number")
}

// Of several signatures that select a key the last one has the last word.
export const signatureOf = (signatures: ReadonlyArray<Signature>, key: PropertyKey): number => {
  for (let i = signatures.length - 1; i >= 0; i--) {
    const { matches } = signatures[i]!
    if (matches === undefined ? typeof key === "string" : matches(key)) return i
  }
  return -1
}

/** Refuses a count that no array of the plan has. */
export const checkCount = (plan: Sequence, n: number): void => {
  const least = plan.required + plan.tail.length
  if (n < least || (plan.rest === undefined && n > plan.elements.length)) fail("an array of the wrong length")
}

/** What the element at `i` of `n` is. */
export const elementAt = (plan: Sequence, i: number, n: number): Plan => {
  if (i < plan.elements.length) return plan.elements[i]!
  const fromTail = i - (n - plan.tail.length)
  return fromTail >= 0 ? plan.tail[fromTail]! : plan.rest!
}
