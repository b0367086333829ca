/** What a thread knows of the kinds of actors that live on others. */
import type { Any } from "../Actor.ts"
import type { Bounded } from "../Mailbox.ts"
import { sending } from "./face.ts"
import type { Mesh } from "./mesh.ts"
import * as Peer from "./peer.ts"
import { compile, type Protocol } from "./protocol.ts"
import type { RemoteContract } from "./remoteRef.ts"
import * as Wire from "./wire.ts"

/** By their numbers, which are the same on every thread. */
export class Contracts {
  private readonly mesh: Mesh
  /** The names of those that the workers host; their numbers begin at 1. */
  private readonly hosts: ReadonlyArray<string>
  private readonly made: Array<RemoteContract> = []
  private readonly strangers = new WeakMap<Protocol, Map<string, RemoteContract>>()

  constructor(mesh: Mesh, hosts: ReadonlyArray<string>) {
    this.mesh = mesh
    this.hosts = hosts
  }

  /** What sending to an actor of this contract needs. */
  of(actor: Any): RemoteContract {
    const type = this.mesh.types.number(actor.name)
    const contract = {
      name: actor.name,
      type,
      host: type,
      protocol: compile(actor.protocol as never, this.mesh.system.validate),
      wire: Wire.of(actor),
      bounds: actor.mailbox
    }
    this.made[type] = contract
    return contract
  }

  /** The messages of a kind of actors, as far as it is known here. */
  protocol(type: number): Protocol | undefined {
    return (this.made[type] ?? this.mesh.system.kinds[type])?.protocol
  }

  /** The name of a kind of actors, as far as it is known here. */
  name(type: number): string {
    return this.hosts[type - 1] ?? this.mesh.system.kinds[type]?.name ?? "unknown"
  }

  /** The contract of a kind of actors that the workers host. */
  known(type: number): RemoteContract | undefined {
    const name = this.hosts[type - 1]
    return name === undefined ? undefined : this.made[type] ?? this.mesh.system.hosts.get(name)?.contract
  }

  /** The same by its name. */
  named(name: string): RemoteContract | undefined {
    return this.known(this.hosts.indexOf(name) + 1)
  }

  /** What sending to an actor of another kind needs, through the messages that are to be sent to it. */
  stranger(
    machine: number,
    name: string,
    type: number,
    protocol: Protocol,
    bounds?: Bounded
  ): RemoteContract {
    const key = `${machine} ${name}`
    let known = this.strangers.get(protocol)
    if (known === undefined) {
      known = new Map()
      this.strangers.set(protocol, known)
    }
    const met = known.get(key)
    if (met !== undefined && met.type === type && met.bounds === bounds) return met
    const { messages, offers } = sending(protocol)
    const face = this.faceNumber({ name, offers })
    this.mesh.peer(machine).show(face, { name, offers })
    const contract = { name, type, host: Peer.FACE_BIT | face, protocol, wire: { messages }, bounds }
    known.set(key, contract)
    return contract
  }

  /** The number of a face: the same on every thread. */
  faceNumber({ name, offers }: Wire.Face): number {
    return this.mesh.types.number(`face ${JSON.stringify([name, offers])}`)
  }
}
