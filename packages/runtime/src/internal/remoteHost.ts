/** Hosts the actors of one definition on the workers, as seen from the thread that made the system. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { Any } from "../Actor.ts"
import type { ActorRef } from "../ActorRef.ts"
import { SpawnError } from "../SpawnError.ts"
import type { Host } from "./host.ts"
import type { Mesh } from "./mesh.ts"
import * as Peer from "./peer.ts"
import { type RemoteContract, RemoteRef } from "./remoteRef.ts"
import { request } from "./request.ts"
import * as Wire from "./wire.ts"

export class RemoteHost implements Host {
  private readonly mesh: Mesh
  private readonly index: number
  private readonly contract: RemoteContract
  private readonly makeArgs: (input: unknown) => unknown

  constructor(mesh: Mesh, index: number, actor: Any) {
    this.mesh = mesh
    this.index = index
    this.contract = mesh.contract(actor)
    this.makeArgs = (input) => actor.args.make(input, { disableChecks: true })
  }

  keyed(key: string): ActorRef<never> {
    const thread = this.mesh.place(this.contract.name, key)
    return this.mesh.keyed(this.contract, key, thread) as unknown as ActorRef<never>
  }

  spawn(args: unknown, scope: Scope.Scope): Effect.Effect<ActorRef<never>, SpawnError> {
    const peer = this.mesh.leastLoaded()
    const place = request<{ target: number; version: number }>(
      peer,
      (replier) => {
        const made = this.makeArgs(args)
        peer.request(Peer.SPAWN, this.index, 0, 0, made, this.contract.wire.args, replier)
      }
    )
    return Effect.uninterruptibleMask((restore) =>
      restore(place).pipe(
        Effect.mapError((cause) => new SpawnError({ actor: this.contract.name, cause })),
        Effect.flatMap(({ target, version }) => {
          peer.actors++
          const ref = new RemoteRef(this.contract, peer, target, version, undefined)
          const end = request<void>(
            peer,
            (replier) => peer.request(Peer.END, 0, target, version, undefined, Wire.nothing, replier)
          )
          const finalizer = Effect.andThen(Effect.ignore(end), Effect.sync(() => peer.actors--))
          return Effect.as(Scope.addFinalizer(scope, finalizer), ref as unknown as ActorRef<never>)
        })
      )
    )
  }
}
