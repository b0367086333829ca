/**
 * What a supervisor does next: a pure function from its state and an event to a state and commands.
 *
 * The interpreter runs commands one after the other, in order. It feeds back one event for each `Start`: `Started` or
 * `StartFailed`. While one of those is awaited, other events wait in the state, except `Shutdown`.
 *
 * Erlang's `supervisor` is what it is compared with (`test/decide.property.test.ts`). Beyond that: directives, delays,
 * schedules that are done.
 */
import type * as Cause from "effect/Cause"
import type {
  Command,
  Config,
  Decision,
  Event,
  Outcome,
  Plan,
  Refusal,
  Slot,
  Spec,
  State,
  Status,
  Verdict
} from "./decision.ts"

/** Restarts that are remembered where there is no bound on them. */
const STAMPS_KEPT = 1000

/** A supervisor that starts its children in order. */
export const init = (config: Config, specs: ReadonlyArray<Spec>): Decision => {
  const draft = new Draft({
    config,
    slots: specs.map(fresh),
    stamps: [],
    tokens: 0,
    plan: undefined,
    deferred: [],
    ended: false
  }, 0)
  draft.begin({ _tag: "Init" }, specs.map(({ id }) => id))
  return draft.decision
}

const fresh = (spec: Spec): Slot => ({ spec, status: "down", token: 0, waitsFor: undefined })

/** The next state, and what is to be done; `now` is in milliseconds, and never runs backwards. */
export const decide = (state: State, event: Event, now: number): Decision => {
  const draft = new Draft(state, now)
  draft.take(event)
  return draft.decision
}

/** A state in the making, and the commands so far. */
class Draft {
  private readonly config: Config
  private readonly now: number
  private slots: Array<Slot>
  private stamps: ReadonlyArray<number>
  private tokens: number
  private plan: Plan | undefined
  private deferred: ReadonlyArray<Event>
  private ended: boolean
  private readonly commands: Array<Command> = []

  constructor(state: State, now: number) {
    this.config = state.config
    this.now = now
    this.slots = [...state.slots]
    this.stamps = state.stamps
    this.tokens = state.tokens
    this.plan = state.plan
    this.deferred = state.deferred
    this.ended = state.ended
  }

  get decision(): Decision {
    const { config, deferred, ended, plan, slots, stamps, tokens } = this
    return { state: { config, deferred, ended, plan, slots, stamps, tokens }, commands: this.commands }
  }

  take(event: Event): void {
    if (this.ended) return this.refuse(event)
    switch (event._tag) {
      case "Shutdown":
        return this.finish({ _tag: "Shutdown" })
      case "Started":
        this.started(event.id)
        break
      case "StartFailed":
        this.startFailed(event.id, event.cause, event.verdict)
        break
      default:
        if (this.plan === undefined) this.handle(event)
        else this.deferred = [...this.deferred, event]
    }
    while (this.plan === undefined && this.deferred.length > 0 && !this.ended) {
      const [next, ...rest] = this.deferred
      this.deferred = rest
      this.handle(next!)
    }
  }

  private handle(event: Event): void {
    switch (event._tag) {
      case "Ended":
        return this.childEnded(event.id, event.token, event.cause, event.verdict)
      case "Due":
        return this.due(event.id, event.token)
      case "StartChild":
        return this.startChild(event.spec, event.request)
      case "RestartChild":
        return this.restartChild(event.id, event.request)
      case "TerminateChild":
        return this.terminateChild(event.id, event.request)
      case "DeleteChild":
        return this.deleteChild(event.id, event.request)
    }
  }

  // What children do.

  private childEnded(
    id: string,
    token: number,
    cause: Cause.Cause<unknown> | undefined,
    verdict: Verdict
  ): void {
    const slot = this.slot(id)
    // It was stopped meanwhile, with a sibling or on request: that was no failure.
    if (slot === undefined || slot.status !== "up" || slot.token !== token) return
    const { restart } = slot.spec
    if (cause !== undefined) {
      this.note(id, cause, verdict)
      switch (verdict.directive) {
        case "resume":
          this.commands.push({ _tag: "Resume", id })
          return
        case "escalate":
          return this.finish({ _tag: "Escalated", id, cause })
        case "stop":
          return this.stopGroup(slot)
      }
    }
    const restarts = restart === "permanent" || (restart === "transient" && cause !== undefined)
    if (restarts) return this.failed(slot, cause, verdict)
    this.leave(slot)
    this.autoShutdown(slot.spec)
  }

