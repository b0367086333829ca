/** The actors that another thread starts and ends on this one. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { MailboxesExhausted } from "../AskError.ts"
import type { Codec } from "../Codec.ts"
import * as Birth from "./birth.ts"
import * as Failure from "./failure.ts"
import { ENDED } from "./hot/cell.ts"
import { awaitEnd, end } from "./life.ts"
import { ofStart } from "./lives.ts"
import { LocalRef } from "./localRef.ts"
import type { Mesh } from "./mesh.ts"
import * as Peer from "./peer.ts"
import * as Wire from "./wire.ts"

/** Decodes the record in hand. */
type Read = <A>(codec: Pick<Codec<A>, "decode">) => A

export class Nursery {
  private readonly mesh: Mesh
  private readonly peer: Peer.Peer
  /** The starts in flight, by their correlations. */
  private readonly starting = new Map<number, Fiber.Fiber<unknown, unknown>>()

  constructor(mesh: Mesh, peer: Peer.Peer) {
    this.mesh = mesh
    this.peer = peer
  }

  /** Starts an actor, and says where it is, or why there is none. */
  spawn(type: number, flags: number, correlation: number, read: Read): void {
    const { peer } = this
    const refuse = (failure: string): void =>
      peer.answer(Peer.NOT_SPAWNED, correlation, failure, Wire.failure)
    const host = this.mesh.system.kinds[type]
    if (host === undefined) return refuse(`thread ${this.mesh.system.thread} does not host it`)
    let birth: Birth.Birth
    try {
      birth = read(Birth.codec(host.wire.args))
    } catch (error) {
      return refuse(Failure.of(error))
    }
    const place = host.bounds && this.mesh.mailboxes!.open()
    if (host.bounds !== undefined && place === undefined) return refuse(new MailboxesExhausted().message)
    const overseer = (flags & Peer.OVERSEEN) === 0
      ? undefined
      : peer.lives.overseeing((flags & Peer.REFUSING) !== 0)
    const there = (ref: LocalRef): void => {
      const { instance, version } = this.mesh.system.directory.id(ref)
      const shared = place && this.mesh.share(ref, place)
      const [target, generation] = shared === undefined
        ? [instance, version]
        : [shared.place, -shared.generation]
      peer.write(Peer.SPAWNED, instance, target, generation, correlation, version, Wire.version)
    }
    if ((flags & Peer.UNAWAITED) !== 0) {
      return there(host.sprout(birth.args, host.owner, overseer, birth.parent))
    }
    const started = Effect.runForkWith(host.context)(
      host.spawnDecoded(birth.args, host.owner, overseer, birth.parent)
    )
    this.starting.set(correlation, started)
    started.addObserver((exit) => {
      this.starting.delete(correlation)
      if (Exit.isSuccess(exit)) {
        there(exit.value as unknown as LocalRef)
      } else {
        place?.close()
        refuse(ofStart(exit.cause))
      }
    })
  }

  /** Nobody waits for this start any more. */
  cancel(correlation: number): void {
    this.starting.get(correlation)?.interruptUnsafe()
  }

  /** Starts an actor again that was on this thread before it ended itself. */
  revive(type: number, instance: number, version: number, correlation: number, read: Read): void {
    const args = this.mesh.system.kinds[type]?.wire.args
    if (args === undefined) return
    const birth = read(Birth.codec(args))
    this.peer.lives.revive(instance, version, correlation, birth)
  }

  /** Ends an actor, and says when it has ended. */
  finish(ref: unknown, correlation: number): void {
    const ended = (): void => this.peer.answer(Peer.ENDED, correlation, undefined, Wire.nothing)
    if (!(ref instanceof LocalRef)) return ended()
    end(ref, Exit.void)
    if (ref.status === ENDED) ended()
    else Effect.runForkWith(ref.host.context)(awaitEnd(ref)).addObserver(ended)
  }
}
