/** What the thread that owns swarms and those that run their handlers say to each other. */
import type { ActorId } from "../ActorId.ts"
import type { Part } from "./swarmMemory.ts"

/** To a worker: run chunks of this turn. What it needs has been written before. */
export interface Turn {
  readonly _tag: "Turn"
  readonly swarm: string
  readonly turn: number
  readonly workers: number
  /** The worker's place among them, from 0. */
  readonly place: number
  /** Regions that it has not seen. */
  readonly parts: ReadonlyArray<Part>
  /** The turn in which each chunk was last claimed. */
  readonly claims: Int32Array
  readonly deal: {
    readonly size: number
    readonly starts: Uint32Array
    readonly rows: Uint32Array
    readonly told: Uint32Array
    readonly order: Uint32Array
    /** Where each message's payload ends among the bytes. */
    readonly ends: Uint32Array
    readonly bytes: SharedArrayBuffer
    /** The numbers of the messages that were asked. */
    readonly asked: ReadonlyArray<number>
  }
  readonly broadcasts: ReadonlyArray<{ readonly message: number; readonly payload: Uint8Array }>
}

/** To a worker: an instance has ended, and its effect with it. */
export interface Interrupt {
  readonly _tag: "Interrupt"
  readonly swarm: string
  readonly slot: number
}

export type Order = Turn | Interrupt

/** From a worker: its part of a turn is done. `chunks` are those that it ran, each with the end of its outputs. */
export interface Done {
  readonly _tag: "Done"
  readonly swarm: string
  readonly turn: number
  readonly chunks: ReadonlyArray<{ readonly chunk: number; readonly end: number }>
  /** How many of them were another worker's share. */
  readonly stolen: number
  readonly outputs: Packed
  readonly handled: Float64Array
  readonly swept: number
  readonly failed: number
  /** Values for which there was no room, by chunk. */
  readonly waiting: ReadonlyArray<
    { readonly chunk: number; readonly values: Array<Uint8Array | undefined> }
  >
}

/** From a worker: it could not do its part of a turn. */
export interface Failed {
  readonly _tag: "Failed"
  readonly swarm: string
  readonly problem: string
}

/** From a worker: an effect is done. `state` and `value` as the step says; undefined state for the row as it was. */
export interface Landed {
  readonly _tag: "Landed"
  readonly swarm: string
  readonly slot: number
  readonly version: number
  readonly message: number
  readonly outcome:
    | { readonly _tag: "Step"; readonly kind: number; readonly state: Uint8Array; readonly value: Uint8Array }
    | { readonly _tag: "Fail"; readonly error: Uint8Array }
    | { readonly _tag: "Die"; readonly problem: string }
}

/** From a worker: the answer to an ask whose handler had owed it. */
export interface Reply {
  readonly _tag: "Reply"
  readonly swarm: string
  readonly turn: number
  readonly token: number
  readonly message: number
  readonly success: boolean
  readonly value: Uint8Array
}

/** From a worker: what an effect or an actor there says to a swarm. */
export interface Said {
  readonly _tag: "Said"
  readonly swarm: string
  readonly what: "tell" | "broadcast" | "spawn"
  readonly id: ActorId | undefined
  readonly message: number
  readonly value: Uint8Array
}

export type Report = Done | Failed | Landed | Reply | Said

/** Outputs, as columns; what they have of values is in `bytes`, one after the other. */
export interface Packed {
  readonly kinds: Uint8Array
  readonly as: Uint32Array
  readonly bs: Uint32Array
  /** The place of a name, plus one; or the number of an ask, plus one. */
  readonly xs: Uint32Array
  readonly ends: Uint32Array
  readonly bytes: Uint8Array
  readonly names: ReadonlyArray<string>
  /** Actors that were not sent to before, in the order of their places. */
  readonly actors: ReadonlyArray<Uint8Array>
  /** Those from before mean nothing any more. */
  readonly forget: boolean
}