  /** A child that is to restart: now, later, or not after all. */
  private failed(slot: Slot, cause: Cause.Cause<unknown> | undefined, verdict: Verdict): void {
    const { id } = slot.spec
    if (verdict.delayMillis === undefined) {
      if (verdict.whenDone === "stop") return this.stopGroup(slot)
      return this.giveUp(id, cause, "schedule")
    }
    if (verdict.delayMillis === 0 && slot.status === "up") return this.tryAgain(id, cause)
    this.hold(id)
    this.commands.push({ _tag: "Retry", id, token: this.slot(id)!.token, delayMillis: verdict.delayMillis })
  }

  private due(id: string, token: number): void {
    const slot = this.slot(id)
    if (slot?.status === "restarting" && slot.token === token) this.tryAgain(id, undefined)
  }

  /** One try at restarting a child with its group; every try counts. */
  private tryAgain(id: string, cause: Cause.Cause<unknown> | undefined): void {
    const { restarts } = this.config
    this.stamps = [
      ...(restarts === Infinity ? this.inPeriod.slice(1 - STAMPS_KEPT) : this.inPeriod),
      this.now
    ]
    if (this.stamps.length > restarts) return this.giveUp(id, cause, "intensity")
    this.hold(id)
    this.begin({ _tag: "Restart" }, this.group(id).map(({ spec }) => spec.id))
  }

  /** When restarts were tried within the period before now; the oldest is the first. */
  private get inPeriod(): ReadonlyArray<number> {
    const { now, stamps } = this
    const first = stamps.findIndex((stamp) => now - stamp <= this.config.withinMillis)
    return first === -1 ? [] : first === 0 ? stamps : stamps.slice(first)
  }

  // Starting in order.

  begin(why: Plan["why"], ids: ReadonlyArray<string>): void {
    this.plan = { why, ids }
    const [id] = ids
    if (id === undefined) return this.planned()
    const token = this.set(id, "starting")
    this.commands.push({ _tag: "Start", id, token, again: why._tag === "Restart" })
  }

  private started(id: string): void {
    const { plan } = this
    if (plan === undefined || plan.ids[0] !== id) return
    // Its token stays: what ends next is what began.
    this.slots = this.slots.map((slot) => slot.spec.id === id ? { ...slot, status: "up" } : slot)
    this.begin(plan.why, plan.ids.slice(1))
  }

  private planned(): void {
    const { why } = this.plan!
    this.plan = undefined
    if (why._tag === "Init") this.commands.push({ _tag: "Ready" })
    if (why._tag === "Request") this.reply(why.request)
  }

  private startFailed(id: string, cause: Cause.Cause<unknown>, verdict: Verdict): void {
    const { plan } = this
    const slot = this.slot(id)
    if (plan === undefined || plan.ids[0] !== id || slot === undefined) return
    this.plan = undefined
    this.set(id, "down")
    if (plan.why._tag === "Init") {
      return this.finish({ _tag: "DidNotStart", id, cause })
    }
    if (plan.why._tag === "Request") {
      if (plan.why.fresh) this.forget(id)
      return this.reply(plan.why.request, { _tag: "DidNotStart", cause })
    }
    this.note(id, cause, verdict)
    if (verdict.directive === "escalate") return this.finish({ _tag: "Escalated", id, cause })
    if (verdict.directive === "stop") return this.stopGroup(slot)
    // Under one_for_all those before it stop again; under rest_for_one it goes on from here.
    this.failed(slot, cause, verdict)
  }

  // Stopping.

  /** Those that restart and stop together with a child, in start order. */
  private group(id: string): ReadonlyArray<Slot> {
    switch (this.config.strategy) {
      case "one_for_all":
        return this.slots
      case "rest_for_one":
        return this.slots.slice(this.slots.findIndex(({ spec }) => spec.id === id))
      default:
        return this.slots.filter(({ spec }) => spec.id === id)
    }
  }

  /** Stops a child's group in reverse order so that it can start again; what is temporary is removed. */
  private hold(failed: string): void {
    for (const { spec, status } of this.group(failed).toReversed()) {
      const { id } = spec
      if (spec.restart === "temporary") {
        this.commands.push({ _tag: "Stop", id, hold: false })
        this.forget(id)
      } else {
        if (status === "up") this.commands.push({ _tag: "Stop", id, hold: true })
        this.set(id, "restarting", failed)
      }
    }
  }

  /** Stops a child's group in reverse order, for good. */
  private stopGroup(failed: Slot): void {
    for (const slot of this.group(failed.spec.id).toReversed()) this.leave(slot)
    this.autoShutdown(failed.spec)
  }

