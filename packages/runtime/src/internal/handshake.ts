/** What the thread that makes a system and its workers say to each other before there are links. */
import type { Ports } from "./bells.ts"
import type { Fabric } from "./mesh.ts"

/** To the worker: who it is, the memory that all share, and what wakes the others and it. */
export interface Welcome {
  readonly thread: number
  readonly fabric: Fabric
  readonly ports: Ports
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
