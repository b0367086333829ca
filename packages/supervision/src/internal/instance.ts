/** A supervisor as an actor: what it is asked, and how it ends. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Rpc from "effect/rpc/Rpc"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Actor from "@troupe/runtime/Actor"
import type { ActorRef } from "@troupe/runtime/ActorRef"
import type { ActorSystem } from "@troupe/runtime/ActorSystem"
import * as Overseer from "@troupe/runtime/Overseer"
import type { SpawnError } from "@troupe/runtime/SpawnError"
import type { Step } from "@troupe/runtime/Step"
import type * as Child from "../Child.ts"
import type { Escalation } from "../Escalation.ts"
import type { Running, Supervisor } from "../Supervisor.ts"
import { ChildError, GaveUp, StartError } from "../SupervisorError.ts"
import type { SupervisorEvent } from "../SupervisorEvent.ts"
import { type ChildCount, type ChildInfo, Protocol } from "../SupervisorProtocol.ts"
import type { Config, Outcome, Refusal } from "./decision.ts"
import { type Engine, make as makeEngine } from "./engine.ts"
import * as Observed from "./observed.ts"
import { type Above, ActorRunner, type Make } from "./runner.ts"

/** Events kept for a reader that lags behind; older ones are dropped. */
const EVENTS_KEPT = 1024

/** Why a supervisor cannot have a child. */
export const problemOf = ({ autoShutdown }: Config, child: Child.Any): string | undefined => {
  if (!child.significant) return undefined
  if (child.restart === "permanent") return "a permanent child is never significant: it does not stay ended"
  return autoShutdown === "never" ? "a significant child needs an autoShutdown" : undefined
}

class Instance implements Running {
  readonly path: string
  readonly supervisor: Supervisor<string>
  private readonly context: Context.Context<never>
  private readonly relay: (event: SupervisorEvent) => void
  private readonly above: Above
  private readonly counters: Observed.Counters = new Map()
  private readonly pubsub: PubSub.PubSub<SupervisorEvent>
  /** Of the incarnation that lives, or lived last. */
  private engine: Engine | undefined = undefined
  overseen: Overseer.Child<Protocol> | undefined = undefined
  private readonly ended = Deferred.makeUnsafe<Exit.Exit<void, unknown>>()

  constructor(
    supervisor: Supervisor<string>,
    path: string,
    context: Context.Context<never>,
    pubsub: PubSub.PubSub<SupervisorEvent>,
    relay: (event: SupervisorEvent) => void,
    above: Above
  ) {
    this.supervisor = supervisor
    this.path = path
    this.context = context
    this.pubsub = pubsub
    this.relay = relay
    this.above = above
    this.events = Stream.fromPubSub(pubsub)
  }

  /** The layer that hosts it, and how it is spawned there. */
  spawn(overseer: Overseer.Overseer): Effect.Effect<Overseer.Child, SpawnError, Scope.Scope> {
    const actor = Actor.make(this.supervisor.name, { protocol: protocolOf() })
    const hosting = actor.toLayer({
      state: Actor.opaque<Engine>(),
      initial: (_, ctx) => this.begin(() => ctx.send(ctx.self, "~Finish")),
      handlers: {
        Which: (engine) => Actor.reply(engine, this.infos(engine)),
        Count: (engine) => Actor.reply(engine, this.counts(engine)),
        Restart: (engine, { child }, { replier }) => this.later(engine, "RestartChild", child, replier),
        Terminate: (engine, { child }, { replier }) => this.later(engine, "TerminateChild", child, replier),
        Delete: (engine, { child }, { replier }) => this.later(engine, "DeleteChild", child, replier),
        "~Finish": (engine) => this.finish(engine)
      }
    })
    return Effect.gen({ self: this }, function*() {
      const hosted = yield* Layer.build(hosting)
      const child = yield* Effect.provideContext(
        Overseer.spawn(actor, overseer),
        Context.add(hosted, Scope.Scope, yield* Effect.scope)
      )
      this.overseen = child as Overseer.Child<Protocol>
      return child
    }).pipe(Effect.provideContext(this.context as Context.Context<never>)) as Effect.Effect<
      Overseer.Child,
      SpawnError,
      Scope.Scope
    >
  }

