/** A swarm on the thread that owns it: who is told what, and its turns. */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as ActorId from "../ActorId.ts"
import { ActorEnded } from "../AskError.ts"
import { SwarmError } from "../SwarmError.ts"
import * as Failure from "./failure.ts"
import { HANDLED, LOCAL, REFUSED } from "./hot/counts.ts"
import { SwarmInbox } from "./hot/swarmInbox.ts"
import type { SwarmOutputs } from "./hot/swarmOutputs.ts"
import type { Broadcast } from "./hot/swarmTurn.ts"
import type { Debt } from "./life.ts"
import type { Protocol } from "./protocol.ts"
import { ended, invalid, type Refusal, unknown } from "./refusal.ts"
import { Flights, type Parked } from "./swarmFlight.ts"
import { merge } from "./swarmMerge.ts"
import { type Made, SwarmInstances } from "./swarmInstances.ts"
import { AllRef, InstanceRef } from "./swarmRef.ts"

/** What a turn is made of. */
export interface Plan {
  readonly turn: number
  readonly inbox: SwarmInbox<Debt>
  readonly broadcasts: ReadonlyArray<Broadcast>
}

/** What came of a turn; `parts` in the order of the chunks. */
export interface Outcome {
  readonly parts: ReadonlyArray<{ readonly out: SwarmOutputs; readonly from: number; readonly to: number }>
  /** Messages that broadcasts were: counted as told. */
  readonly swept: number
  readonly handled: number
  readonly failed: number
}

/** Runs the chunks of a turn, on this thread or on others. */
export interface Executor {
  run(plan: Plan, done: (outcome: Outcome | SwarmError) => void): void
  /** What was handled, by the places of the messages in the protocol. */
  readonly handled: Float64Array
}

/** What a turn has done. */
export interface Turned {
  readonly turn: number
  readonly handled: number
  readonly failed: number
  readonly born: number
  readonly ended: number
}

/** A handler's failure. */
export interface Failed {
  readonly id: ActorId.ActorId
  readonly tag: string
  readonly cause: Cause.Cause<unknown>
}

/** Turns run as microtasks between two that are deferred. */
const MICROTASKS = 64
/** How long chunks are run before the event loop has its turn, in milliseconds. */
export const SLICE_MILLIS = 4

export interface Options extends Made {
  readonly protocol: Protocol
  readonly manual: boolean
  /** Whether a failing handler stops the swarm. */
  readonly stops: boolean
  /** Runs a task after timers and I/O have had their turn. */
  readonly defer: (task: () => void) => void
  readonly onFailed: (failed: ReadonlyArray<Failed>) => void
}

export class SwarmHost extends SwarmInstances {
  readonly protocol: Protocol
  readonly flights: Flights
  /** All instances, as one reference. */
  readonly everyone: AllRef = new AllRef(this)
  private readonly options: Options
  executor!: Executor
  inbox = new SwarmInbox<Debt>()
  private spare = new SwarmInbox<Debt>()
  private broadcasts: Array<Broadcast> = []
  /** What is handled before the inbox: it has waited for effects that are done. */
  private first: Array<Parked> = []
  /** Answers that are owed, by slot. */
  readonly owed = new Map<number, Array<Debt>>()
  /** What was told, by the places of the messages in the protocol. */
  readonly told: Float64Array
  readonly dead: Float64Array
  private readonly actions: Array<() => void> = []
  private readonly exit = Deferred.makeUnsafe<void, SwarmError>()
  private running = false
  private armed = false
  private microtasks = 0
  private over: SwarmError | undefined = undefined
  private closing = false

  constructor(options: Options) {
    super(options)
    this.options = options
    this.protocol = options.protocol
    this.told = new Float64Array(this.protocol.messages.length)
    this.dead = new Float64Array(this.protocol.messages.length)
    this.flights = new Flights(this)
  }

  /** Messages and broadcasts that wait for the next turn. */
  get waiting(): number {
    return this.inbox.size + this.first.length + this.flights.parkedMessages.length
  }

