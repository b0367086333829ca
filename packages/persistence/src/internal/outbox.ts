/** Sends what follows from an actor's events, in order, until it is answered. */
import type { ActorRef } from "@troupe/runtime/ActorRef"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Journal } from "../Journal.ts"
import type { Sending } from "../Outbox.ts"
import type { SnapshotStore } from "../SnapshotStore.ts"
import type { StoreError } from "../StoreError.ts"
import type { Versioned } from "../Versioned.ts"
import { marked } from "./deliveries.ts"

/** What follows from an event. */
export type Follows = (event: never) => ReadonlyArray<Sending> | Effect.Effect<ReadonlyArray<Sending>>

/** An event from which something may follow. */
export interface Happened {
  readonly sequence: number
  readonly sendings: ReturnType<Follows>
}

/** Between two tries to send the same: sooner at first, then every ten seconds. */
const retry = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("10 seconds")])

export class Outbox {
  private readonly id: string
  private readonly of: Follows
  private readonly store: SnapshotStore["Service"]
  private readonly queue: Queue.Queue<Happened>
  /** Everything up to this event was answered, and that is stored. */
  confirmed = 0

  constructor(options: {
    readonly id: string
    readonly of: Follows
    readonly store: SnapshotStore["Service"]
    readonly queue: Queue.Queue<Happened>
  }) {
    this.id = options.id
    this.of = options.of
    this.store = options.store
    this.queue = options.queue
  }

  /** Where it is kept what was answered: as a snapshot of nothing, whose sequence says it. */
  private get place(): string {
    return `${this.id}#outbox`
  }

  /** Takes up what was not answered before the actor ended. */
  recover(
    journal: Journal["Service"],
    events: Versioned<unknown>,
    upTo: number
  ): Effect.Effect<void, StoreError> {
    return Effect.gen({ self: this }, function*() {
      const latest = yield* this.store.latest(this.place)
      this.confirmed = Option.match(latest, { onNone: () => 0, onSome: ({ sequence }) => sequence })
      yield* Stream.runForEach(
        journal.read(this.id, { after: this.confirmed, upTo }),
        ({ bytes, sequence }) =>
          Effect.sync(() => {
            if (marked(bytes) === undefined) this.add(sequence, [events.decodeUnsafe(bytes)])
          })
      )
    })
  }

  /** Events are stored, of which `last` is the sequence of the last: what follows from them is sent. */
  add(last: number, events: ReadonlyArray<unknown>): void {
    events.forEach((event, i) => {
      const sendings = this.of(event as never)
      const sequence = last - events.length + 1 + i
      if (Effect.isEffect(sendings) || sendings.length > 0) {
        Queue.offerUnsafe(this.queue, { sequence, sendings })
      }
    })
  }

  /** Sends for ever. */
  readonly run: Effect.Effect<never> = Effect.suspend(() =>
    Effect.forever(Effect.flatMap(Queue.takeAll(this.queue), (some) =>
      Effect.andThen(
        Effect.forEach(some, ({ sendings, sequence }) =>
          Effect.flatMap(
            Effect.isEffect(sendings)
              ? sendings as Effect.Effect<ReadonlyArray<Sending>>
              : Effect.succeed(sendings),
            (sendings) => this.send(sequence, sendings)
          ), { discard: true }),
        this.confirm(some.at(-1)!.sequence)
      )))
  )

  private send(sequence: number, sendings: ReadonlyArray<Sending>): Effect.Effect<void> {
    return Effect.forEach(
      sendings,
      ({ payload, tag, to }, index) => {
        const delivery = { from: this.id, sequence, index }
        const asked = (to as ActorRef<any>).ask(tag, { ...payload, delivery }) as Effect.Effect<
          unknown,
          { readonly _tag: string }
        >
        return asked.pipe(
          // An error of the receiver's own is an answer.
          Effect.catchIf(
            (error) => error._tag !== "AskError",
            (error) => Effect.logWarning(`${this.id}: ${to.toString()} refused ${tag}`, error)
          ),
          Effect.retry(retry),
          Effect.orDie
        )
      },
      { discard: true }
    )
  }

  private confirm(sequence: number): Effect.Effect<void> {
    return Effect.andThen(
      this.store.save(this.place, sequence, new Uint8Array(0)),
      this.store.discard(this.place, sequence - 1)
    ).pipe(
      Effect.andThen(Effect.sync(() => {
        this.confirmed = sequence
      })),
      // It is sent once more after a restart, and not handled again.
      Effect.catchCause((cause) => Effect.logWarning(`what ${this.id} sent is not written down`, cause))
    )
  }
}
