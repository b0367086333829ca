/** What the thread that makes a system and its workers say to each other before, and beside, the links. */
import type { Port } from "./bells.ts"
import type { Fabric } from "./fabric.ts"
import type { Memory } from "./hot/parking.ts"
import type { Inheritance } from "./mesh.ts"
import type { Observing } from "./observer.ts"

/** To the worker: who it is, the memory that all share, and what it inherits. */
export interface Welcome {
  readonly _tag: "Welcome"
  readonly thread: number
  readonly fabric: Fabric
  readonly validate: boolean
  readonly observing: Observing | undefined
  readonly inheritance: Inheritance
  /** Where it tells of the memory that is to survive it. */
  readonly registry: Port
  /** Where it is told of turns of swarms, if the workers run their handlers. */
  readonly swarms: Port | undefined
  /** The cores that it may run on; undefined for all. */
  readonly cores: ReadonlyArray<number> | undefined
}

/** To the worker: another thread is there, or has a successor, and is rung by this port from now on. */
export interface Successor {
  readonly _tag: "Successor"
  readonly thread: number
  readonly port: Port
}

/** An actor that a worker hosts. */
export interface Hosting {
  readonly name: string
  readonly fingerprint: string
}

/** From the worker: that it can be told of the others; then what it hosts, or why it cannot. */
export type Answer =
  | { readonly _tag: "Here" }
  | { readonly _tag: "Ready"; readonly hosted: ReadonlyArray<Hosting> }
  | { readonly _tag: "Failed"; readonly problem: string }

/** From the worker, over its registry: a chunk to be held for its successor, or no more. */
export type Chunk = Memory | { readonly id: number; readonly memory?: undefined }
