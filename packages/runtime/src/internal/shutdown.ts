/** The shutdown of one thread's system: its phases, and what is to be done in each. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Phase, PhaseReport, Report } from "../Shutdown.ts"
import type { Owners } from "./owner.ts"

/** The phase in which the actors end. */
const ACTORS = "actors"

interface Task {
  readonly name: string
  readonly effect: Effect.Effect<unknown, unknown>
}

export class Shutdown {
  private readonly phases: ReadonlyArray<Phase>
  private readonly owners: Owners
  private readonly tasks = new Map<string, Set<Task>>()
  private report: Deferred.Deferred<Report> | undefined = undefined

  constructor(phases: ReadonlyArray<Phase>, owners: Owners) {
    this.phases = phases
    this.owners = owners
    for (const { name } of phases) this.tasks.set(name, new Set())
    if (!this.tasks.has(ACTORS)) throw new TypeError(`a shutdown needs a phase called ${ACTORS}`)
  }

  register(phase: string, name: string, effect: Effect.Effect<unknown, unknown>) {
    const tasks = this.tasks.get(phase)
    if (tasks === undefined) {
      const names = this.phases.map(({ name }) => name).join(", ")
      return Effect.die(new TypeError(`there is no phase ${phase} in the shutdown, only ${names}`))
    }
    const task: Task = { name, effect }
    return Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => tasks.add(task)),
      () => Effect.sync(() => tasks.delete(task))
    ))
  }

  /** Runs the phases, once. */
  readonly run: Effect.Effect<Report> = Effect.contextWith((context) => {
    if (this.report === undefined) {
      this.report = Deferred.makeUnsafe<Report>()
      // On a fiber of its own: a finalizer that calls it cannot be interrupted, and what is late has to be.
      Effect.runForkWith(context)(Deferred.into(this.all, this.report))
    }
    return Deferred.await(this.report)
  })

  private readonly all: Effect.Effect<Report> = Effect.suspend(() =>
    Effect.map(Effect.forEach(this.phases, (phase) => this.phase(phase)), (phases) => ({ phases }))
  )

  private readonly phase = Effect.fnUntraced(function*(this: Shutdown, { name, timeout }: Phase) {
    const context = yield* Effect.context<never>()
    const fork = Effect.runForkWith(context)
    const running = Array.from(this.tasks.get(name)!, ({ effect, name }) => ({ name, fiber: fork(effect) }))
    if (name === ACTORS) this.owners.closed = true
    const closing = name === ACTORS
      ? Array.from(this.owners.roots, (owner) => ({ owner, fiber: fork(owner.close) }))
      : []
    const fibers: Array<Fiber.Fiber<unknown, unknown>> = [...running, ...closing].map(({ fiber }) => fiber)
    yield* Effect.timeoutOption(Fiber.awaitAll(fibers), timeout)
    const failed: Array<string> = []
    const late = closing.flatMap(({ owner }) => owner.all.map(String))
    for (const { fiber, name } of running) {
      const exit = fiber.pollUnsafe()
      if (exit === undefined) {
        late.push(name)
        fiber.interruptUnsafe()
      } else if (Exit.isFailure(exit)) {
        failed.push(name)
        yield* Effect.logError(`${name} failed in its phase of the shutdown`, exit.cause)
      }
    }
    if (late.length > 0) {
      yield* Effect.logError(`not over in time, in the phase ${name} of the shutdown: ${late.join(", ")}`)
    }
    const report: PhaseReport = { name, late, failed }
    return report
  })
}
