/** The references of a thread to keys on others, wherever these live, and to actors there. */
import type { ActorId } from "../ActorId.ts"
import type { SharedPlace } from "./boundedPlaces.ts"
import type { KeyedRef } from "./keyedRef.ts"
import { Mailbox } from "./mailbox.ts"
import type { Mesh } from "./mesh.ts"
import * as Peer from "./peer.ts"
import { type RemoteContract, RemoteRef } from "./remoteRef.ts"
import { WeakCache } from "./weakCache.ts"
import * as Wire from "./wire.ts"

export class RemoteRefs {
  private readonly mesh: Mesh
  /** Stands for the thread of a key, while nobody has looked where that is. */
  private readonly nowhere: Peer.Peer
  private readonly keys = new Map<string, RemoteRef>()
  /** Those of keys that have left memory, and to which nothing was sent since: for as long as somebody holds them. */
  private readonly asleep = new WeakCache<string, RemoteRef>()
  /** Those to spawned actors with bounded mailboxes: of each one, since who waits for room waits there. */
  private readonly bounded = new WeakCache<string, RemoteRef>()

  constructor(mesh: Mesh, nowhere: Peer.Peer) {
    this.mesh = mesh
    this.nowhere = nowhere
  }

  /**
   * A reference to a key, for a thread on which it does not live: the same for the same key. Of an actor that the workers
   * do not host it is on one thread, and stays there.
   */
  keyed(contract: RemoteContract, key: string, thread?: number): RemoteRef {
    const name = keyName(contract, key, thread)
    let ref = this.keys.get(name) ?? this.asleep.get(name)
    if (ref === undefined) {
      const peer = thread === undefined ? this.nowhere : this.mesh.peer(thread)
      const target = thread === undefined ? 0 : peer.bind(contract.type, key)
      ref = new RemoteRef(contract, peer, target, 0, key, this.mailboxFor(contract, key), undefined)
      this.keys.set(name, ref)
    }
    return ref
  }

  /**
   * Looks where a key lives: the reference itself, which reaches it there from now on, or its reference on this thread,
   * or the number of the thread that is lost.
   */
  route(ref: RemoteRef): RemoteRef | KeyedRef | number {
    const { contract, key } = ref
    // One that does not move.
    if (ref.peer !== this.nowhere && ref.bound === undefined) return ref.peer.thread
    const thread = this.mesh.homes.place(contract.name, key!)
    if (thread === this.mesh.system.thread) return this.mesh.system.hosts.get(contract.name)!.local(key!)
    const peer = this.mesh.peer(thread)
    if (peer.lost) return thread
    if (ref.bound !== peer) {
      ref.target = peer.bind(contract.type, key!)
      ref.bound = peer
      this.keys.set(keyName(contract, key!), ref)
    }
    ref.peer = peer
    return ref
  }

  /** A key has left the memory of the thread that it is on, which wants its handle back. */
  unbind(peer: Peer.Peer, type: number, handle: number, key: string): void {
    const contract = this.mesh.contracts.known(type)
    if (contract !== undefined) {
      const name = keyName(contract, key)
      const ref = this.keys.get(name)
      if (ref?.bound === peer && ref.target === handle) {
        ref.forget(this.nowhere)
        this.keys.delete(name)
        this.asleep.set(name, ref)
      }
    }
    if (!peer.lost) peer.write(Peer.UNBOUND, 0, handle, 0, 0, undefined, Wire.nothing)
  }

  private mailboxFor({ bounds, name }: RemoteContract, key: string): Mailbox | undefined {
    if (bounds === undefined) return undefined
    // On one thread a slot has one mailbox, wherever the key has lived.
    const local = this.mesh.system.hosts.get(name)?.find(key)
    return local?.mailbox ??
      new Mailbox(bounds, this.mesh.shared(name, key, this.mesh.homes.place(name, key)))
  }

  /** The bounded mailbox of a key that has lived on another thread, as this one knows it. */
  mailboxOf({ host }: RemoteContract, key: string): Mailbox | undefined {
    const name = keyName({ host }, key)
    return (this.keys.get(name) ?? this.asleep.get(name))?.mailbox
  }

  /** A reference to an actor on this peer, by its identity, and the place of its mailbox if that is bounded. */
  spawned(contract: RemoteContract, peer: Peer.Peer, id: ActorId, place?: SharedPlace): RemoteRef {
    if (place === undefined) {
      return new RemoteRef(contract, peer, id.instance, id.version, undefined, undefined, undefined)
    }
    const { generation, place: target } = place
    const name = `${peer.thread}/${target}/${generation}`
    let ref = this.bounded.get(name)
    if (ref === undefined) {
      const mailbox = new Mailbox(
        contract.bounds!,
        this.mesh.mailboxes!.spawned(peer.thread, target, -generation)
      )
      ref = new RemoteRef(contract, peer, target, -generation, undefined, mailbox, id)
      this.bounded.set(name, ref)
    }
    return ref
  }

  /** Keys may live elsewhere now: nothing is sent before it is looked up where. */
  unsettle(): void {
    for (const ref of this.keys.values()) if (ref.bound !== undefined) ref.peer = this.nowhere
  }

  /** The references to keys on a thread. */
  on(peer: Peer.Peer): ReadonlyArray<RemoteRef> {
    return Array.from(this.keys.values()).filter((ref) => (ref.bound ?? ref.peer) === peer)
  }

  /** The handles by which these keys were addressed are good no longer. */
  forget(refs: ReadonlyArray<RemoteRef>): void {
    for (const ref of refs) if (ref.bound !== undefined) ref.forget(this.nowhere)
  }
}

/** What a reference to a key is found by; `thread` where it stays on one. */
const keyName = ({ host }: Pick<RemoteContract, "host">, key: string, thread?: number): string =>
  `${host}/${thread ?? ""}/${key}`
