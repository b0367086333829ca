/** Runs event-sourced actors: their recovery, their commands, their snapshots. */
import * as Actor from "@troupe/runtime/Actor"
import type { ActorContext } from "@troupe/runtime/ActorContext"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Behaviour, Sourced } from "../EventSourced.ts"
import { type Accepted, Journal, type Stored } from "../Journal.ts"
import { Delivery } from "../Outbox.ts"
import { RecoveryError } from "../RecoveryError.ts"
import { type Snapshot, SnapshotStore } from "../SnapshotStore.ts"
import type { StoreError } from "../StoreError.ts"
import {
  answer,
  type AnyStep,
  asEffect,
  type Decided,
  handler,
  idOf,
  type Persist,
  type Result,
  settle
} from "./decided.ts"
import { Handled, mark, marked } from "./deliveries.ts"
import { type Follows, type Happened, Outbox } from "./outbox.ts"
import { from, type Versioned } from "../Versioned.ts"

type AnyBehaviour = Behaviour<any, any, any, any, Record<string, (...args: ReadonlyArray<any>) => unknown>>

/** Events between two reports of a recovery's progress. */
const REPORT_EVENTS = 10_000

export const toLayer = (
  actor: Actor.Any,
  behaviour: AnyBehaviour
): Layer.Layer<never> => {
  const states = from(behaviour.state)
  const events = from(behaviour.events)
  const made = Effect.gen(function*() {
    const common: Common = {
      behaviour,
      states,
      events,
      journal: yield* Journal,
      snapshots: yield* SnapshotStore,
      clock: yield* Clock.Clock
    }
    const sources = new WeakMap<object, Source>()
    const handlers = Record.map(behaviour.commands, (command) => {
      const handle = handler(
        (state, payload, ctx) => sources.get(ctx)!.deciding(command(state, payload, ctx)),
        (current: Sourced<unknown>, decided, ctx) => sources.get(ctx)!.take(current, decided)
      )
      const handleOnce = onceHandler(command, sources)
      return (current: Sourced<unknown>, payload: unknown, ctx: object) =>
        hasDelivery(payload) ? handleOnce(current, payload, ctx) : handle(current, payload, ctx)
    })
    return {
      state: Schema.Struct({ sequence: Schema.Int, state: states.schema }),
      initial: (args: unknown, ctx: ActorContext<any>) => {
        const id = idOf(actor, behaviour, args, ctx)
        return Effect.flatMap(Effect.context<Scope.Scope>(), (context) => {
          const source = new Source(common, id, ctx, context)
          sources.set(ctx, source)
          return source.recover(behaviour.initial(args))
        })
      },
      handlers,
      passivation: behaviour.passivation
    }
  })
  return (actor as Actor.Actor<string, any, any>).toLayer(made as never) as never
}

/** A step whose answer comes later. */
const forked = (next: Sourced<unknown>, answer: Effect.Effect<unknown, unknown>): AnyStep =>
  Actor.fork(next, answer) as never

const isDelivery = Schema.is(Delivery)

/** Whether a message came out of an outbox. */
const hasDelivery = (payload: unknown): payload is { readonly delivery: Delivery } =>
  typeof payload === "object" && payload !== null && "delivery" in payload && isDelivery(payload.delivery)

/** A handler of a command that came out of an outbox: one that was handled already is answered, and that is all. */
const onceHandler =
  (command: (...args: ReadonlyArray<any>) => unknown, sources: WeakMap<object, Source>) =>
  (current: Sourced<unknown>, payload: { readonly delivery: Delivery }, ctx: object): Result => {
    const { delivery } = payload
    const source = sources.get(ctx)!
    if (source.handled.has(delivery)) return Actor.next(current)
    return handler(
      (...args) => {
        const decided = source.deciding(command(...args))
        return Effect.isEffect(decided)
          ? Effect.map(decided as Effect.Effect<Decided>, marking)
          : marking(decided as Decided)
      },
      (current: Sourced<unknown>, decided) =>
        decided.kind === "persist"
          ? source.persist(current, decided, delivery)
          : source.take(current, decided)
    )(current, payload, ctx)
  }

/** That a delivery was handled is stored, also where nothing else is. */
const marking = (decided: Decided): Decided =>
  decided.kind === "reply"
    ? { kind: "persist", values: [], answer: () => decided.value, after: decided.after }
    : decided

/** What the incarnations of a behaviour share. */
interface Common {
  readonly behaviour: AnyBehaviour
  readonly states: Versioned<unknown>
  readonly events: Versioned<unknown>
  readonly journal: Journal["Service"]
  readonly snapshots: SnapshotStore["Service"]
  readonly clock: Clock.Clock
}

