/**
 * Where the keys live, as one thread sees it: which worker has which, and what is to be done when that changes. The
 * thread that made the system begins a change, and hears from all others when they are done with it.
 */
import * as Effect from "effect/Effect"
import type { Membership } from "./membership.ts"
import type { Mesh } from "./mesh.ts"
import { Move } from "./move.ts"
import * as Peer from "./peer.ts"
import * as Places from "./place.ts"
import * as Wire from "./wire.ts"

export class Homes {
  private readonly mesh: Mesh
  private readonly membership: Membership
  private epoch: number
  /** The worker that a key lives on. */
  place: Places.Place
  /** What is to be done because that has changed. */
  move: Move | undefined = undefined
  /** Who waits for the current change; on the thread that made the system. */
  private whenSettled: (() => void) | undefined = undefined
  /** The last epoch that each thread is done with; on the same. */
  private readonly settledBy = new Map<number, number>()
  private readonly leavers = new Set<(thread: number) => void>()

  constructor(mesh: Mesh, membership: Membership) {
    this.mesh = mesh
    this.membership = membership
    this.epoch = membership.epoch
    this.place = Places.make(membership.members(this.epoch))
  }

  /** Goes on with a change in which a predecessor of this thread ended. */
  resume(): void {
    const { epoch, membership } = this
    if (membership.settled < epoch) this.begin(Places.make(membership.members(epoch - 1)))
  }

  /** The workers that keys live on, and that actors are spawned on. */
  get workers(): ReadonlyArray<number> {
    return this.membership.members(this.epoch)
  }

  /** Has keys live on these workers from now on, and waits until they do. On the thread that made the system. */
  change(workers: ReadonlyArray<number>, millis: number): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const leaving = this.workers.filter((thread) => !workers.includes(thread))
      this.whenSettled = () => resume(Effect.void)
      this.fence(this.membership.begin(workers, millis))
      for (const leaver of this.leavers) leaving.forEach(leaver)
    })
  }

  /** Calls back with each worker that is to leave, before it does; a function that ends that. */
  onLeave(leaver: (thread: number) => void): () => void {
    this.leavers.add(leaver)
    return () => this.leavers.delete(leaver)
  }

  /** Somebody sends by this epoch; so does this thread from now on. */
  fence(epoch: number): void {
    if (epoch > this.epoch) {
      const before = this.place
      this.epoch = epoch
      const { workers } = this
      this.place = Places.make(workers)
      this.mesh.unsettle(workers)
      this.begin(before)
    }
    this.move?.check()
  }

  private begin(before: Places.Place): void {
    const { epoch, membership, mesh } = this
    this.move = new Move(mesh, epoch, before, membership.millis)
    for (const peer of mesh.others) peer.write(Peer.FENCE, epoch, 0, 0, 0, undefined, Wire.nothing)
  }

  /** This thread has nothing more to do for an epoch. */
  settled(epoch: number): void {
    const { mesh, move } = this
    const { mailboxes } = mesh
    this.stop()
    if (mailboxes !== undefined) {
      for (const host of mesh.localHosts) host.settle(mailboxes)
      move?.mourned.forEach((thread) => mailboxes.ended(thread))
    }
    if (mesh.system.thread === 0) this.hasSettled(0, epoch)
    else mesh.peer(0).write(Peer.SETTLED, epoch, 0, 0, 0, undefined, Wire.nothing)
  }

  /** A thread has nothing more to do for an epoch. */
  hasSettled(thread: number, epoch: number): void {
    this.settledBy.set(thread, epoch)
    this.settle()
  }

  private settle(): void {
    const { epoch, membership, mesh, settledBy } = this
    const has = (thread: number): boolean => (settledBy.get(thread) ?? 0) >= epoch
    if (mesh.system.thread !== 0 || membership.settled === epoch || !has(0)) return
    if (!mesh.others.every(({ lost, thread }) => lost || has(thread))) return
    membership.settle(epoch)
    this.whenSettled?.()
    this.whenSettled = undefined
  }

  /** A thread that had ended goes on as another one. */
  succeeded(thread: number): void {
    // While keys move, nobody knows yet who has which mailboxes.
    if (this.move === undefined) this.mesh.mailboxes?.ended(thread)
    else this.move.isSucceeded(thread)
  }

  /** A thread has ended for good: nobody waits for it. */
  lost(thread: number): void {
    this.move?.isClosed(thread)
    this.settle()
  }

  stop(): void {
    this.move?.stop()
    this.move = undefined
  }
}
