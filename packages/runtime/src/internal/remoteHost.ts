/** Hosts the actors of one definition on the workers, as seen from the thread that made the system. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Any } from "../Actor.ts"
import * as ActorId from "../ActorId.ts"
import type { ActorRef } from "../ActorRef.ts"
import type * as Codec from "../Codec.ts"
import type { Child, Overseer } from "../Overseer.ts"
import { type Place, Placement } from "../Placement.ts"
import { SpawnError } from "../SpawnError.ts"
import { ThreadLost } from "../AskError.ts"
import { ArrivingRef } from "./arriving.ts"
import * as Birth from "./birth.ts"
import type { Host } from "./host.ts"
import { lifeOf } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import type { Mesh } from "./mesh.ts"
import * as Peer from "./peer.ts"
import type { Owner } from "./owner.ts"
import { type Beginning, type Place as Started, RemoteChild } from "./remoteChild.ts"
import type { RemoteContract } from "./remoteRef.ts"
import type { System } from "./system.ts"
import * as Wire from "./wire.ts"

export class RemoteHost implements Host {
  private readonly mesh: Mesh
  private readonly contract: RemoteContract
  private readonly birth: Codec.Codec<Birth.Birth>
  private readonly makeArgs: (input: unknown) => unknown

  constructor(mesh: Mesh, actor: Any) {
    this.mesh = mesh
    this.contract = mesh.contracts.of(actor)
    this.birth = Birth.codec(Wire.of(actor).args)
    this.makeArgs = (input) => actor.args.make(input, { disableChecks: true })
  }

  keyed(key: string): ActorRef<never> {
    return this.mesh.refs.keyed(this.contract, key) as unknown as ActorRef<never>
  }

  get system(): System {
    return this.mesh.system
  }

  get workers(): ReadonlyArray<number> {
    return this.mesh.homes.workers
  }

  onLeave(leaver: (worker: number) => void): () => void {
    return this.mesh.homes.onLeave(leaver)
  }

  spawn(
    args: unknown,
    scope: Scope.Scope,
    context: Context.Context<never>
  ): Effect.Effect<ActorRef<never>, SpawnError> {
    const here = this.here(context)
    if (here !== undefined) return Effect.flatMap(here, (host) => host.spawn(args, scope, context))
    return Effect.map(this.spawnOn(args, scope, context, undefined), ({ ref }) => ref)
  }

  oversee(
    args: unknown,
    scope: Scope.Scope,
    context: Context.Context<never>,
    overseer: Overseer
  ): Effect.Effect<Child<never>, SpawnError> {
    const here = this.here(context)
    if (here !== undefined) {
      return Effect.flatMap(here, (host) => host.oversee(args, scope, context, overseer))
    }
    return this.spawnOn(args, scope, context, overseer)
  }

  /** The host on this thread, if that is where the context says. */
  private here(context: Context.Context<never>): Effect.Effect<Host, SpawnError> | undefined {
    if (Context.get(context, Placement) !== "here") return undefined
    const host = this.system.hosts.get(this.contract.name)
    return host === undefined
      ? Effect.fail(this.failed(new Error("this thread does not host it")))
      : Effect.succeed(host)
  }

  private failed(cause: unknown): SpawnError {
    return new SpawnError({ actor: this.contract.name, cause })
  }

  private spawnOn(
    args: unknown,
    scope: Scope.Scope,
    context: Context.Context<never>,
    overseer: Overseer | undefined
  ): Effect.Effect<RemoteChild, SpawnError> {
    const place = Context.get(context, Placement) as Exclude<Place, "here">
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(this.system.owners.of(scope), (owner) => {
        if (owner.closed) return Effect.fail(this.failed(new Error("the scope is closed")))
        const peer = this.mesh.worker(place)
        if (peer === undefined) return Effect.fail(this.failed(new Error(`there is no worker ${place}`)))
        const { ends } = peer
        peer.actors++
        return restore(this.start(args, peer, owner, overseer)).pipe(
          Effect.mapError((cause) => this.failed(cause)),
          // Those of a thread that has ended are not counted any more.
          Effect.onError(() =>
            Effect.sync(() => {
              if (peer.ends === ends) peer.actors--
            })
          ),
          Effect.flatMap((child) => {
            if (!owner.closed) return Effect.succeed(child)
            // The scope closed while the actor started: it may know nothing of it.
            const failed = Effect.fail(this.failed(new Error("it ended while it started")))
            const ending = child.finish()
            return ending === undefined ? failed : Effect.andThen(ending, failed)
          })
        )
      })
    )
  }

  spawnUnder(parent: LocalRef, args: unknown, overseer: Overseer | undefined): ActorRef<never> {
    const owner = Effect.runSync(this.system.owners.of(lifeOf(parent)))
    const arriving = new ArrivingRef(this.system, this.contract)
    const ref = arriving as unknown as ActorRef<never>
    owner.add(arriving)
    if (owner.closed) {
      arriving.failed(Exit.void)
      return ref
    }
    const peer = this.mesh.worker("fewest")!
    const { ends } = peer
    peer.actors++
    const failed = (cause: unknown): void => {
      if (peer.ends === ends) peer.actors--
      arriving.failed(Exit.fail(this.failed(cause)))
    }
    try {
      const birth = { parent: owner.actor?.self, args: this.makeArgs(args) }
      const beginning = overseer && { overseer, birth, codec: this.birth }
      const answer = {
        succeed: (place: unknown) => {
          const child = this.child(place as Started, peer, beginning, ref)
          owner.replace(arriving, child)
          arriving.arrived(child.remote)
        },
        fail: failed,
        abandon: failed
      }
      if (peer.lost) failed(new ThreadLost({ thread: peer.thread }))
      else {peer.request(
          Peer.SPAWN,
          this.contract.type,
          flagsOf(overseer) | Peer.UNAWAITED,
          0,
          birth,
          this.birth,
          answer
        )}
    } catch (issue) {
      failed(issue)
    }
    return ref
  }

  /** Starts an actor there. Whoever is interrupted waits until it has ended. */
  private start(
    args: unknown,
    peer: Peer.Peer,
    owner: Owner,
    overseer: Overseer | undefined
  ): Effect.Effect<RemoteChild, unknown> {
    return Effect.suspend(() => {
      const answer = Deferred.makeUnsafe<RemoteChild, unknown>()
      if (peer.lost) return Effect.fail(new Error(`worker thread ${peer.thread} ended`))
      const birth = { parent: owner.actor?.self, args: this.makeArgs(args) }
      const beginning = overseer && { overseer, birth, codec: this.birth }
      const correlation = peer.request(
        Peer.SPAWN,
        this.contract.type,
        flagsOf(overseer),
        0,
        birth,
        this.birth,
        {
          // At once: what comes after it from there may be about it.
          succeed: (place) => {
            const child = this.child(place as Started, peer, beginning)
            owner.add(child)
            Deferred.doneUnsafe(answer, Exit.succeed(child))
          },
          fail: (error) => Deferred.doneUnsafe(answer, Exit.fail(error)),
          abandon: (reason) => Deferred.doneUnsafe(answer, Exit.fail(reason))
        }
      )
      return Effect.onInterrupt(Deferred.await(answer), () => {
        peer.answer(Peer.CANCEL, correlation, undefined, Wire.nothing)
        return Deferred.await(answer).pipe(
          Effect.flatMap((child) => child.finish() ?? Effect.void),
          Effect.ignore
        )
      })
    }).pipe(Effect.catchDefect(Effect.fail))
  }

  private child(
    { id, target, version }: Started,
    peer: Peer.Peer,
    beginning: Beginning | undefined,
    face?: ActorRef<never>
  ): RemoteChild {
    const place = version < 0 ? { place: target, generation: -version } : undefined
    const identity = ActorId.make({ ...id, type: this.contract.type, machine: peer.thread })
    const child = new RemoteChild(
      this.mesh.refs.spawned(this.contract, peer, identity, place),
      id,
      beginning,
      face
    )
    peer.lives.add(child)
    return child
  }
}

const flagsOf = (overseer: Overseer | undefined): number =>
  overseer === undefined ? 0 : overseer.refuses === true ? Peer.OVERSEEN | Peer.REFUSING : Peer.OVERSEEN
