/** Hosts the actors of one definition on the workers, as seen from the thread that made the system. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Any } from "../Actor.ts"
import * as ActorId from "../ActorId.ts"
import type { ActorRef } from "../ActorRef.ts"
import type * as Codec from "../Codec.ts"
import type { Child, Overseer } from "../Overseer.ts"
import { Placement } from "../Placement.ts"
import { SpawnError } from "../SpawnError.ts"
import type { Host } from "./host.ts"
import type { LocalRef } from "./localRef.ts"
import type { Mesh } from "./mesh.ts"
import * as Peer from "./peer.ts"
import type { RemoteContract } from "./remoteRef.ts"
import { request } from "./request.ts"
import type { System } from "./system.ts"
import * as Wire from "./wire.ts"

export class RemoteHost implements Host {
  private readonly mesh: Mesh
  private readonly contract: RemoteContract
  private readonly args: Codec.Codec<unknown>
  private readonly makeArgs: (input: unknown) => unknown

  constructor(mesh: Mesh, actor: Any) {
    this.mesh = mesh
    this.contract = mesh.contract(actor)
    this.args = Wire.of(actor).args
    this.makeArgs = (input) => actor.args.make(input, { disableChecks: true })
  }

  keyed(key: string): ActorRef<never> {
    const thread = this.mesh.place(this.contract.name, key)
    return this.mesh.keyed(this.contract, key, thread) as unknown as ActorRef<never>
  }

  get system(): System {
    return this.mesh.system
  }

  get workers(): number {
    return this.mesh.workers
  }

  spawn(
    args: unknown,
    scope: Scope.Scope,
    context: Context.Context<never>
  ): Effect.Effect<ActorRef<never>, SpawnError> {
    const failed = (cause: unknown): SpawnError => new SpawnError({ actor: this.contract.name, cause })
    const place = Context.get(context, Placement)
    if (place === "here") {
      const host = this.system.hosts.get(this.contract.name)
      if (host !== undefined) return host.spawn(args, scope, context)
      return Effect.fail(failed(new Error("this thread does not host it")))
    }
    const closed = (): boolean => scope.state._tag === "Closed"
    return Effect.uninterruptibleMask((restore) => {
      if (closed()) return Effect.fail(failed(new Error("the scope is closed")))
      const peer = this.mesh.worker(place)
      if (peer === undefined) return Effect.fail(failed(new Error(`there is no worker ${place}`)))
      const { ends } = peer
      // Those of a thread that has ended are not counted any more.
      const left = Effect.sync(() => {
        if (peer.ends === ends) peer.actors--
      })
      peer.actors++
      return restore(this.start(args, peer)).pipe(
        Effect.mapError(failed),
        Effect.onError(() => left),
        Effect.flatMap(({ id, target, version }) => {
          const place = version < 0 ? { place: target, generation: -version } : undefined
          const identity = ActorId.make({ ...id, type: this.contract.type, machine: peer.thread })
          const ref = this.mesh.spawned(this.contract, peer, identity, place)
          const finalizer = Effect.andThen(Effect.ignore(end(peer, target, version)), left)
          return Effect.andThen(
            Scope.addFinalizer(scope, finalizer),
            // It closed while the actor started, and so the actor has ended.
            () =>
              closed()
                ? Effect.fail(failed(new Error("it ended while it started")))
                : Effect.succeed(ref as unknown as ActorRef<never>)
          )
        })
      )
    })
  }

  oversee(
    args: unknown,
    scope: Scope.Scope,
    context: Context.Context<never>,
    overseer: Overseer
  ): Effect.Effect<Child<never>, SpawnError> {
    const host = this.system.hosts.get(this.contract.name)
    if (host !== undefined) return host.oversee(args, scope, context, overseer)
    const cause = new Error("this thread does not host it")
    return Effect.fail(new SpawnError({ actor: this.contract.name, cause }))
  }

  spawnUnder(parent: LocalRef, args: unknown, overseer: Overseer | undefined): ActorRef<never> {
    const host = this.system.hosts.get(this.contract.name)
    if (host !== undefined) return host.spawnUnder(parent, args, overseer)
    throw new Error("this thread does not host it")
  }

  /** Starts an actor there. Whoever is interrupted waits until it has ended. */
  private start(args: unknown, peer: Peer.Peer): Effect.Effect<Place, unknown> {
    return Effect.suspend(() => {
      const answer = Deferred.makeUnsafe<Place, unknown>()
      if (peer.lost) return Effect.fail(new Error(`worker thread ${peer.thread} ended`))
      const correlation = peer.request(
        Peer.SPAWN,
        this.contract.type,
        0,
        0,
        this.makeArgs(args),
        this.args,
        {
          succeed: (place) => Deferred.doneUnsafe(answer, Exit.succeed(place as Place)),
          fail: (error) => Deferred.doneUnsafe(answer, Exit.fail(error)),
          abandon: (reason) => Deferred.doneUnsafe(answer, Exit.fail(reason))
        }
      )
      return Effect.onInterrupt(Deferred.await(answer), () => {
        peer.answer(Peer.CANCEL, correlation, undefined, Wire.nothing)
        return Deferred.await(answer).pipe(
          Effect.flatMap(({ target, version }) => end(peer, target, version)),
          Effect.ignore
        )
      })
    }).pipe(Effect.catchDefect(Effect.fail))
  }
}

/** Where an actor lives on its thread. */
interface Place {
  readonly id: Pick<ActorId.ActorId, "instance" | "version">
  readonly target: number
  readonly version: number
}

const end = (peer: Peer.Peer, target: number, version: number): Effect.Effect<void, unknown> =>
  request<void>(
    peer,
    (replier) => peer.request(Peer.END, 0, target, version, undefined, Wire.nothing, replier)
  )