  /** A child stays ended; its spec too, if it could never start again. */
  private leave({ spec }: Slot): void {
    this.commands.push({ _tag: "Stop", id: spec.id, hold: false })
    if (spec.restart === "temporary" || this.config.strategy === "simple_one_for_one") this.forget(spec.id)
    else this.set(spec.id, "down")
  }

  /** A child ended by itself, and stays ended. */
  private autoShutdown(spec: Spec): void {
    const { autoShutdown } = this.config
    if (autoShutdown === "never" || !spec.significant) return
    const living = this.slots.some(({ spec, status }) => spec.significant && status !== "down")
    if (autoShutdown === "all_significant" && living) return
    this.finish({ _tag: "AutoShutdown", id: spec.id })
  }

  private giveUp(
    id: string,
    cause: Cause.Cause<unknown> | undefined,
    reason: "intensity" | "schedule"
  ): void {
    this.finish({ _tag: "GaveUp", id, cause, reason, restarts: this.stamps.length })
  }

  /** All children end, in reverse order; many like ones at once. */
  private finish(outcome: Outcome): void {
    const ids = this.slots.map(({ spec }) => spec.id).toReversed()
    if (this.config.strategy === "simple_one_for_one") this.commands.push({ _tag: "StopAll", ids })
    else for (const id of ids) this.commands.push({ _tag: "Stop", id, hold: false })
    this.slots = this.slots.map(({ spec }) => fresh(spec))
    const { deferred, plan } = this
    this.ended = true
    this.plan = undefined
    this.deferred = []
    if (plan?.why._tag === "Request") this.reply(plan.why.request, { _tag: "Ending" })
    for (const event of deferred) this.refuse(event)
    this.commands.push({ _tag: "Finish", outcome })
  }

  // What is asked.

  private startChild(spec: Spec, request: number): void {
    const present = this.slot(spec.id)
    if (present !== undefined) {
      return this.reply(request, { _tag: present.status === "up" ? "AlreadyStarted" : "AlreadyPresent" })
    }
    this.slots.push(fresh(spec))
    this.begin({ _tag: "Request", request, fresh: true }, [spec.id])
  }

  private restartChild(id: string, request: number): void {
    const refusal = this.notDown(id)
    if (refusal !== undefined) return this.reply(request, refusal)
    this.begin({ _tag: "Request", request, fresh: false }, [id])
  }

  private terminateChild(id: string, request: number): void {
    const slot = this.slot(id)
    if (slot === undefined) return this.reply(request, { _tag: "NotFound" })
    this.leave(slot)
    this.reply(request)
    // Those that were stopped along with it would wait for ever.
    const waiting = this.slots.filter(({ waitsFor }) => waitsFor === id)
    if (waiting.length > 0) this.begin({ _tag: "Restart" }, waiting.map(({ spec }) => spec.id))
  }

  private deleteChild(id: string, request: number): void {
    const refusal = this.notDown(id)
    if (refusal !== undefined) return this.reply(request, refusal)
    this.commands.push({ _tag: "Stop", id, hold: false })
    this.forget(id)
    this.reply(request)
  }

  private notDown(id: string): Refusal | undefined {
    switch (this.slot(id)?.status) {
      case undefined:
        return { _tag: "NotFound" }
      case "down":
        return undefined
      case "restarting":
        return { _tag: "Restarting" }
      default:
        return { _tag: "Running" }
    }
  }

  private reply(request: number, error?: Refusal): void {
    this.commands.push({ _tag: "Reply", request, error })
  }

  /** It comes too late. */
  private refuse(event: Event): void {
    if ("request" in event) this.reply(event.request, { _tag: "Ending" })
  }

  // Slots.

  private slot(id: string): Slot | undefined {
    return this.slots.find(({ spec }) => spec.id === id)
  }

  /** Gives a slot another status, and a token of its own. */
  private set(id: string, status: Status, waitsFor?: string): number {
    const token = ++this.tokens
    this.slots = this.slots.map(({ spec, ...slot }) =>
      spec.id === id ? { spec, status, token, waitsFor } : { spec, ...slot }
    )
    return token
  }

  private note(id: string, cause: Cause.Cause<unknown>, verdict: Verdict): void {
    const restarts = this.inPeriod.length
    this.commands.push({ _tag: "Failed", id, cause, verdict, restarts })
  }

  private forget(id: string): void {
    this.slots = this.slots.filter(({ spec }) => spec.id !== id)
    this.commands.push({ _tag: "Forget", id })
  }
}