  private begin(finish: () => void): Effect.Effect<Engine, never, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const { children, config, policy } = this.supervisor
      const engine = yield* makeEngine({
        path: this.path,
        config,
        children,
        policy,
        context: this.context,
        publish: this.publish,
        relay: this.show,
        above: this.above,
        failureOf: (outcome) => this.failureOf(outcome)
      })
      this.engine = engine
      yield* Effect.addFinalizer(() => engine.shutdown)
      const outcome = yield* engine.start
      if (outcome !== undefined) return yield* Effect.die(this.errorOf(outcome))
      yield* Effect.forkScoped(Effect.map(engine.awaitOutcome, finish))
      return engine
    })
  }

  private finish({ outcome }: Engine): Step<never, void> | Effect.Effect<never> {
    switch (outcome?._tag) {
      case "Escalated": {
        const error = Cause.findError(outcome.cause)
        if (error._tag === "Success") return Actor.crash(error.success)
        return Effect.failCause(outcome.cause as Cause.Cause<never>)
      }
      case "GaveUp":
        return Actor.crash(this.errorOf(outcome))
      default:
        return Actor.stop()
    }
  }

  /** What it fails with, if that is a failure. */
  private failureOf(outcome: Outcome): Cause.Cause<unknown> | undefined {
    switch (outcome._tag) {
      case "Escalated":
        return outcome.cause
      case "GaveUp":
        return Cause.fail(this.errorOf(outcome))
      default:
        return undefined
    }
  }

  private errorOf(outcome: Outcome): unknown {
    const supervisor = this.path
    switch (outcome._tag) {
      case "GaveUp": {
        const { cause, id, reason, restarts } = outcome
        const failure = cause === undefined ? {} : { cause: Cause.squash(cause) }
        return new GaveUp({ supervisor, child: id, reason, restarts, ...failure })
      }
      case "DidNotStart":
        return new StartError({ supervisor, child: outcome.id, cause: Cause.squash(outcome.cause) })
      default:
        return outcome
    }
  }

  // What it is asked.

  private later(
    engine: Engine,
    request: "RestartChild" | "TerminateChild" | "DeleteChild",
    child: string,
    replier: { succeed(value: void): void; fail(error: ChildError): void } | undefined
  ): Step<Engine> {
    const asked = Effect.match(this.refusing(child, engine.ask({ _tag: request, id: child })), {
      onSuccess: () => replier?.succeed(),
      onFailure: (error) => replier?.fail(error)
    })
    Effect.runForkWith(this.context)(asked)
    return Actor.later(engine)
  }

  private refusing(child: string, asked: Effect.Effect<void, Refusal>): Effect.Effect<void, ChildError> {
    return Effect.mapError(asked, (refusal) =>
      new ChildError({
        supervisor: this.path,
        child,
        reason: refusal._tag,
        ...(refusal._tag === "DidNotStart" ? { cause: Cause.squash(refusal.cause) } : {})
      }))
  }

  private ask(child: string, request: Parameters<Engine["ask"]>[0]): Effect.Effect<void, ChildError> {
    return Effect.suspend(() =>
      this.refusing(child, this.engine?.ask(request) ?? Effect.fail<Refusal>({ _tag: "Ending" }))
    )
  }

  private infos(engine: Engine): ReadonlyArray<ChildInfo> {
    return engine.state.slots.map(({ spec: { id }, status }) => {
      const { child, dueAt, failures, goodSince, lastFailure, starts } = engine.entries.get(id)!
      const { kind, restart, significant } = child
      return {
        id,
        kind,
        restart,
        significant,
        status,
        starts,
        failures,
        ...(lastFailure === undefined ? {} : { lastFailure: Observed.textOf(lastFailure) }),
        ...(status === "up" ? { goodSince } : {}),
        ...(dueAt === undefined ? {} : { dueAt })
      }
    })
  }

  private counts(engine: Engine): ChildCount {
    const { slots } = engine.state
    const supervisors =
      slots.filter(({ spec }) => engine.entries.get(spec.id)!.child.kind === "supervisor").length
    return {
      specs: slots.length,
      active: slots.filter(({ status }) => status === "up").length,
      supervisors,
      workers: slots.length - supervisors
    }
  }

  // Its face.

  readonly ref = Effect.sync(() => this.overseen!.ref as ActorRef<Protocol>)
  readonly which = Effect.sync(() => this.engine === undefined ? [] : this.infos(this.engine))
  readonly count = Effect.sync(() =>
    this.engine === undefined ? { specs: 0, active: 0, supervisors: 0, workers: 0 } : this.counts(this.engine)
  )
  readonly handle = (id: string): Effect.Effect<unknown> =>
    Effect.sync(() => this.engine?.entries.get(id)?.runner.handle)
  readonly start = (child: Child.Any): Effect.Effect<void, ChildError> => {
    const problem = problemOf(this.supervisor.config, child)
    if (problem === undefined) return this.ask(child.id, { _tag: "StartChild", child })
    const cause = new TypeError(problem)
    return Effect.fail(new ChildError({ supervisor: this.path, child: child.id, reason: "Invalid", cause }))
  }
  readonly restart = (id: string): Effect.Effect<void, ChildError> =>
    this.ask(id, { _tag: "RestartChild", id })
  readonly terminate = (id: string): Effect.Effect<void, ChildError> =>
    this.ask(id, { _tag: "TerminateChild", id })
  readonly delete = (id: string): Effect.Effect<void, ChildError> => this.ask(id, { _tag: "DeleteChild", id })
  readonly events: Stream.Stream<SupervisorEvent>
  readonly await = Deferred.await(this.ended)

  /** It has ended for good. */
  over(exit: Exit.Exit<void, unknown>): void {
    Deferred.doneUnsafe(this.ended, Effect.succeed(exit))
  }

  /** What it does itself. */
  private readonly publish = (event: SupervisorEvent): void => {
    Observed.observe(event, this.context, this.counters)
    this.show(event)
  }

  /** What is done here or below. */
  private readonly show = (event: SupervisorEvent): void => {
    if (!PubSub.publishUnsafe(this.pubsub, event)) Effect.runSync(PubSub.publish(this.pubsub, event))
    this.relay(event)
  }
}

