/** Effects of a swarm's handlers: each works on a copy of its row, which takes the row's place when it is done. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { ActorEnded } from "../AskError.ts"
import * as Failure from "./failure.ts"
import { BUSY, FAILED } from "./hot/columns.ts"
import { CRASH, FAIL, LATER, NEXT, REPLY, Step, STOP } from "./hot/step.ts"
import type { Flight, Policy, SwarmTurn } from "./hot/swarmTurn.ts"
import type { Debt } from "./life.ts"
import type { SwarmHost } from "./swarmHost.ts"

interface Open {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly replier: Debt | undefined
  /** Messages that came meanwhile. */
  readonly parked: Array<Parked>
}

/** A message that waits for the end of an effect. */
export interface Parked {
  readonly slot: number
  /** Version << 16 | place in the protocol. */
  readonly head: number
  readonly payload: unknown
  readonly replier: Debt | undefined
}

export class Flights {
  private readonly host: SwarmHost
  private readonly open = new Map<number, Open>()
  /** Set where handlers run on this thread. */
  context: Context.Context<never> = Context.empty()
  policy: Policy = "end"
  turn: SwarmTurn<unknown> | undefined = undefined

  constructor(host: SwarmHost) {
    this.host = host
  }

  /** How many there are. */
  get size(): number {
    return this.open.size
  }

  /** The effect of a message begins. */
  start(slot: number, message: number, replier: Debt | undefined, flight: Flight): void {
    const { host } = this
    const version = host.store.slots.version(slot)
    const { effect } = flight
    const running = Effect.isEffect(effect)
      ? Effect.scoped(effect as Effect.Effect<unknown, unknown>)
      : Effect.die(
        new TypeError(
          `the handler ${
            host.protocol.messages[message]!.tag
          } of ${host.name} gave neither a step nor an Effect of one`
        )
      )
    const fiber = Effect.runForkWith(this.context)(running)
    const open: Open = { fiber, replier, parked: this.open.get(slot)?.parked ?? [] }
    this.open.set(slot, open)
    fiber.addObserver((exit) =>
      host.between(() => {
        this.turn!.land(flight)
        if (this.open.get(slot) !== open) return
        this.open.delete(slot)
        host.again(open.parked)
        if (host.store.row(slot, version) >= 0) this.done(slot, version, message, replier, flight, exit)
      })
    )
  }

  private done(
    slot: number,
    version: number,
    message: number,
    replier: Debt | undefined,
    flight: Flight,
    exit: Exit.Exit<unknown, unknown>
  ): void {
    const { host } = this
    const { tag } = host.protocol.messages[message]!
    const row = host.store.row(slot, version)
    const chunk = host.chunk(row)
    const at = row & (host.rows.shape.rows - 1)
    chunk.unmark(at, BUSY)
    if (Exit.isFailure(exit)) {
      const error = Cause.findError(exit.cause)
      if (error._tag === "Failure") return this.crash(slot, version, tag, replier, exit.cause)
      if (replier !== undefined) replier.fail(error.success)
      else host.system.deadLetter("UnheardError", { name: host.name, key: undefined }, tag, error.success)
      return
    }
    const { value } = exit
    if (value !== undefined && !(value instanceof Step)) {
      const problem = new TypeError(`the handler ${tag} of ${host.name} gave an Effect of what is not a step`)
      return this.crash(slot, version, tag, replier, Cause.die(problem))
    }
    const step = value ?? new Step(NEXT, undefined, undefined)
    if (step.kind === CRASH) return this.crash(slot, version, tag, replier, Cause.fail(step.value))
    if (step.kind !== STOP) {
      const { cursor } = flight
      try {
        if (step.state !== undefined && step.state !== cursor.view) cursor.write(step.state)
      } catch (problem) {
        return this.crash(slot, version, tag, replier, Cause.die(problem))
      }
      host.store.replace(row, cursor.chunk, 0)
    }
    switch (step.kind) {
      case NEXT:
      case REPLY:
        replier?.succeed(step.value)
        return
      case FAIL:
        if (replier !== undefined) replier.fail(step.value)
        else host.system.deadLetter("UnheardError", { name: host.name, key: undefined }, tag, step.value)
        return
      case LATER:
        if (replier !== undefined && !replier.done) {
          host.owed.set(slot, [...host.owed.get(slot) ?? [], replier])
        }
        return
      case STOP:
        host.remove(slot, version)
        replier?.succeed(step.value)
    }
  }

  private crash(
    slot: number,
    version: number,
    tag: string,
    replier: Debt | undefined,
    cause: Cause.Cause<unknown>
  ): void {
    const { host } = this
    const row = host.store.row(slot, version)
    replier?.abandon(new ActorEnded({ failure: Failure.ofCause(cause) }))
    if (this.policy === "end") host.remove(slot, version)
    else if (this.policy !== "keep") host.chunk(row).mark(row & (host.rows.shape.rows - 1), FAILED)
    host.failed([{ id: host.id(slot, version), tag, cause }])
  }

  /** A message waits until the effect of its instance is done. */
  park(slot: number, parked: Parked): void {
    this.open.get(slot)!.parked.push(parked)
  }

  /** How many messages wait so. */
  get parked(): number {
    let parked = 0
    for (const open of this.open.values()) parked += open.parked.length
    return parked
  }

  /** An instance has ended. */
  interrupt(slot: number): void {
    const open = this.open.get(slot)
    if (open === undefined) return
    this.open.delete(slot)
    open.fiber.interruptUnsafe()
    open.replier?.abandon(new ActorEnded({}))
    for (const { head, payload, replier } of open.parked) this.host.bury(head & 0xffff, payload, replier)
  }

  interruptAll(): void {
    for (const slot of Array.from(this.open.keys())) this.interrupt(slot)
  }
}
