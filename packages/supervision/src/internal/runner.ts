/** How each kind of child is started, held, ended. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Actor } from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as Overseer from "@troupe/runtime/Overseer"
import { type Place, Placement } from "@troupe/runtime/Placement"
import type { SpawnError } from "@troupe/runtime/SpawnError"
import type { Failure } from "../Escalation.ts"
import type { SupervisorEvent } from "../SupervisorEvent.ts"

/** What runs one child of one supervisor. All of it is called by one fiber, one after the other. */
export interface Runner {
  /**
   * Starts an incarnation, in the place of one that is held; fails with the Cause of why not. `ended` is called when it
   * ends by itself.
   */
  start(ended: (exit: Exit.Exit<unknown, unknown>) => void): Effect.Effect<void, unknown>
  /** Ends the incarnation, finalizers included, and keeps its mailbox for the next one. */
  readonly hold: Effect.Effect<void>
  /** Ends the child for good, if there is one. */
  readonly end: Effect.Effect<void>
  /** Goes on with the state that it had; false when that cannot be. */
  readonly resume: Effect.Effect<boolean>
  /** Whether a crash leaves a state to go on with. */
  readonly resumable: boolean
  /** What others get for it, while it is there. */
  readonly handle: unknown
  /** The actor that it is, while it is there. */
  readonly ref: ActorRef.ActorRef<never> | undefined
  /** Services for those that start after it. */
  readonly provides: Context.Context<never> | undefined
}

/** What a runner knows of its supervisor. */
export interface Environment {
  /** Where it lives in the tree. */
  readonly path: string
  readonly shutdownMillis: number
  /** What its actors are spawned in: ends with the supervisor. */
  readonly scope: Scope.Scope
  /** The services at the time of a start. */
  readonly context: () => Context.Context<never>
  /** For what supervisors below do. */
  readonly relay: (event: SupervisorEvent) => void
  /** For a supervisor that is going to fail. */
  readonly above: Above
}

/** What a supervisor knows of those above it. */
export interface Above {
  /** Whether the system would be told, if the supervisor failed with this Cause now. */
  readonly reaches: (cause: Cause.Cause<unknown>) => boolean
  /** It will be; true if all is to stay as it is. */
  readonly beforehand: (failure: Failure) => Effect.Effect<boolean>
}

const ignore = (): void => {}

export type Make = (environment: Environment) => Runner

/** Spawns an overseen actor. */
type Spawn = (overseer: Overseer.Overseer) => Effect.Effect<Overseer.Child, SpawnError, Scope.Scope>

/** An actor: held in its cell from one incarnation to the next. */
export class ActorRunner implements Runner {
  private readonly environment: Environment
  private readonly spawn: Spawn
  readonly resumable: boolean
  private readonly face: (() => unknown) | undefined
  private child: Overseer.Child | undefined = undefined
  /** Nothing of it is running: its overseer is to say how it goes on. */
  private down = false
  private readonly overseer: Overseer.Overseer
  private ended: (exit: Exit.Exit<unknown, unknown>) => void = ignore

  constructor(
    environment: Environment,
    spawn: Spawn,
    options: { resumable: boolean; refuses?: boolean; handle?: () => unknown }
  ) {
    this.environment = environment
    this.spawn = spawn
    this.resumable = options.resumable
    this.face = options.handle
    this.overseer = { held: this.held, refuses: options.refuses }
  }

  get handle(): unknown {
    return this.child === undefined ? undefined : this.face === undefined ? this.child.ref : this.face()
  }

  get ref(): ActorRef.ActorRef<never> | undefined {
    return this.child?.ref
  }

  get provides(): undefined {
    return undefined
  }

  private readonly held: Overseer.Overseer["held"] = (_, exit) =>
    Effect.sync(() => {
      this.down = true
      this.ended(exit)
    })

  start(ended: (exit: Exit.Exit<unknown, unknown>) => void): Effect.Effect<void, unknown> {
    return Effect.suspend(() => {
      this.ended = ended
      const { child } = this
      const start = child === undefined
        ? Effect.map(this.spawn(this.overseer), (child) => {
          this.child = child
        })
        : child.start
      return start.pipe(
        Effect.provideContext(this.services),
        Effect.onExit((exit) =>
          Effect.sync(() => {
            if (Exit.isSuccess(exit)) this.down = false
          })
        ),
        // Nothing but a defect or an interruption ends a start.
        Effect.catch((error) => Effect.die(error.cause))
      )
    })
  }

  private get services(): Context.Context<Scope.Scope> {
    return Context.add(this.environment.context(), Scope.Scope, this.environment.scope)
  }

  /** Lets it end what it has in hand, for as long as it may take. */
  private ask(child: Overseer.Child): Effect.Effect<void> {
    const { shutdownMillis } = this.environment
    // Its end is no news any more.
    this.ended = ignore
    if (this.down || shutdownMillis === 0) return Effect.void
    const asked = ActorRef.stop(child.ref, { now: true })
    return shutdownMillis === Infinity ? asked : Effect.asVoid(Effect.timeoutOption(asked, shutdownMillis))
  }

  readonly hold = Effect.suspend(() => {
    const { child } = this
    return child === undefined ? Effect.void : Effect.andThen(this.ask(child), child.halt)
  })

  readonly end = Effect.suspend(() => {
    const { child } = this
    if (child === undefined) return Effect.void
    return Effect.andThen(
      this.ask(child),
      Effect.suspend(() => {
        this.child = undefined
        return child.end
      })
    )
  })

  readonly resume = Effect.suspend(() => {
    const { child } = this
    if (child === undefined) return Effect.succeed(false)
    this.down = false
    return child.resume
  })
}