  /** Messages that wait, by their places in the protocol. */
  get waitingByMessage(): Float64Array {
    const { first, flights, inbox } = this
    const waiting = new Float64Array(this.protocol.messages.length)
    for (let i = 0; i < inbox.size; i++) waiting[inbox.heads[i]! & 0xffff]!++
    for (const { head } of [...first, ...flights.parkedMessages]) waiting[head & 0xffff]!++
    return waiting
  }

  get waitingBroadcasts(): number {
    return this.broadcasts.length
  }

  /** Why nothing goes on any more. */
  get problem(): SwarmError | undefined {
    return this.over
  }

  ref(slot: number, version: number): InstanceRef {
    return new InstanceRef(this, slot, version)
  }

  // Messages.

  /** Hands a message over; undefined when it was accepted. */
  deliver(
    slot: number,
    version: number,
    tag: string,
    payload: unknown,
    replier: Debt | undefined
  ): Refusal | undefined {
    const message = this.protocol.get(tag)
    if (message === undefined) return unknown(this.name, tag)
    if (this.over !== undefined || this.closing || !this.store.slots.has(slot, version)) return ended
    let value = payload
    if (message.construct !== undefined) {
      try {
        value = message.construct(payload)
      } catch (issue) {
        return invalid(issue)
      }
    }
    this.accept(slot, version, message.index, value, replier)
    return undefined
  }

  /** Takes a message that fits. */
  accept(slot: number, version: number, message: number, value: unknown, replier: Debt | undefined): void {
    this.system.counts[LOCAL]!++
    this.told[message]!++
    this.inbox.add(slot, version, message, value, replier)
    this.arm()
  }

  /** Tells an instance by its identity; false, and a dead letter, when there is none. */
  tell(id: ActorId.Parts, tag: string, payload: unknown): boolean {
    const refusal = this.deliver(id.instance, this.version(id), tag, payload, undefined)
    if (refusal === undefined) return true
    this.refuse(refusal, tag, payload)
    return false
  }

  refuse({ reason }: Refusal, tag: string, payload: unknown): void {
    const message = this.protocol.get(tag)
    if (message !== undefined) this.dead[message.index]!++
    this.system.deadLetter(reason, { name: this.name, key: undefined }, tag, payload, REFUSED)
  }

  /** A message that was accepted reaches nobody. */
  bury(message: number, payload: unknown, replier: Debt | undefined): void {
    const { tag } = this.protocol.messages[message]!
    this.dead[message]!++
    this.system.deadLetter("Ended", { name: this.name, key: undefined }, tag, payload)
    replier?.abandon(ended.askReason)
  }

  broadcast(tag: string, payload: unknown): void {
    const message = this.protocol.get(tag)
    if (message === undefined) return this.refuse(unknown(this.name, tag), tag, payload)
    if (this.over !== undefined || this.closing) return this.refuse(ended, tag, payload)
    let value = payload
    if (message.construct !== undefined) {
      try {
        value = message.construct(payload)
      } catch (issue) {
        return this.refuse(invalid(issue), tag, payload)
      }
    }
    this.sweep(message.index, value)
  }

  sweep(message: number, payload: unknown): void {
    this.broadcasts.push({ message, payload })
    this.arm()
  }

  /** Tells those that a predicate over the columns chooses, as they are now; how many. */
  tellWhere(
    predicate: (columns: any, row: number) => boolean,
    tag: string,
    payload: unknown
  ): number {
    const { store } = this
    let told = 0
    for (let c = 0; c < store.used; c++) {
      const chunk = store.chunks[c]!
      const columns = this.rows.named(chunk)
      const size = store.size(c)
      for (let row = 0; row < size; row++) {
        if (!predicate(columns, row)) continue
        const slot = chunk.slots[row]!
        const refusal = this.deliver(slot, store.slots.version(slot), tag, payload, undefined)
        if (refusal === undefined) told++
        else this.refuse(refusal, tag, payload)
      }
    }
    return told
  }

  // Instances. Only between turns.

  /** A new instance with this state: its slot. Throws a `SwarmError` for a state that does not fit. */
  override spawn(state: unknown): number {
    if (this.over !== undefined) throw this.over
    return super.spawn(state)
  }

