/** One thread's system: the dispatcher, and what it needs to know of Effect. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PubSub from "effect/PubSub"
import * as Result from "effect/Result"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ActorId from "../ActorId.ts"
import type { ActorSystem, ThreadStats } from "../ActorSystem.ts"
import { Alarm } from "./alarm.ts"
import { DeadLetter, type Reason } from "../DeadLetter.ts"
import { Injector } from "../FaultPoint.ts"
import { crossing } from "./crossing.ts"
import { Directory } from "./directory.ts"
import { Phases } from "../Shutdown.ts"
import * as Faulty from "./faulty.ts"
import type { Cell, Message, Replier, Signal } from "./hot/cell.ts"
import { type BURIED, COUNTS, DEAD, HANDLED, LOCAL, REFUSED } from "./hot/counts.ts"
import { Dispatcher, type Hooks } from "./hot/dispatcher.ts"
import { Names } from "./hot/names.ts"
import * as Handling from "./handling.ts"
import { crash, type Debt, leave, lifeOf, settle } from "./life.ts"
import type { LocalHost } from "./localHost.ts"
import type { LocalRef } from "./localRef.ts"
import type { Mesh } from "./mesh.ts"
import { ObservedDispatcher } from "./observed.ts"
import { Observer, type Observing } from "./observer.ts"
import { Owners } from "./owner.ts"
import type { MessageType } from "./protocol.ts"
import type { Ref } from "./ref.ts"
import { Registry } from "./registry.ts"
import { RunOrder } from "./runOrder.ts"
import { Shutdown } from "./shutdown.ts"
import type { Letter } from "./wire.ts"

type SystemFace = ActorSystem["Service"]

/** Dead letters kept for a subscriber that lags behind; older ones are dropped. */
const DEAD_LETTERS_KEPT = 1024

export class System implements Hooks, SystemFace {
  /** The thread's number: 0 is the thread that made the system. */
  readonly thread: number
  /** Whether local messages are checked against their schemas. */
  readonly validate: boolean
  /** The services of whoever made the system: loggers among them. */
  readonly context: Context.Context<never>
  readonly dispatcher: Dispatcher
  readonly owners = new Owners()
  alarm: Alarm
  readonly shutdown: Shutdown
  /** Where what belongs to no narrower scope lives. */
  readonly scope: Scope.Closeable
  private readonly letters: PubSub.PubSub<DeadLetter>
  readonly deadLetters: Stream.Stream<DeadLetter>
  readonly counts: Float64Array
  /** The actors hosted on this thread, by name. */
  readonly hosts = new Map<string, LocalHost>()
  /** The same by the numbers of their kinds. */
  readonly kinds: Array<LocalHost | undefined> = []
  /** The actors of this thread that have identities. */
  readonly directory: Directory
  readonly registry = new Registry(this)
  /** Of the actors here that one of another thread has spawned: which one. */
  readonly parents = new WeakMap<LocalRef, Ref>()
  /** What no other system has: references that were written down say which they are of. */
  token = Array.from(crypto.getRandomValues(new Uint32Array(2)), (word) => word.toString(16).padStart(8, "0"))
    .join("")
  /** What hurts it on purpose; undefined for nearly all. */
  readonly injector: Injector | undefined
  mesh: Mesh | undefined = undefined
  /** The numbers of the kinds of actors: the same on all threads. */
  types = new Names()
  readonly observing: Observing | undefined
  /** What is observed of messages; undefined where nothing is. */
  readonly observer: Observer | undefined
  /** Senders to resume when the slice is over. */
  private woken: Array<() => void> = []