export const actor = (
  actor: Actor<string, never, Schema.Top>,
  args: unknown,
  placement: Place | undefined,
  refuses: boolean
): Make =>
(environment) => {
  const spawn: Spawn = (overseer) => {
    const spawned = Overseer.spawn(
      actor as never as Actor<string, never, Schema.Unknown>,
      overseer,
      args
    ) as ReturnType<
      Spawn
    >
    return placement === undefined ? spawned : Effect.provideService(spawned, Placement, placement)
  }
  return new ActorRunner(environment, spawn, { resumable: true, refuses })
}

/** What a linked fiber of a supervised Effect or Layer tells of its end; undefined where nobody supervises. */
const Linked = Context.Reference<((exit: Exit.Exit<unknown, unknown>) => void) | undefined>(
  "@troupe/supervision/Linked",
  { defaultValue: () => undefined }
)

/** Forks in the scope; a failure is that of the child that this belongs to. */
export const forkLinked = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Fiber.Fiber<A, E>, never, R | Scope.Scope> =>
  Effect.flatMap(Linked, (ended) =>
    Effect.map(Effect.forkScoped(effect), (fiber) => {
      if (ended !== undefined) {
        fiber.addObserver((exit) => {
          if (Exit.isFailure(exit)) ended(exit)
        })
      }
      return fiber
    }))

/** What runs in a scope of its own for each incarnation: an Effect, a Layer. */
abstract class ScopedRunner implements Runner {
  protected readonly environment: Environment
  readonly resumable = false
  readonly ref = undefined
  readonly resume = Effect.succeed(false)
  protected running:
    | { readonly scope: Scope.Closeable; fiber: Fiber.Fiber<unknown, unknown> | undefined }
    | undefined = undefined

  constructor(environment: Environment) {
    this.environment = environment
  }

  abstract get handle(): unknown
  abstract get provides(): Context.Context<never> | undefined

  /** Acquires what it needs in the scope; what is to run after that. */
  protected abstract acquire(
    scope: Scope.Closeable
  ): Effect.Effect<Effect.Effect<unknown, unknown> | undefined, unknown>

  start(ended: (exit: Exit.Exit<unknown, unknown>) => void): Effect.Effect<void, unknown> {
    return Effect.suspend(() => {
      const scope = Scope.makeUnsafe()
      const context = Context.add(
        Context.add(this.environment.context(), Scope.Scope, scope),
        Linked,
        // Those that its end interrupts tell of it too late.
        ended
      )
      const running: NonNullable<typeof this.running> = { scope, fiber: undefined }
      this.running = running
      return this.acquire(scope).pipe(
        Effect.map((run) => {
          if (run === undefined) return
          const fiber = Effect.runForkWith(context)(run)
          running.fiber = fiber
          fiber.addObserver(ended)
        }),
        Effect.provideContext(context),
        Effect.onError((cause) => Effect.andThen(this.release(), Scope.close(scope, Exit.failCause(cause))))
      )
    })
  }

  protected release(): Effect.Effect<void> {
    return Effect.sync(() => {
      this.running = undefined
    })
  }

  readonly hold = Effect.suspend(() => {
    const { running } = this
    if (running === undefined) return Effect.void
    const { fiber, scope } = running
    const closed = Scope.close(scope, Exit.void)
    return Effect.andThen(
      fiber === undefined ? closed : Effect.andThen(Fiber.interrupt(fiber), closed),
      this.release()
    )
  })

  get end(): Effect.Effect<void> {
    return this.hold
  }
}

class EffectRunner extends ScopedRunner {
  private readonly effect: Effect.Effect<unknown, unknown>

  constructor(environment: Environment, effect: Effect.Effect<unknown, unknown>) {
    super(environment)
    this.effect = effect
  }

  get handle(): undefined {
    return undefined
  }

  get provides(): undefined {
    return undefined
  }

  protected acquire(): Effect.Effect<Effect.Effect<unknown, unknown>> {
    return Effect.succeed(this.effect)
  }
}

export const effect = (effect: Effect.Effect<unknown, unknown>): Make => (environment) =>
  new EffectRunner(environment, effect)

class LayerRunner extends ScopedRunner {
  private readonly layer: Layer.Layer<never, unknown>
  private readonly meanwhile: Effect.Effect<unknown, unknown> | undefined
  private services: Context.Context<never> | undefined = undefined

  constructor(
    environment: Environment,
    layer: Layer.Layer<never, unknown>,
    meanwhile: Effect.Effect<unknown, unknown> | undefined
  ) {
    super(environment)
    this.layer = layer
    this.meanwhile = meanwhile
  }

  get handle(): unknown {
    return this.services
  }

  get provides(): Context.Context<never> | undefined {
    return this.services
  }

  protected acquire(
    scope: Scope.Closeable
  ): Effect.Effect<Effect.Effect<unknown, unknown> | undefined, unknown> {
    // A memo map of its own: what is built once and shared would not be built again.
    return Effect.map(Layer.buildWithMemoMap(this.layer, Layer.makeMemoMapUnsafe(), scope), (services) => {
      this.services = services
      const { meanwhile } = this
      return meanwhile === undefined ? undefined : Effect.provideContext(meanwhile, services)
    })
  }

  protected override release(): Effect.Effect<void> {
    return Effect.andThen(
      super.release(),
      Effect.sync(() => {
        this.services = undefined
      })
    )
  }
}

export const layer =
  (layer: Layer.Layer<never, unknown>, meanwhile: Effect.Effect<unknown, unknown> | undefined): Make =>
  (environment) => new LayerRunner(environment, layer, meanwhile)

/** The Cause of a start that failed. */
export const causeOf = (exit: Exit.Exit<void, unknown>): Cause.Cause<unknown> =>
  Exit.isFailure(exit) ? exit.cause : Cause.empty
