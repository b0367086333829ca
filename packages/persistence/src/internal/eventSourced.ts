/** Runs event-sourced actors: their recovery, their commands, their snapshots. */
import type * as Actor from "@troupe/runtime/Actor"
import type { ActorContext } from "@troupe/runtime/ActorContext"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Behaviour, Sourced } from "../EventSourced.ts"
import { type Accepted, Journal, type Stored } from "../Journal.ts"
import { RecoveryError } from "../RecoveryError.ts"
import { type Snapshot, SnapshotStore } from "../SnapshotStore.ts"
import type { StoreError } from "../StoreError.ts"
import { answer, asEffect, handler, idOf, type Persist, type Result } from "./decided.ts"
import { from, type Versioned } from "../Versioned.ts"

type AnyBehaviour = Behaviour<any, any, any, any, Record<string, (...args: ReadonlyArray<any>) => unknown>>

/** Events between two reports of a recovery's progress. */
const REPORT_EVENTS = 10_000

export const toLayer = (actor: Actor.Any, behaviour: AnyBehaviour): Layer.Layer<never> => {
  const states = from(behaviour.state)
  const events = from(behaviour.events)
  const Sourced = Schema.Struct({ sequence: Schema.Int, state: states.schema })
  const made = Effect.gen(function*() {
    const journal = yield* Journal
    const snapshots = yield* SnapshotStore
    const clock = yield* Clock.Clock
    const sources = new WeakMap<object, Source>()
    const handlers = Record.map(
      behaviour.commands,
      (command) =>
        handler(
          command,
          (current: Sourced<unknown>, decided, ctx) => sources.get(ctx)!.persist(current, decided)
        )
    )
    return {
      state: Sourced,
      initial: (args: unknown, ctx: ActorContext<any>) => {
        const id = idOf(actor, behaviour, args, ctx)
        return Effect.flatMap(Effect.context<Scope.Scope>(), (context) => {
          const source = new Source(id, behaviour, states, events, journal, snapshots, clock, context)
          sources.set(ctx, source)
          return source.recover(behaviour.initial(args))
        })
      },
      handlers
    }
  })
  return (actor as Actor.Actor<string, any, any>).toLayer(made as never) as never
}

/** One incarnation's dealings with its journal. */
class Source {
  private readonly id: string
  private readonly behaviour: AnyBehaviour
  private readonly states: Versioned<unknown>
  private readonly events: Versioned<unknown>
  private readonly journal: Journal["Service"]
  private readonly snapshots: SnapshotStore["Service"]
  private readonly clock: Clock.Clock
  /** The actor's services, its scope among them. */
  private readonly context: Context.Context<Scope.Scope>
  /** Of the last snapshot, or of the start. */
  private snapshotSequence = 0
  private snapshotMillis: number
  /** Whether one is being saved. */
  private saving = false

  constructor(
    id: string,
    behaviour: AnyBehaviour,
    states: Versioned<unknown>,
    events: Versioned<unknown>,
    journal: Journal["Service"],
    snapshots: SnapshotStore["Service"],
    clock: Clock.Clock,
    context: Context.Context<Scope.Scope>
  ) {
    this.id = id
    this.behaviour = behaviour
    this.states = states
    this.events = events
    this.journal = journal
    this.snapshots = snapshots
    this.clock = clock
    this.context = context
    this.snapshotMillis = clock.currentTimeMillisUnsafe()
  }

  /** The state that the snapshot and the events give. */
  recover(initial: unknown): Effect.Effect<Sourced<unknown>> {
    const { id } = this
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
      state = this.states.decodeUnsafe(snapshot.bytes)
    }
    const fold = (some: ReadonlyArray<Stored>): Effect.Effect<void, RecoveryError> => {
      for (const event of some) {
        if (event.sequence !== sequence + 1) return Effect.fail(missing(sequence + 1))
        try {
          state = this.behaviour.apply(state, this.events.decodeUnsafe(event.bytes))
        } catch (cause) {
          return Effect.fail(stopped(event.sequence)(cause))
        }
        sequence++
      }
      return Effect.void
    }
    const report = (of: number) => {
      reported = sequence
      return this.behaviour.recovering?.({ id, sequence, of }) ?? Effect.void
    }
    return Effect.gen({ self: this }, function*() {
      const latest = yield* Effect.mapError(this.snapshots.latest(id), stored)
      if (Option.isSome(latest)) {
        yield* Effect.try({ try: () => resume(latest.value), catch: stopped(latest.value.sequence) })
      }
      const of = yield* Effect.mapError(this.journal.last(id), stored)
      yield* Stream.runForEachArray(
        Stream.mapError(this.journal.read(id, { after: sequence }), stored),
        (some) =>
          Effect.flatMap(
            Effect.suspend(() => fold(some)),
            () => sequence - reported < REPORT_EVENTS ? Effect.void : report(of)
          )
      )
      if (sequence < of) return yield* Effect.fail(missing(sequence + 1))
      yield* report(of)
      return { sequence, state }
    }).pipe(Effect.orDie)
  }

  /** Stores what happened. */
  persist(current: Sourced<unknown>, decided: Persist): Result {
    const events = decided.values
    if (events.length === 0) return answer(current, decided)
    // The state first: what an event cannot be applied to must not be stored.
    const state = events.reduce(this.behaviour.apply, current.state)
    const bytes = events.map((event) => this.events.encodeUnsafe(event))
    const accepted = this.journal.writeUnsafe(this.id, current.sequence, bytes)
    const then = ({ last, stored }: Accepted): Result => {
      const next = { sequence: last, state }
      this.look(next, events.at(-1))
      return Exit.isExit(stored) && Exit.isSuccess(stored)
        ? answer(next, decided)
        : Effect.flatMap(Effect.orDie(stored), () => asEffect(answer(next, decided)))
    }
    return Exit.isExit(accepted) && Exit.isSuccess(accepted)
      ? then(accepted.value as Accepted)
      : Effect.flatMap(Effect.orDie(accepted), (accepted) => asEffect(then(accepted)))
  }

  /** Takes a snapshot if one is due. Commands go on meanwhile; one that fails is logged, and the next may be taken. */
  private look(next: Sourced<unknown>, event: unknown): void {
    const policy = this.behaviour.snapshots
    if (policy === undefined || this.saving) return
    const { sequence, state } = next
    const now = this.clock.currentTimeMillisUnsafe()
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
    const { id, journal, snapshots } = this
    const bytes = this.states.encodeUnsafe(state)
    const save = Effect.gen(function*() {
      yield* snapshots.save(id, sequence, bytes)
      const kept = yield* snapshots.sequences(id)
      const oldest = kept.at(-policy.keep)
      if (oldest === undefined) return
      yield* snapshots.discard(id, oldest - 1)
      // Not before a snapshot stands in for them.
      if (policy.discardEvents) yield* journal.discard(id, oldest)
    }).pipe(
      Effect.catchCause((cause) => Effect.logWarning(`the snapshot of ${id} at ${sequence} failed`, cause)),
      Effect.ensuring(Effect.sync(() => {
        this.saving = false
      }))
    )
    // In the actor's scope: its end waits for it.
    Effect.runForkWith(this.context)(Effect.forkScoped(Effect.uninterruptible(save)))
  }
}
