/** Runs what `decide` decides: one fiber, one event after the other, each command when the one before is done. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import type * as Child from "../Child.ts"
import type { RestartPolicy } from "../RestartPolicy.ts"
import type { SupervisorEvent } from "../SupervisorEvent.ts"
import { Steps } from "./backoff.ts"
import { decide, init } from "./decide.ts"
import type { Command, Config, Event, Outcome, Refusal, State, Verdict } from "./decision.ts"
import { type Entry, judge, restartNow, saidOf } from "./entry.ts"
import { type Above, causeOf } from "./runner.ts"
import { ended, failed, type Untold } from "./told.ts"

/** What is waited for, before it is an event for `decide`. */
type Raw =
  | {
    readonly _tag: "Ended"
    readonly id: string
    readonly token: number
    readonly exit: Exit.Exit<unknown, unknown>
    /** It could not go on with its state, as it was to. */
    readonly lost?: boolean
  }
  | { readonly _tag: "Due"; readonly id: string; readonly token: number }
  | { readonly _tag: "StartChild"; readonly child: Child.Any; readonly answer: Answer }
  | {
    readonly _tag: "RestartChild" | "TerminateChild" | "DeleteChild"
    readonly id: string
    readonly answer: Answer
  }

type Answer = Deferred.Deferred<void, Refusal>

export interface Options {
  readonly path: string
  readonly config: Config
  readonly children: ReadonlyArray<Child.Any>
  readonly policy: RestartPolicy | undefined
  /** The services that all children may use. */
  readonly context: Context.Context<never>
  /** For what it does. */
  readonly publish: (event: SupervisorEvent) => void
  /** For what supervisors below do. */
  readonly relay: (event: SupervisorEvent) => void
  readonly above: Above
  /** What the supervisor fails with then; undefined for an end that is none. */
  readonly failureOf: (outcome: Outcome) => Cause.Cause<unknown> | undefined
}

export class Engine {
  private readonly options: Options
  private readonly inbox: Queue.Queue<Raw>
  /** Children that are actors live in it. */
  private readonly scope = Scope.makeUnsafe()
  readonly entries = new Map<string, Entry>()
  private readonly answers = new Map<number, Answer>()
  private requests = 0
  state: State
  private readonly first: ReadonlyArray<Command>
  private now = 0
  /** Why it ends; undefined while it does not. */
  outcome: Outcome | undefined = undefined
  private readonly finished = Deferred.makeUnsafe<Outcome>()
  private loop: Fiber.Fiber<unknown> | undefined = undefined
  /** The ends of the children, while they stay as they are though it has failed. */
  private delayed: Effect.Effect<void> = Effect.void

  constructor(options: Options, inbox: Queue.Queue<Raw>) {
    this.options = options
    this.inbox = inbox
    const { commands, state } = init(options.config, options.children.map(specOf))
    this.state = state
    this.first = commands
    for (const child of options.children) this.add(child)
  }

  /** Starts the children in order; what it came to, if one does not start. */
  get start(): Effect.Effect<Outcome | undefined> {
    return Effect.gen({ self: this }, function*() {
      yield* this.look
      yield* this.run(this.first)
      const { outcome } = this
      // What it comes to from here on is no failed start.
      if (outcome === undefined) this.loop = Effect.runForkWith(this.options.context)(this.going)
      return outcome
    })
  }

  private get going(): Effect.Effect<void> {
    return Effect.whileLoop({
      while: () => this.outcome === undefined,
      body: () => Effect.flatMap(Queue.take(this.inbox), (raw) => this.take(raw)),
      step: () => {}
    }).pipe(
      // A mistake here must not leave a supervisor that does nothing.
      Effect.catchDefect((defect) => this.finish({ _tag: "Escalated", id: "", cause: Cause.die(defect) }))
    )
  }

  /** Waits until it ends by itself. */
  get awaitOutcome(): Effect.Effect<Outcome> {
    return Deferred.await(this.finished)
  }

