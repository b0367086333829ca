/** What the thread that makes a system and its workers say to each other before there are links. */
import type { Fabric } from "./mesh.ts"

/** To the worker: who it is, and the memory that all share. */
export interface Welcome {
  readonly thread: number
  readonly fabric: Fabric
  readonly validate: boolean
}

/** An actor that a worker hosts. */
export interface Hosting {
  readonly name: string
  readonly fingerprint: string
}

/** From the worker: what it hosts, or why it cannot. */
export type Answer =
  | { readonly _tag: "Ready"; readonly hosted: ReadonlyArray<Hosting> }
  | { readonly _tag: "Failed"; readonly problem: string }