  /** A new instance for a handler of `parent`, when no turn is open. Nobody waits who could be told that it failed. */
  bear(parent: string, state: unknown): void {
    this.between(() => {
      try {
        this.spawn(state)
      } catch (error) {
        const problem = error instanceof SwarmError ? error : this.broken(error)
        if (problem.reason === "Memory") this.fail(problem)
        else this.system.log(`${parent} could not spawn: ${problem.message}`)
      }
    })
  }

  /** Removes an instance; what it owes is not answered, and its effect is interrupted. */
  remove(slot: number, version: number): boolean {
    const row = this.store.row(slot, version)
    if (row < 0) return false
    this.store.remove(row)
    this.flights.interrupt(slot)
    const debts = this.owed.get(slot)
    if (debts !== undefined) {
      this.owed.delete(slot)
      for (const debt of debts) debt.abandon(ended.askReason)
    }
    return true
  }

  /** An instance owes an answer. */
  owe(slot: number, debt: Debt): void {
    if (debt.done) return
    const debts = this.owed.get(slot)
    if (debts === undefined) this.owed.set(slot, [debt])
    // The settled ones go when there are many.
    else if (debts.length >= 16) this.owed.set(slot, [...debts.filter(({ done }) => !done), debt])
    else debts.push(debt)
  }

  // Turns.

  /** Runs between turns: now, or when the one that is open is over. */
  between(action: () => void): void {
    if (this.running) this.actions.push(action)
    else action()
  }