  /** Ends all children, whatever is under way. */
  get shutdown(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      if (this.loop !== undefined) yield* Fiber.interrupt(this.loop)
      if (this.outcome === undefined) yield* this.feed({ _tag: "Shutdown" })
      yield* this.delayed
      for (const raw of yield* Queue.clear(this.inbox)) {
        if ("answer" in raw) yield* Deferred.fail(raw.answer, { _tag: "Ending" })
      }
      yield* Queue.shutdown(this.inbox)
      for (const answer of this.answers.values()) yield* Deferred.fail(answer, { _tag: "Ending" })
      yield* Scope.close(this.scope, Exit.void)
    })
  }

  // What is asked of it.

  ask(
    request: { readonly _tag: "RestartChild" | "TerminateChild" | "DeleteChild"; readonly id: string } | {
      readonly _tag: "StartChild"
      readonly child: Child.Any
    }
  ): Effect.Effect<void, Refusal> {
    return Effect.suspend(() => {
      const answer: Answer = Deferred.makeUnsafe()
      if (this.outcome !== undefined) return Effect.fail<Refusal>({ _tag: "Ending" })
      if (!Queue.offerUnsafe(this.inbox, { ...request, answer })) {
        return Effect.fail<Refusal>({ _tag: "Ending" })
      }
      return Deferred.await(answer)
    })
  }

  // One event after the other.

  private get look(): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      if (now > this.now) this.now = now
    })
  }

  private take(raw: Raw): Effect.Effect<void> {
    return Effect.flatMap(Effect.flatMap(this.look, () => this.eventOf(raw)), (event) => this.feed(event))
  }

  private eventOf(raw: Raw): Effect.Effect<Event> {
    switch (raw._tag) {
      case "Due":
        return Effect.succeed(raw)
      case "Ended": {
        const { exit, id, token } = raw
        const cause = Exit.isFailure(exit) ? exit.cause : undefined
        return Effect.map(
          this.expected(id, token) ? this.judged(id, cause, raw.lost !== true) : Effect.succeed(restartNow),
          (verdict) => ({ _tag: "Ended", id, token, cause, verdict })
        )
      }
      case "StartChild": {
        const request = this.remember(raw.answer)
        const spec = specOf(raw.child)
        if (!this.entries.has(spec.id)) this.add(raw.child)
        return Effect.succeed({ _tag: "StartChild", spec, request })
      }
      default:
        return Effect.succeed({ _tag: raw._tag, id: raw.id, request: this.remember(raw.answer) })
    }
  }

  private remember(answer: Answer): number {
    this.answers.set(++this.requests, answer)
    return this.requests
  }

  /** Whether this is the end of the incarnation that lives: no other one is asked about, or counts. */
  private expected(id: string, token: number): boolean {
    const slot = this.state.slots.find(({ spec }) => spec.id === id)
    return slot?.status === "up" && slot.token === token
  }

  private judged(
    id: string,
    cause: Cause.Cause<unknown> | undefined,
    ran: boolean
  ): Effect.Effect<Verdict> {
    return judge(this.entries.get(id)!, this.options.policy, cause, ran, this.now)
  }

  private feed(event: Event): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { commands, state } = decide(this.state, event, this.now)
      // A normal end is seen by whoever looks on, whatever comes of it.
      if (event._tag === "Ended" && event.cause === undefined && this.expected(event.id, event.token)) {
        this.publish({ _tag: "ChildEnded", child: event.id })
      }
      const last = commands.at(-1)
      const outcome = last?._tag === "Finish" ? this.explained(last.outcome) : undefined
      const cause = outcome && this.options.failureOf(outcome)
      const act = Effect.suspend(() => {
        this.state = state
        return this.run(commands)
      })
      if (cause === undefined || !this.options.above.reaches(cause)) return act
      return Effect.flatMap(
        this.beforehand(outcome!, cause),
        (stays) => stays ? this.delay(commands, state) : act
      )
    })
  }

  // What is going to reach the system.

  /** Whether the system would be told, if a child failed with this Cause now. Schedules cannot be asked beforehand. */
  reaches(id: string, cause: Cause.Cause<unknown>): boolean {
    const slot = this.state.slots.find(({ spec }) => spec.id === id)
    const entry = this.entries.get(id)
    if (slot === undefined || entry === undefined || this.outcome !== undefined) return false
    const said = saidOf(entry, this.options.policy, cause, true)
    if (said?.backoff !== undefined) return false
    const verdict: Verdict = { ...restartNow, directive: said?.directive ?? "restart" }
    const event: Event = { _tag: "Ended", id, token: slot.token, cause, verdict }
    const last = decide(this.state, event, this.now).commands.at(-1)
    const failure = last?._tag === "Finish" ? this.options.failureOf(last.outcome) : undefined
    return failure !== undefined && this.options.above.reaches(failure)
  }

  private beforehand(outcome: Outcome, cause: Cause.Cause<unknown>): Effect.Effect<boolean> {
    const { above, path } = this.options
    const child = "id" in outcome ? outcome.id : ""
    const ref = this.entries.get(child)?.runner.ref
    return above.beforehand({ supervisor: path, child, ref, cause })
  }

  /** It fails, and its children stay as they are until it ends. */
  private delay(commands: ReadonlyArray<Command>, state: State): Effect.Effect<void> {
    const ends = ({ _tag }: Command): boolean => _tag === "Stop" || _tag === "StopAll"
    this.delayed = Effect.suspend(() => {
      this.state = state
      return this.run(commands.filter(ends))
    })
    return this.run(commands.filter((command) => !ends(command)))
  }

  // What is decided.

  private run(commands: ReadonlyArray<Command>): Effect.Effect<void> {
    return commands.length === 1
      ? this.execute(commands[0]!)
      : Effect.forEach(commands, (command) => this.execute(command), { discard: true })
  }

  private execute(command: Command): Effect.Effect<void> {
    switch (command._tag) {
      case "Start":
        return this.startChild(command.id, command.token)
      case "Stop":
        return this.stopChild(command.id, command.hold)
      case "StopAll":
        return Effect.forEach(command.ids, (id) => this.stopChild(id, false), {
          concurrency: "unbounded",
          discard: true
        })
      case "Resume":
        return this.resumeChild(command.id)
      case "Retry":
        return this.retry(command)
      case "Failed":
        return Effect.sync(() => this.publish(failed(command, this.entries.get(command.id)!.failures)))
      case "Forget":
        return Effect.sync(() => {
          this.entries.delete(command.id)
          this.publish({ _tag: "ChildRemoved", child: command.id })
        })
      case "Reply":
        return this.reply(command.request, command.error)
      case "Ready":
        return Effect.void
      case "Finish":
        return this.finish(command.outcome)
    }
  }

  private startChild(id: string, token: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const entry = this.entries.get(id)!
      yield* this.forgetTimer(entry)
      const exit = yield* Effect.exit(entry.runner.start((exit) => {
        Queue.offerUnsafe(this.inbox, { _tag: "Ended", id, token, exit })
      }))
      yield* this.look
      if (Exit.isSuccess(exit)) {
        entry.live = true
        entry.starts++
        entry.goodSince = this.now
        this.publish({ _tag: "ChildStarted", child: id, restarts: entry.starts - 1 })
        return yield* this.feed({ _tag: "Started", id })
      }
      const cause = causeOf(exit)
      const verdict = entry.starts === 0 && !this.restarting
        ? restartNow
        : yield* this.judged(id, cause, false)
      yield* this.feed({ _tag: "StartFailed", id, cause, verdict })
    })
  }

  /** Whether what is under way is a restart, for which policies are asked. */
  private get restarting(): boolean {
    return this.state.plan?.why._tag === "Restart"
  }

  private stopChild(id: string, hold: boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      const entry = this.entries.get(id)
      if (entry === undefined) return Effect.void
      const { live, runner } = entry
      entry.live = false
      return this.forgetTimer(entry).pipe(
        Effect.andThen(hold ? runner.hold : runner.end),
        Effect.map(() => {
          // Of one that has failed it is known.
          if (live) this.publish({ _tag: "ChildStopped", child: id, held: hold })
        })
      )
    })
  }

  private resumeChild(id: string): Effect.Effect<void> {
    const entry = this.entries.get(id)!
    return Effect.map(entry.runner.resume, (resumed) => {
      entry.live = resumed
      if (resumed) return this.publish({ _tag: "ChildResumed", child: id })
      // Its thread has ended, and its state with it: what would resume it is left open.
      const { token } = this.state.slots.find(({ spec }) => spec.id === id)!
      const exit = Exit.failCause(entry.lastFailure!)
      Queue.offerUnsafe(this.inbox, { _tag: "Ended", id, token, exit, lost: true })
    })
  }

  private retry(
    command: { readonly id: string; readonly token: number; readonly delayMillis: number }
  ): Effect.Effect<void> {
    return Effect.sync(() => {
      const { delayMillis, id, token } = command
      const due: Raw = { _tag: "Due", id, token }
      if (delayMillis === 0) {
        Queue.offerUnsafe(this.inbox, due)
        return
      }
      const entry = this.entries.get(id)!
      entry.dueAt = this.now + delayMillis
      entry.timer = Effect.runForkWith(this.options.context)(
        Effect.andThen(
          Effect.sleep(delayMillis),
          Effect.sync(() => {
            Queue.offerUnsafe(this.inbox, due)
          })
        )
      )
    })
  }

  private forgetTimer(entry: Entry): Effect.Effect<void> {
    const { timer } = entry
    entry.dueAt = undefined
    entry.timer = undefined
    return timer === undefined ? Effect.void : Fiber.interrupt(timer)
  }

  private reply(request: number, error: Refusal | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      const answer = this.answers.get(request)
      this.answers.delete(request)
      if (answer === undefined) return Effect.void
      return error === undefined ? Deferred.succeed(answer, undefined) : Deferred.fail(answer, error)
    }).pipe(Effect.asVoid)
  }

  private finish(outcome: Outcome): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.outcome = this.explained(outcome)
      this.publish(ended(this.outcome))
      return Effect.asVoid(Deferred.succeed(this.finished, this.outcome))
    })
  }

  /** The retry that was one too many does not know what it was for. */
  private explained(outcome: Outcome): Outcome {
    return outcome._tag === "GaveUp" && outcome.cause === undefined
      ? { ...outcome, cause: this.entries.get(outcome.id)?.lastFailure }
      : outcome
  }

  // Children.

  private add(child: Child.Any): void {
    const { path, relay } = this.options
    const runner = child.runner({
      path: `${path}/${child.id}`,
      shutdownMillis: child.shutdownMillis,
      scope: this.scope,
      context: () => this.services(child.id),
      relay,
      above: {
        reaches: (cause) => this.reaches(child.id, cause),
        beforehand: this.options.above.beforehand
      }
    })
    this.entries.set(child.id, {
      child,
      runner,
      steps: new Steps(),
      live: false,
      starts: 0,
      failures: 0,
      lastFailure: undefined,
      goodSince: 0,
      dueAt: undefined,
      timer: undefined
    })
  }

  /** What a child may use: what the supervisor has, and what Layers before it provide. */
  private services(id: string): Context.Context<never> {
    let { context } = this.options
    for (const { spec } of this.state.slots) {
      if (spec.id === id) break
      const provides = this.entries.get(spec.id)?.runner.provides
      if (provides !== undefined) context = Context.merge(context, provides)
    }
    return context
  }

  private publish(event: Untold): void {
    this.options.publish({ ...event, at: this.now, supervisor: this.options.path } as SupervisorEvent)
  }
}

const specOf = ({ id, restart, significant }: Child.Any): Child.Any =>
  ({ id, restart, significant }) as Child.Any

export const make = (options: Options): Effect.Effect<Engine> =>
  Effect.map(Queue.unbounded<Raw>(), (inbox) => new Engine(options, inbox))