  constructor(options: {
    readonly thread: number
    readonly validate: boolean
    readonly context: Context.Context<never>
    readonly scope: Scope.Closeable
    readonly letters: PubSub.PubSub<DeadLetter>
    readonly counts: Float64Array
    readonly observing: Observing | undefined
  }) {
    this.thread = options.thread
    this.validate = options.validate
    this.observing = options.observing
    this.letters = options.letters
    this.deadLetters = Stream.fromPubSub(options.letters)
    this.context = options.context
    this.scope = options.scope
    this.shutdown = new Shutdown(Context.get(options.context, Phases), this)
    const tasks = Context.get(options.context, Scheduler.Scheduler).makeDispatcher()
    this.alarm = new Alarm(Context.get(options.context, Clock.Clock))
    this.counts = options.counts
    this.directory = new Directory(this)
    crossing.latest = new WeakRef(this)
    const ready = Context.get(options.context, RunOrder)?.()
    const defer = (task: () => void): void => tasks.scheduleTask(task, 0)
    if (options.observing === undefined) {
      this.observer = undefined
      this.dispatcher = new Dispatcher(this, defer, options.counts, ready)
    } else {
      this.observer = new Observer(this, options.context, options.observing)
      this.dispatcher = new ObservedDispatcher(this.observer, this, defer, options.counts, ready)
    }
    this.injector = Context.get(options.context, Injector)
    if (this.injector !== undefined) Faulty.inject(this, this.injector)
  }

  /** Its end: the shutdown, unless that has been, and then what lives as long as it does. */
  readonly close: Effect.Effect<void> = Effect.suspend(() =>
    Effect.andThen(this.shutdown.run, Scope.close(this.scope, Exit.void))
  )

  /** Becomes one of several threads. */
  join(mesh: Mesh): void {
    this.mesh = mesh
    this.types = mesh.types
    this.token = mesh.token
    this.dispatcher.links = mesh
    this.dispatcher.arm()
  }

  readonly stats: Effect.Effect<ReadonlyArray<ThreadStats>> = Effect.suspend(() =>
    this.mesh === undefined ? Effect.succeed([this.threadStats()]) : this.mesh.stats
  )

  private threadStats(): ThreadStats {
    const { counts } = this
    return {
      thread: this.thread,
      sent: counts[LOCAL]! + counts[REFUSED]!,
      accepted: counts[LOCAL]!,
      handled: counts[HANDLED]!,
      deadLettered: counts[DEAD]!,
      lost: 0,
      lostFrom: [0]
    }
  }

  /** A message reached nobody; it had come to this thread, unless it is counted elsewhere `as` well. */
  deadLetter(
    reason: Reason,
    to: { readonly name: string; readonly key: string | undefined },
    tag: string,
    payload: unknown,
    as?: typeof REFUSED | typeof BURIED
  ): void {
    // A message whose error is unheard was handled all the same.
    if (reason !== "UnheardError") this.counts[DEAD]!++
    if (as !== undefined) this.counts[as]!++
    this.observer?.metrics?.deadLettered(to.name)
    const letter = { reason, actor: to.name, key: to.key, tag }
    this.publish(letter, payload)
    this.mesh?.forward(letter)
  }

  /** Shows a dead letter to those who look at them on this thread. */
  publish(letter: Letter, payload: unknown): void {
    const dead = new DeadLetter({ ...letter, payload })
    // Where there is no room only the effect forgets the oldest. It never waits.
    if (!PubSub.publishUnsafe(this.letters, dead)) Effect.runSync(PubSub.publish(this.letters, dead))
  }

  /** Resumes a sender when the slice is over: not within a turn, where what it does could end the actor in its turn. */
  soon(resume: () => void): void {
    if (this.woken.push(resume) > 1) return
    queueMicrotask(() => {
      const { woken } = this
      this.woken = []
      for (const resume of woken) resume()
    })
  }

  /** Says what is wrong with the system itself. */
  log(problem: string): void {
    Effect.runForkWith(this.context)(Effect.logError(problem))
  }

  /** The actor of this thread with this address, if it lives. */
  lookup(address: string): LocalRef | undefined {
    const [, kind, key] = /^([^:/]*)\/([^]*)$/.exec(address) ?? []
    if (kind !== undefined) return this.hosts.get(decodeURIComponent(kind))?.resident(key!)
    const [, id, token] = address.split(":")
    const parsed = ActorId.parse(id ?? "")
    if (token !== this.token || Result.isFailure(parsed) || parsed.success.machine !== this.thread) {
      return undefined
    }
    const found = this.directory.get(parsed.success.instance, parsed.success.version)
    return found !== undefined && "inspected" in found ? found as LocalRef : undefined
  }