/** One incarnation's dealings with its journal. */
class Source {
  private readonly common: Common
  private readonly id: string
  private readonly ctx: ActorContext<any>
  /** The actor's services, its scope among them. */
  private readonly context: Context.Context<Scope.Scope>
  /** Of the last snapshot, or of the start. */
  private snapshotSequence = 0
  private snapshotMillis: number
  /** Whether one is being saved. */
  private saving = false
  /** Commands whose events are not stored yet, and what to wait for until they are. */
  private unstored = 0
  private stored: Effect.Effect<void, StoreError> = Effect.void
  /** The timers that run: when they are due, and the keys by which the runtime knows them. */
  private readonly timers = new Map<string, { readonly at: number; readonly key: object }>()
  private outbox: Outbox | undefined = undefined
  readonly handled = new Handled()

  constructor(common: Common, id: string, ctx: ActorContext<any>, context: Context.Context<Scope.Scope>) {
    this.common = common
    this.id = id
    this.ctx = ctx
    this.context = context
    this.snapshotMillis = common.clock.currentTimeMillisUnsafe()
  }

  /** The state that the snapshot and the events give. */
  recover(initial: unknown): Effect.Effect<Sourced<unknown>> {
    const { id } = this
    const { behaviour, events, journal, snapshots, states } = this.common
    let sequence = 0
    let state = initial
    let reported = 0
    /** Whatever goes wrong stops it there. */
    const stopped = (at: number) => (reason: unknown) => new RecoveryError({ id, sequence: at, reason })
    const missing = (at: number) => stopped(at)(new Error("it is missing"))
    const stored = (error: StoreError) => stopped(sequence)(error.reason)
    const resume = (snapshot: Snapshot) => {
      this.snapshotMillis = snapshot.at
      this.snapshotSequence = reported = sequence = snapshot.sequence
      state = states.decodeUnsafe(this.handled.unwrap(snapshot.bytes))
    }
    const fold = (some: ReadonlyArray<Stored>): Effect.Effect<void, RecoveryError> => {
      for (const event of some) {
        if (event.sequence !== sequence + 1) return Effect.fail(missing(sequence + 1))
        try {
          const delivery = marked(event.bytes)
          if (delivery === undefined) state = behaviour.apply(state, events.decodeUnsafe(event.bytes))
          else this.handled.add(delivery)
        } catch (cause) {
          return Effect.fail(stopped(event.sequence)(cause))
        }
        sequence++
      }
      return Effect.void
    }
    const report = (of: number) => {
      reported = sequence
      return behaviour.recovering?.({ id, sequence, of }) ?? Effect.void
    }
    return Effect.gen({ self: this }, function*() {
      const latest = yield* Effect.mapError(snapshots.latest(id), stored)
      if (Option.isSome(latest)) {
        yield* Effect.try({ try: () => resume(latest.value), catch: stopped(latest.value.sequence) })
      }
      const of = yield* Effect.mapError(journal.last(id), stored)
      yield* Stream.runForEachArray(
        Stream.mapError(journal.read(id, { after: sequence }), stored),
        (some) =>
          Effect.flatMap(
            Effect.suspend(() => fold(some)),
            () => sequence - reported < REPORT_EVENTS ? Effect.void : report(of)
          )
      )
      if (sequence < of) return yield* Effect.fail(missing(sequence + 1))
      // An incarnation before may have failed with the sync that it waited for.
      if (journal.durability === "batch") yield* Effect.mapError(journal.sync, stored)
      yield* report(of)
      if (behaviour.outbox !== undefined) yield* this.openOutbox(behaviour.outbox, of, stored)
      this.setTimers(state)
      return { sequence, state }
    }).pipe(Effect.orDie)
  }

  /** Sends from now on what follows from the events, first what was not answered before. */
  private openOutbox(
    of: Follows,
    upTo: number,
    stored: (error: StoreError) => RecoveryError
  ): Effect.Effect<void, RecoveryError> {
    const { events, journal, snapshots } = this.common
    return Effect.gen({ self: this }, function*() {
      const queue = yield* Queue.unbounded<Happened>()
      const outbox = new Outbox({ id: this.id, of, store: snapshots, queue })
      yield* Effect.mapError(outbox.recover(journal, events, upTo), stored)
      this.outbox = outbox
      yield* Effect.provideContext(Effect.forkScoped(outbox.run), this.context)
    })
  }

  /** What an Effect decides may show: it runs when the state that it was made of is stored. */
  deciding(decided: unknown): unknown {
    if (this.unstored === 0 || !Effect.isEffect(decided)) return decided
    return Effect.andThen(Effect.orDie(this.stored), decided as Effect.Effect<unknown>)
  }

  /** Takes a decision; one that stores nothing is heard of when the state is stored that it was made of. */
  take(current: Sourced<unknown>, decided: Decided): Result {
    if (decided.kind === "persist") return this.persist(current, decided, undefined)
    if (this.unstored === 0) return settle(current, decided)
    const stored = Effect.orDie(this.stored)
    if (decided.kind === "fail") return forked(current, Effect.andThen(stored, Effect.fail(decided.error)))
    if (decided.kind === "reply" && decided.after.length === 0) {
      return forked(current, Effect.as(stored, decided.value))
    }
    return Effect.flatMap(stored, () => asEffect(settle(current, decided)))
  }

