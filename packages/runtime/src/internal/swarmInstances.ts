/** The instances of a swarm, on the thread that owns it: who they are, and their states. Changed only between turns. */
import * as ActorId from "../ActorId.ts"
import type { Any } from "../Swarm.ts"
import { SwarmError } from "../SwarmError.ts"
import * as Failure from "./failure.ts"
import type { Chunk, Cursor, Rows } from "./hot/columns.ts"
import type { SwarmStore } from "./hot/swarmStore.ts"
import { single } from "./hot/swarmTurn.ts"
import type { System } from "./system.ts"

/** What instances are made of. */
export interface Made {
  readonly system: System
  readonly contract: Any
  readonly rows: Rows
  readonly store: SwarmStore
  /** The type in their identities. */
  readonly type: number
  /** Fills a state's defaults, and checks it where the system validates. */
  readonly construct: (state: unknown) => any
}

export class SwarmInstances {
  readonly system: System
  readonly contract: Any
  readonly store: SwarmStore
  readonly rows: Rows
  readonly type: number
  private readonly construct: (state: unknown) => any
  private readonly writer: Cursor

  constructor({ construct, contract, rows, store, system, type }: Made) {
    this.system = system
    this.contract = contract
    this.store = store
    this.rows = rows
    this.type = type
    this.construct = construct
    this.writer = rows.cursor(single(rows))
  }

  get name(): string {
    return this.contract.name
  }

  id(slot: number, version: number): ActorId.ActorId {
    return ActorId.make({ type: this.type, instance: slot, version, machine: this.system.thread })
  }

  /** The version of an identity; 0, which nobody has, of one that is not of this swarm. */
  version(id: ActorId.Parts): number {
    return id.type === this.type && id.machine === this.system.thread ? id.version : 0
  }

  /** The row of an identity, or -1. */
  row(id: ActorId.Parts): number {
    return this.store.row(id.instance, this.version(id))
  }

  chunk(row: number): Chunk {
    return this.store.chunks[Math.floor(row / this.rows.shape.rows)]!
  }

  /** A new instance with this state: its slot. Throws a `SwarmError` for a state that does not fit. */
  spawn(state: unknown): number {
    const { store, writer } = this
    store.changing()
    const slot = this.added()
    const row = store.count - 1
    writer.enter(this.chunk(row))
    writer.r = row & (this.rows.shape.rows - 1)
    // Nothing of what was there before is kept.
    writer.d0 = -1
    writer.d1 = -1
    try {
      writer.write(this.construct(state))
      if (this.rows.shape.managed) store.settle(Math.floor(row / this.rows.shape.rows), writer.r)
    } catch (error) {
      store.unadd()
      if (error instanceof SwarmError) throw error
      throw new SwarmError({ swarm: this.name, reason: "InvalidState", problem: Failure.of(error) })
    }
    store.changed()
    return slot
  }

  /** A place for one more, unless there is no memory for it. */
  private added(): number {
    try {
      return this.store.add()
    } catch (error) {
      this.store.changed()
      throw error
    }
  }

  /** The state of the instance in a row, as a plain value. */
  read(row: number): unknown {
    const { writer } = this
    writer.enter(this.chunk(row))
    writer.r = row & (this.rows.shape.rows - 1)
    return writer.read()
  }

  /** Sets every field of a row, or throws and has set none. */
  write(row: number, state: unknown): void {
    const { managed, rows } = this.rows.shape
    const { store, writer } = this
    writer.enter(this.chunk(row))
    writer.r = row & (rows - 1)
    writer.d0 = 0
    writer.d1 = 0
    store.changing()
    try {
      writer.write(state)
    } catch (error) {
      writer.rollback()
      store.changed()
      throw error
    }
    if (managed) {
      writer.commit()
      store.settle(Math.floor(row / rows), writer.r)
    }
    store.changed()
  }
}