  // What the dispatcher leaves to Effect. Its cells are all of them references.

  start(cell: Cell): void {
    const ref = cell as LocalRef
    ref.host.start(ref)
  }

  effect(cell: Cell, result: unknown, message: Message, payload: unknown): void {
    const ref = cell as LocalRef
    // An effect that is an Exit already needs no fiber.
    if (Exit.isExit(result)) settle(ref, result, message as MessageType, payload)
    else if (Effect.isEffect(result)) {
      lifeOf(ref).run(result as Effect.Effect<unknown, unknown>, message as MessageType, payload)
      if (ref.host.protocol.interleaves) ref.busy()
    } else settle(ref, Exit.succeed(result), message as MessageType, payload)
  }

  crash(cell: Cell, error: unknown, deliberate: boolean, message: Message): void {
    crash(cell as LocalRef, deliberate ? Cause.fail(error) : Cause.die(error), message as MessageType)
  }

  stop(cell: Cell): void {
    leave(cell as LocalRef, Exit.void)
  }

  signal(cell: Cell): Signal | undefined {
    return (cell as LocalRef).life?.lane?.shift()
  }

  signalled(cell: Cell): boolean {
    const lane = (cell as LocalRef).life?.lane
    return lane !== undefined && lane.length > 0
  }

  owe(cell: Cell, replier: Replier): void {
    lifeOf(cell as LocalRef).owe(replier as Debt)
  }

  unheard(cell: Cell, message: Message, error: unknown): void {
    this.deadLetter("UnheardError", cell as LocalRef, (message as MessageType).tag, error)
  }

  become(cell: Cell, handlers: object, message: Message): boolean {
    const ref = cell as LocalRef
    try {
      ref.handlers = ref.host.tables.of(handlers)
      return true
    } catch (error) {
      crash(ref, Cause.die(error), message as MessageType)
      return false
    }
  }

  unhandled(cell: Cell, message: Message, payload: unknown, replier: Replier | undefined): void {
    Handling.unhandled(cell as LocalRef, message, payload, replier)
  }

  stash(cell: Cell, message: Message, payload: unknown, replier: Replier | undefined): void {
    if (this.observer?.inspector?.keeps(cell as LocalRef, message, payload, replier) === true) return
    Handling.stash(cell as LocalRef, message, payload, replier)
  }

  stream(cell: Cell, stream: unknown, message: Message, replier: Replier | undefined): void {
    const ref = cell as LocalRef
    Handling.stream(ref, stream as Stream.Stream<unknown, unknown>, message as MessageType, replier)
  }

  interleave(
    cell: Cell,
    effect: unknown,
    message: Message,
    payload: unknown,
    replier: Replier | undefined
  ): void {
    const ref = cell as LocalRef
    Handling.interleave(
      ref,
      effect as Effect.Effect<unknown, unknown>,
      message as MessageType,
      payload,
      replier
    )
  }

  aside(cell: Cell): void {
    ;(cell as LocalRef).aside()
  }

  fork(cell: Cell, effect: unknown, message: Message, replier: Replier | undefined): void {
    Handling.fork(
      cell as LocalRef,
      effect as Effect.Effect<unknown, unknown>,
      message as MessageType,
      replier
    )
  }
}

/** Makes a system that runs on the scheduler of the Effect that makes it. */
export const make = (options: {
  readonly thread: number
  readonly validate: boolean
  /** Where the thread counts, if others are to see it. */
  readonly counts?: Float64Array | undefined
  readonly observing: Observing | undefined
}): Effect.Effect<System> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<never>()
    const letters = yield* PubSub.sliding<DeadLetter>(DEAD_LETTERS_KEPT)
    const counts = options.counts ?? new Float64Array(COUNTS)
    const scope = yield* Scope.make()
    return new System({ ...options, context, scope, letters, counts })
  })
