/**
 * Values that mean something only where they are: references. Between the threads of a system one travels as an
 * address; anywhere else, in a file for example, as text that says which system it is of. A codec does not know where
 * its bytes go, so whoever writes to a link, or reads from one, says so for as long as that takes.
 */
import type * as SchemaAST from "effect/SchemaAST"
import type { System } from "./system.ts"

export const crossing: {
  /** The system between whose threads a value crosses right now. */
  system: System | undefined
  /** The system that this thread made last. */
  latest: WeakRef<System> | undefined
} = { system: undefined, latest: undefined }

/** Annotation of a declared schema whose values travel as those of another one: a {@link Crossing}. */
export const CROSSING = "@troupe/runtime/crossing"

export interface Crossing {
  /** What it is called where a value is not one. */
  readonly label: string
  /** Throws for what is not a value of the schema. */
  readonly to: (value: unknown) => unknown
  readonly from: (inside: any) => unknown
  readonly as: SchemaAST.AST
}