  /** The same as an Effect. */
  betweenTurns<A, E>(action: () => Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      if (!this.running) return action()
      return Effect.callback<A, E>((resume) => {
        let given = true
        this.actions.push(() => {
          if (given) resume(Effect.suspend(action))
        })
        return Effect.sync(() => {
          given = false
        })
      })
    })
  }

  /** Runs while the swarm stands still: as within a turn nobody is born or ends, and what waits for its end waits. */
  standing<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const halt = this.betweenTurns(() =>
      Effect.sync(() => {
        this.running = true
      })
    )
    const release = Effect.sync(() => {
      this.running = false
      this.rest()
    })
    return Effect.acquireUseRelease(halt, () => effect, () => release)
  }

  /** One turn, whether there is anything to do or not. */
  readonly step: Effect.Effect<Turned, SwarmError> = Effect.suspend(() =>
    this.betweenTurns(() => {
      if (this.over !== undefined) return Effect.fail(this.over)
      return Effect.callback<Turned, SwarmError>((resume) =>
        this.begin((turned) =>
          resume(turned instanceof SwarmError ? Effect.fail(turned) : Effect.succeed(turned))
        )
      )
    })
  )

  /** Sees to it that there will be a turn. */
  arm(): void {
    if (this.armed || this.running || this.options.manual || this.over !== undefined) return
    if (this.inbox.size === 0 && this.broadcasts.length === 0 && this.first.length === 0) return
    this.armed = true
    if (this.microtasks++ < MICROTASKS) return queueMicrotask(this.turn)
    // A chain of microtasks lets nothing else run.
    this.microtasks = 0
    this.options.defer(this.turn)
  }

  private readonly turn = (): void => {
    this.armed = false
    if (!this.running && this.over === undefined) this.begin(() => {})
  }

  private begin(done: (turned: Turned | SwarmError) => void): void {
    const { broadcasts, rows, store } = this
    const inbox = this.taken()
    this.running = true
    this.inbox = this.spare
    this.spare = inbox
    this.broadcasts = []
    const turn = store.begin()
    const { born, ended } = store
    inbox.deal(store.slots, 31 - Math.clz32(rows.shape.rows), store.used)
    this.executor.run({ turn, inbox, broadcasts }, (outcome) => {
      let failed = 0
      let handled = 0
      if (outcome instanceof SwarmError) this.fail(outcome)
      else {
        ;({ failed, handled } = outcome)
        try {
          this.finish(inbox, outcome)
          store.commit()
        } catch (error) {
          this.fail(error instanceof SwarmError ? error : this.broken(error))
        }
      }
      // Who asked in a turn that was lost has nobody to wait for.
      if (this.over !== undefined) this.abandon(inbox, this.over)
      inbox.clear()
      this.running = false
      const result = this.over !== undefined && outcome instanceof SwarmError
        ? this.over
        : { turn, handled, failed, born: store.born - born, ended: store.ended - ended }
      this.rest()
      done(result)
    })
  }

  /** The messages of the next turn. */
  private taken(): SwarmInbox<Debt> {
    const { first, inbox } = this
    if (first.length === 0) return inbox
    this.first = []
    const all = new SwarmInbox<Debt>()
    for (const { head, payload, replier, slot } of first) {
      all.add(slot, head >>> 16, head & 0xffff, payload, replier)
    }
    for (let i = 0; i < inbox.size; i++) {
      const head = inbox.heads[i]!
      all.add(inbox.slots[i]!, head >>> 16, head & 0xffff, inbox.payloads[i], inbox.repliers.get(i))
    }
    return all
  }

  /** Messages that have waited for an effect. */
  again(parked: ReadonlyArray<Parked>): void {
    for (const message of parked) this.first.push(message)
    this.arm()
  }

  /** Applies what handlers have brought about. */
  private finish(inbox: SwarmInbox<Debt>, outcome: Outcome): void {
    const { system } = this
    for (let k = inbox.size - inbox.dead; k < inbox.size; k++) {
      this.bury(inbox.told[k]! & 0xffff, inbox.content[k], inbox.repliers.get(inbox.order[k]!))
    }
    system.counts[LOCAL]! += outcome.swept
    system.counts[HANDLED]! += outcome.handled
    this.settle()
    const failures = merge(this, outcome.parts)
    if (failures.length > 0) this.failed(failures)
  }

  /** Handlers have failed. */
  failed(failures: ReadonlyArray<Failed>): void {
    this.options.onFailed(failures)
    if (!this.options.stops) return
    const { cause, id, tag } = failures[0]!
    const problem = `${id.toString()} failed in ${tag}: ${Failure.ofCause(cause)}`
    this.fail(new SwarmError({ swarm: this.name, reason: "HandlerFailed", problem }))
  }

  private abandon({ repliers }: SwarmInbox<Debt>, { message }: SwarmError): void {
    for (const debt of repliers.values()) if (!debt.done) debt.abandon(new ActorEnded({ failure: message }))
  }

  /** Gives room to the managed values that wait for it. */
  private settle(): void {
    const { rows: { shape }, store } = this
    if (!shape.managed) return
    store.chunks.forEach((chunk, c) => {
      if (chunk.heap!.waiting.length === 0) return
      for (let row = 0; row < store.size(c); row++) store.settle(c, row)
      chunk.heap!.waiting = []
    })
  }

  private broken(error: unknown): SwarmError {
    return new SwarmError({ swarm: this.name, reason: "Memory", problem: Failure.of(error) })
  }

  /** A turn is over: what waited for that. */
  private rest(): void {
    // One of them may begin the next turn.
    while (this.actions.length > 0 && !this.running) this.actions.shift()!()
    if (this.running) return
    if (this.closing && this.over === undefined) this.close()
    else this.arm()
  }

  /** Ends without a success: nothing is handled any more. */
  fail(problem: SwarmError): void {
    if (this.over !== undefined) return
    this.over = problem
    this.drain()
    Deferred.doneUnsafe(this.exit, Exit.fail(problem))
  }

  /** Waits for the end: a failure, unless its layer was closed. */
  get awaitEnd(): Effect.Effect<void, SwarmError> {
    return Deferred.await(this.exit)
  }

  /** Ends: when the turn that is open is over. */
  close(): void {
    if (this.running) {
      this.closing = true
      return
    }
    if (this.over !== undefined) return
    this.over = new SwarmError({ swarm: this.name, reason: "Ended", problem: "it has ended" })
    this.drain()
    Deferred.doneUnsafe(this.exit, Exit.void)
  }

  /** What waits is dead letters, and nobody is answered any more. */
  private drain(): void {
    const inbox = this.taken()
    for (let i = 0; i < inbox.size; i++) {
      this.bury(inbox.heads[i]! & 0xffff, inbox.payloads[i], inbox.repliers.get(i))
    }
    inbox.clear()
    this.broadcasts = []
    for (const debts of this.owed.values()) for (const debt of debts) debt.abandon(ended.askReason)
    this.owed.clear()
    this.flights.interruptAll()
  }
}
