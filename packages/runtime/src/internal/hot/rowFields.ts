/**
 * What both ways to build rows share: how a field is kept, copied, and reached.
 *
 * **Contract** One thread.
 * **Invariant** See rows.ts.
 * **Ordering** None.
 * **Allocation** A view for each column of records in a chunk, when it is first looked at.
 * **Evidence** test/hot/swarmStore.test.ts.
 */
import { arrays, type Chunk, type Column, elementOf, type Shape } from "./columns.ts"
import { NOTHING } from "./heap.ts"
import { compile as compileView, type ViewClass } from "./layout.ts"

export const at = (i: number): readonly ["d0" | "d1", number] =>
  i < 31 ? ["d0", 1 << i] : ["d1", 1 << (i - 31)]

export const save = (kept: Uint8Array, from: Uint8Array, at: number): void => {
  for (let i = 0; i < kept.length; i++) kept[i] = from[at + i]!
}

export const copyBytes = (
  from: Uint8Array,
  at: number,
  to: Uint8Array,
  there: number,
  length: number
): void => {
  for (let i = 0; i < length; i++) to[there + i] = from[at + i]!
}

/** The view of a record column of a chunk. */
export const viewOf = (chunk: Chunk, column: number, View: ViewClass): any =>
  chunk.views[column] ??= new View(chunk.arrays[column])

/** Copies a managed value into the memory of another chunk; within a chunk it stays where it is. */
export const copyManaged = (from: Chunk, handle: number, to: Chunk): number =>
  handle === NOTHING || from === to ? handle : to.heap!.put(from.heap!.bytes(handle))

export const define = (value: object, name: string, field: unknown): void => {
  // Defined, not assigned: a field may be called __proto__.
  Object.defineProperty(value, name, { value: field, configurable: true, enumerable: true, writable: true })
}

export const views = ({ columns }: Shape): ReadonlyArray<ViewClass | undefined> =>
  columns.map((column) => column.tag === "record" ? compileView(column.record) : undefined)

/** What a field keeps of the row that the cursor stands on. */
export const keeper = (column: Column): any => {
  const element = elementOf(column)
  return element === undefined
    ? new Uint8Array((column as { stride: number }).stride)
    : new arrays[element](1)
}
