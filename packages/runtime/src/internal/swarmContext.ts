/** What a swarm's handler is given besides its row. */
import * as ActorId from "../ActorId.ts"
import type { ActorRef } from "../ActorRef.ts"
import type { Any } from "../Swarm.ts"
import type { Cursor } from "./hot/columns.ts"
import { ALL, SEND, SPAWN, TELL } from "./hot/swarmOutputs.ts"
import { type Context, random, type SwarmTurn } from "./hot/swarmTurn.ts"

/** Where what a handler says goes when there is no turn of its thread that it is part of. */
export interface Outlet {
  tell(swarm: string, id: ActorId.Parts, tag: string, payload: unknown): boolean
  spawn(swarm: string, state: unknown): void
  broadcast(swarm: string, tag: string, payload: unknown): void
  ref(slot: number, version: number): ActorRef<never>
  /** The place of a message in a swarm's protocol, or -1; its payload as it is delivered. */
  message(swarm: string, tag: string, payload: unknown): { readonly index: number; readonly value: unknown }
  /** The version of an identity of a swarm; 0, which nobody has, of one that is another's. */
  version(swarm: string, id: ActorId.Parts): number
}

/** What an instance's effect knows of the message that began it. */
interface Aside {
  readonly cursor: Cursor
  readonly slot: number
  readonly version: number
  readonly ordinal: number
  readonly turn: number
  readonly replier: unknown
}

export class SwarmContext implements Context {
  private readonly run: SwarmTurn<unknown>
  private readonly type: number
  private readonly machine: number
  private readonly outlet: Outlet
  private aside: Aside | undefined = undefined
  /** The instance and the message in whose handler random numbers were last drawn; and how many. */
  private drawnFor = -1
  private drawnIn = -1
  private drawnAt = -1
  private drawn = 0

  constructor(run: SwarmTurn<unknown>, type: number, machine: number, outlet: Outlet) {
    this.run = run
    this.type = type
    this.machine = machine
    this.outlet = outlet
  }

  settle(result: unknown): void {
    this.run.settle(result)
  }

  depart(run: SwarmTurn<unknown>, cursor: Cursor): void {
    const slot = cursor.chunk.slots[0]!
    const { asker, ordinal, turn } = run
    this.aside = { cursor, slot, version: run.version(slot), ordinal, turn, replier: asker }
    this.drawnFor = -1
  }

  arrive(): void {
    this.aside = undefined
    this.drawnFor = -1
  }

  get turn(): number {
    return this.aside?.turn ?? this.run.turn
  }

  get id(): ActorId.ActorId {
    const { aside, machine, run, type } = this
    const instance = aside?.slot ?? run.slot
    return ActorId.make({ type, instance, version: aside?.version ?? run.version(instance), machine })
  }

  get self(): ActorRef<never> {
    const { aside, run } = this
    const slot = aside?.slot ?? run.slot
    return this.outlet.ref(slot, aside?.version ?? run.version(slot))
  }

  get replier(): unknown {
    return this.aside === undefined ? this.run.asker : this.aside.replier
  }

  random(): number {
    const { aside, run, turn } = this
    const slot = aside?.slot ?? run.slot
    const ordinal = aside?.ordinal ?? run.ordinal
    if (slot !== this.drawnFor || ordinal !== this.drawnIn || turn !== this.drawnAt) {
      this.drawnFor = slot
      this.drawnIn = ordinal
      this.drawnAt = turn
      // An effect goes on drawing where nothing of the turn's has been.
      this.drawn = aside === undefined ? 0 : 0x10000
    }
    const version = aside?.version ?? run.version(slot)
    return random(run.seed, slot, version, turn, ordinal, this.drawn++)
  }

  send(ref: { tellUnsafe(tag: string, payload?: unknown): boolean }, tag: string, payload?: unknown): void {
    if (this.aside !== undefined) ref.tellUnsafe(tag, payload)
    else this.run.out.add(SEND, 0, 0, ref, [tag, payload])
  }

  tell({ name }: Any, id: ActorId.Parts, tag: string, payload?: unknown): void {
    if (this.aside !== undefined) {
      this.outlet.tell(name, id, tag, payload)
      return
    }
    const { index, value } = this.outlet.message(name, tag, payload)
    this.run.out.add(TELL, id.instance, this.outlet.version(name, id) << 16 | index, name, value)
  }

  broadcast({ name }: Any, tag: string, payload?: unknown): void {
    if (this.aside !== undefined) {
      this.outlet.broadcast(name, tag, payload)
      return
    }
    const { index, value } = this.outlet.message(name, tag, payload)
    this.run.out.add(ALL, 0, index, name, value)
  }

  spawn({ name }: Any, state: unknown): void {
    if (this.aside !== undefined) this.outlet.spawn(name, state)
    else this.run.out.add(SPAWN, 0, 0, name, state)
  }
}
