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

/** An effect that a worker runs. */
export class RemoteFlight {
  readonly thread: number
  private readonly executor: { interrupt(thread: number, slot: number): void }
  constructor(executor: { interrupt(thread: number, slot: number): void }, thread: number) {
    this.executor = executor
    this.thread = thread
  }

  interrupt(slot: number): void {
    this.executor.interrupt(this.thread, slot)
  }
}

/** An effect that this thread runs. */
class LocalFlight {
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  constructor(fiber: Fiber.Fiber<unknown, unknown>) {
    this.fiber = fiber
  }

  interrupt(): void {
    this.fiber.interruptUnsafe()
  }
}

interface Open {
  readonly run: LocalFlight | RemoteFlight
  readonly message: number
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

  /** The effect of a message begins, here or on the worker that called the handler. */
  start(slot: number, message: number, replier: Debt | undefined, flight: Flight | RemoteFlight): void {
    const { host } = this
    if (flight instanceof RemoteFlight) {
      this.open.set(slot, { run: flight, message, replier, parked: [] })
      return
    }
    const version = host.store.slots.version(slot)
    const fiber = Effect.runForkWith(this.context)(effectOf(host, message, flight.effect))
    const open: Open = { run: new LocalFlight(fiber), message, replier, parked: [] }
    this.open.set(slot, open)
    fiber.addObserver((exit) =>
      host.between(() => {
        if (this.open.get(slot) === open) this.landed(slot, version, exit, flight)
        this.turn!.land(flight)
      })
    )
  }

  /** An effect is done. */
  landed(slot: number, version: number, exit: Exit.Exit<unknown, unknown>, flight?: Flight): void {
    const { host } = this
    const open = this.open.get(slot)
    if (open === undefined || !host.store.slots.has(slot, version)) return
    this.open.delete(slot)
    host.again(open.parked)
    this.done(slot, version, open, exit, flight)
  }

  /** A worker has ended, and the effects that it ran. */
  lost(thread: number): void {
    for (const [slot, { run }] of Array.from(this.open)) {
      if (!(run instanceof RemoteFlight) || run.thread !== thread) continue
      this.landed(
        slot,
        this.host.store.slots.version(slot),
        Exit.die(new Error(`worker thread ${thread} ended`))
      )
    }
  }

  private done(
    slot: number,
    version: number,
    { message, replier }: Open,
    exit: Exit.Exit<unknown, unknown>,
    flight: Flight | undefined
  ): void {
    const { host } = this
    const { tag } = host.protocol.messages[message]!
    const row = host.store.row(slot, version)
    host.chunk(row).unmark(row & (host.rows.shape.rows - 1), BUSY)
    if (Exit.isFailure(exit)) {
      const error = Cause.findError(exit.cause)
      if (error._tag === "Failure") return this.crash(slot, version, tag, replier, exit.cause)
      return this.unsuccessful(tag, replier, error.success)
    }
    const step = exit.value ?? new Step(NEXT, undefined, undefined)
    if (!(step instanceof Step) || step.kind > CRASH) {
      const problem = new TypeError(
        `the handler ${tag} of ${host.name} gave an Effect of what is no step for it`
      )
      return this.crash(slot, version, tag, replier, Cause.die(problem))
    }
    if (step.kind === CRASH) return this.crash(slot, version, tag, replier, Cause.fail(step.value))
    if (step.kind !== STOP) {
      try {
        this.commit(row, step.state, flight)
      } catch (problem) {
        return this.crash(slot, version, tag, replier, Cause.die(problem))
      }
    }
    switch (step.kind) {
      case NEXT:
      case REPLY:
        replier?.succeed(step.value)
        return
      case FAIL:
        return this.unsuccessful(tag, replier, step.value)
      case LATER:
        if (replier !== undefined) host.owe(slot, replier)
        return
      case STOP:
        host.remove(slot, version)
        replier?.succeed(step.value)
    }
  }

  /** The row is as the effect has left its copy, or as the step says. */
  private commit(row: number, state: unknown, flight: Flight | undefined): void {
    const { host } = this
    if (flight === undefined) {
      if (state !== undefined) host.write(row, state)
      return
    }
    const { cursor } = flight
    if (state !== undefined && state !== cursor.view) cursor.write(state)
    host.store.replace(row, cursor.chunk, 0)
  }

  private unsuccessful(tag: string, replier: Debt | undefined, error: unknown): void {
    const { host } = this
    if (replier !== undefined) replier.fail(error)
    else host.system.deadLetter("UnheardError", { name: host.name, key: undefined }, tag, error)
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

  /** The messages that wait so. */
  get parkedMessages(): ReadonlyArray<Parked> {
    return Array.from(this.open.values()).flatMap(({ parked }) => parked)
  }

  /** An instance has ended. */
  interrupt(slot: number): void {
    const open = this.open.get(slot)
    if (open === undefined) return
    this.open.delete(slot)
    open.run.interrupt(slot)
    open.replier?.abandon(new ActorEnded({}))
    for (const { head, payload, replier } of open.parked) this.host.bury(head & 0xffff, payload, replier)
  }

  interruptAll(): void {
    for (const slot of Array.from(this.open.keys())) this.interrupt(slot)
  }
}

/** A handler's effect, or the failure that it is none. */
export const effectOf = (
  { name, protocol }: Pick<SwarmHost, "name" | "protocol">,
  message: number,
  effect: unknown
): Effect.Effect<unknown, unknown> =>
  Effect.isEffect(effect)
    ? Effect.scoped(effect as Effect.Effect<unknown, unknown>)
    : Effect.die(
      new TypeError(
        `the handler ${protocol.messages[message]!.tag} of ${name} gave neither a step nor an Effect of one`
      )
    )
