/** The shutdown of one thread's system: its phases, and what is to be done in each. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Phase, PhaseReport, Report } from "../Shutdown.ts"
import { LocalRef } from "./localRef.ts"
import * as Peer from "./peer.ts"
import { request } from "./request.ts"
import type { System } from "./system.ts"
import * as Wire from "./wire.ts"

/** The phase in which the actors end. */
const ACTORS = "actors"

/** How long a worker may take to answer, beyond the time that its actors have, in milliseconds. */
const ANSWER_MILLIS = 1000

interface Task {
  readonly name: string
  readonly effect: Effect.Effect<unknown, unknown>
}

export class Shutdown {
  private readonly phases: ReadonlyArray<Phase>
  private readonly system: System
  private readonly tasks = new Map<string, Set<Task>>()
  private report: Deferred.Deferred<Report> | undefined = undefined

  constructor(phases: ReadonlyArray<Phase>, system: System) {
    this.phases = phases
    this.system = system
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
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const running = Array.from(this.tasks.get(name)!, ({ effect, name }) => ({ name, fiber: fork(effect) }))
    const actors = name === ACTORS ? fork(this.actors(timeout)) : undefined
    const fibers: Array<Fiber.Fiber<unknown, unknown>> = running.map(({ fiber }) => fiber)
    yield* Effect.timeoutOption(Fiber.awaitAll(fibers), timeout)
    const failed: Array<string> = []
    const late = actors === undefined ? [] : Array.from(yield* Fiber.join(actors))
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

  /** Ends all actors, those of this thread's scopes before those that workers have; those that have not in time. */
  private readonly actors = Effect.fnUntraced(function*(this: Shutdown, timeout: Duration.Input) {
    const limit = Duration.toMillis(timeout)
    const begun = yield* Clock.currentTimeMillis
    const late = yield* this.end(limit)
    const { mesh, thread } = this.system
    if (mesh === undefined || thread !== 0) return late
    const left = Math.max(0, begun + limit - (yield* Clock.currentTimeMillis))
    const others = yield* Effect.forEach(mesh.others, (peer) => endOn(peer, left), {
      concurrency: "unbounded"
    })
    return [...late, ...others.flat()]
  })

  /** Ends the actors of this thread; those that have not in time, for which nobody waits any longer. */
  end(millis: number): Effect.Effect<ReadonlyArray<string>> {
    const { owners } = this.system
    return Effect.suspend(() => {
      owners.closed = true
      const closing = Effect.forEach(owners.roots, (owner) => owners.close(owner), {
        concurrency: "unbounded",
        discard: true
      })
      return Effect.flatMap(Effect.timeoutOption(closing, millis), (ended) =>
        Option.isSome(ended)
          ? Effect.succeed([])
          : Effect.map(owners.giveUp, (left) =>
            // Those on workers are named there.
            left.filter(({ ref }) => ref instanceof LocalRef).map(({ ref }) => String(ref))))
    })
  }
}

/** Ends the actors of a worker; those that have not in time, or the worker, if it does not say. */
const endOn = (peer: Peer.Peer, millis: number): Effect.Effect<ReadonlyArray<string>> => {
  // Its actors have ended with its thread, and whoever starts it again may never succeed.
  if (peer.down) return Effect.succeed([])
  const asked = request<ReadonlyArray<string>>(
    peer,
    (replier) => peer.request(Peer.SHUTDOWN, millis, 0, 0, undefined, Wire.nothing, replier)
  )
  return asked.pipe(
    // Its thread has ended, and with it its actors.
    Effect.orElseSucceed(() => []),
    Effect.timeoutOption(millis + ANSWER_MILLIS),
    Effect.map(Option.getOrElse(() => [`worker ${peer.thread}`]))
  )
}