/** What a supervisor understands, and its own word that it is to end. */
const protocolOf = () => Protocol.add(Rpc.make("~Finish"))

const make = (
  supervisor: Supervisor<string>,
  path: string,
  context: Context.Context<never>,
  relay: (event: SupervisorEvent) => void,
  above: Above
): Instance => {
  const pubsub = Effect.runSync(PubSub.sliding<SupervisorEvent>(EVENTS_KEPT))
  return new Instance(supervisor, path, context, pubsub, relay, above)
}

/** A supervisor at the root of a tree. */
export const root = (
  supervisor: Supervisor<string>,
  escalation: Escalation
): Effect.Effect<Running, StartError, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<never>()
    let asked = false
    const above: Above = {
      reaches: () => !asked && escalation.beforehand !== undefined,
      beforehand: (failure) => {
        asked = true
        return Effect.provideContext(escalation.beforehand!(failure), context as Context.Context<ActorSystem>)
      }
    }
    const instance = make(supervisor, supervisor.name, context, () => {}, above)
    yield* instance.spawn({
      held: (child, exit) =>
        Effect.andThen(
          Exit.isFailure(exit)
            ? Effect.provideContext(
              escalation(supervisor.name, exit.cause),
              context as Context.Context<ActorSystem>
            )
            : Effect.void,
          Effect.andThen(child.end, Effect.sync(() => instance.over(exit)))
        )
    }).pipe(Effect.catch(({ cause }) => cause instanceof StartError ? Effect.fail(cause) : Effect.die(cause)))
    yield* Effect.addFinalizer(() => Effect.sync(() => instance.over(Exit.void)))
    return instance
  })

/** A supervisor below another one. */
export const below = (supervisor: Supervisor<string>): Make => (environment) => {
  // What it may use is what there is when it starts.
  let instance: Instance | undefined
  return new ActorRunner(
    environment,
    (overseer) =>
      Effect.suspend(() => {
        instance = make(
          supervisor,
          environment.path,
          environment.context(),
          environment.relay,
          environment.above
        )
        return instance.spawn(overseer)
      }),
    { resumable: false, handle: () => instance }
  )
}