  /** Stores what happened, and which delivery it came from. */
  persist(current: Sourced<unknown>, decided: Persist, delivery: Delivery | undefined): Result {
    const { behaviour, events, journal } = this.common
    const happened = decided.values
    if (happened.length === 0 && delivery === undefined) {
      const value = decided.answer(current.state as never)
      return this.take(current, { kind: "reply", value, after: decided.after })
    }
    // The state first: what an event cannot be applied to must not be stored.
    const state = happened.reduce(behaviour.apply, current.state)
    const bytes = happened.map((event) => events.encodeUnsafe(event))
    const marks = delivery === undefined ? [] : [mark(delivery)]
    const accepted = journal.writeUnsafe(this.id, current.sequence, [...marks, ...bytes])
    const then = ({ last, stored }: Accepted): Result => {
      const next = { sequence: last, state }
      if (Exit.isExit(stored) && Exit.isSuccess(stored)) {
        this.follow(next, decided, delivery)
        return answer(next, decided)
      }
      if (decided.after.length === 0 && delivery === undefined) return this.ahead(next, decided, stored)
      return Effect.flatMap(Effect.orDie(stored), () => {
        this.follow(next, decided, delivery)
        return asEffect(answer(next, decided))
      })
    }
    return Exit.isExit(accepted) && Exit.isSuccess(accepted)
      ? then(accepted.value as Accepted)
      : Effect.flatMap(Effect.orDie(accepted), (accepted) => asEffect(then(accepted)))
  }

  /** Goes on with the next command, so that its events may share the sync; the answer comes when these are stored. */
  private ahead(
    next: Sourced<unknown>,
    decided: Persist,
    stored: Effect.Effect<void, StoreError>
  ): Result {
    this.unstored++
    this.stored = stored
    // Whoever asks may give up; what follows from an event follows all the same.
    return forked(
      next,
      Effect.uninterruptible(Effect.map(Effect.orDie(stored), () => {
        this.unstored--
        this.follow(next, decided, undefined)
        return decided.answer(next.state as never)
      }))
    )
  }

  /** What follows from events that are stored. */
  private follow(next: Sourced<unknown>, decided: Persist, delivery: Delivery | undefined): void {
    if (delivery !== undefined) this.handled.add(delivery)
    this.outbox?.add(next.sequence, decided.values)
    this.setTimers(next.state)
    if (decided.values.length > 0) this.look(next, decided.values.at(-1))
  }

  /** Lets those timers run that the state has, and no others. */
  private setTimers(state: unknown): void {
    const { behaviour, clock } = this.common
    if (behaviour.timers === undefined) return
    const gone = new Set(this.timers.keys())
    for (const { at, key, message: [tag, payload] } of behaviour.timers(state)) {
      gone.delete(key)
      const running = this.timers.get(key)
      if (running?.at === at) continue
      // An object of its own: it is no key that a handler could use.
      const timer = { at, key: running?.key ?? {} }
      this.timers.set(key, timer)
      const delay = Math.max(0, at - clock.currentTimeMillisUnsafe())
      this.ctx.timers.startOnce(timer.key, delay, tag, payload)
    }
    for (const key of gone) {
      this.ctx.timers.cancel(this.timers.get(key)!.key)
      this.timers.delete(key)
    }
  }

  /** Takes a snapshot if one is due. Commands go on meanwhile; one that fails is logged, and the next may be taken. */
  private look(next: Sourced<unknown>, event: unknown): void {
    const { behaviour, clock, journal, snapshots, states } = this.common
    const policy = behaviour.snapshots
    if (policy === undefined || this.saving) return
    const { sequence, state } = next
    const now = clock.currentTimeMillisUnsafe()
    const moment = {
      state,
      event,
      sequence,
      events: sequence - this.snapshotSequence,
      millis: now - this.snapshotMillis
    }
    if (!policy.due(moment as never)) return
    this.saving = true
    this.snapshotSequence = sequence
    this.snapshotMillis = now
    const { id, outbox } = this
    const bytes = this.handled.wrap(states.encodeUnsafe(state))
    const save = Effect.gen(function*() {
      yield* snapshots.save(id, sequence, bytes)
      const kept = yield* snapshots.sequences(id)
      const oldest = kept.at(-policy.keep)
      if (oldest === undefined) return
      yield* snapshots.discard(id, oldest - 1)
      // Not before a snapshot stands in for them, and what follows from them is answered.
      if (policy.discardEvents) yield* journal.discard(id, Math.min(oldest, outbox?.confirmed ?? oldest))
    }).pipe(
      Effect.catchCause((cause) => Effect.logWarning(`the snapshot of ${id} at ${sequence} failed`, cause)),
      Effect.ensuring(Effect.sync(() => {
        this.saving = false
      }))
    )
    // In the actor's scope: its end waits for it, also when that comes at once.
    Effect.runForkWith(this.context)(
      Effect.forkScoped(save, { startImmediately: true, uninterruptible: true })
    )
  }
}
