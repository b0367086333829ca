/**
 * Rows of columns as objects: one view for many rows, whose fields read and write the columns.
 *
 * **Contract** One thread a cursor.
 * **Invariant** What a handler has overwritten of a row is kept in the cursor until the next row, so that `rollback`
 * gives the row back as it was. Names of a schema are data: generated code gets them as elements of an array and never
 * contains them.
 * **Ordering** None: plain memory. The claim of the chunk publishes it.
 * **Allocation** A cursor, its view and what it keeps once; none to move it, to read or to write, but for bigints,
 * nested views (once a chunk) and values of managed memory.
 * **Evidence** test/hot/swarmStore.test.ts: generated and interpreted rows against each other and against plain
 * objects; `swarm.broadcast`.
 */
import type { Rows, Shape } from "./columns.ts"
import { mayGenerate } from "./layout.ts"
import { interpret } from "./rowsClosures.ts"
import { generate } from "./rowsCode.ts"

/** Compiles rows; `by` forces one of two ways that differ in nothing but speed. */
export const compile = (
  shape: Shape,
  by: "code" | "closures" = mayGenerate ? "code" : "closures"
): Rows => by === "code" ? generate(shape) : interpret(shape)
