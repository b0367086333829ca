/** From an address, or a text, to a reference that works on this thread. */
import * as ActorId from "../ActorId.ts"
import type { Address } from "./address.ts"
import { DeadRef } from "./deadRef.ts"
import { understands } from "./face.ts"
import { fail } from "./hot/bytes.ts"
import type { Mesh } from "./mesh.ts"
import { compile, type Group, type Protocol } from "./protocol.ts"
import type { Ref } from "./ref.ts"
import type { RemoteContract } from "./remoteRef.ts"
import { swarmsOf } from "./swarms.ts"
import type { System } from "./system.ts"

/** What a schema of references wants: messages, and a kind of actors unless any will do. */
export interface Wanted {
  readonly name: string | undefined
  readonly group: Group
}

/** The reference that an address means here. Throws a `CodecError` for one that cannot be. */
export const resolve = (system: System, address: Address, wanted: Wanted): Ref => {
  if (address._tag === "Text") return parse(system, address.text, wanted)
  const mesh = system.mesh ?? fail("an address of another thread, and there is none")
  const protocol = compile(wanted.group, system.validate)
  switch (address._tag) {
    case "Spawned": {
      const contract = known(mesh, address.id.type, wanted)
      return spawned(system, address.id, contract.name, protocol, wanted, () => contract)
    }
    case "Other": {
      const { id, mailbox, name } = address
      const bounds = mailbox && { capacity: mailbox.capacity, overflow: mailbox.overflow }
      return spawned(
        system,
        id,
        name,
        protocol,
        wanted,
        (machine) =>
          bounds === undefined || mesh.contracts.known(id.type)?.bounds === undefined
            ? mesh.contracts.stranger(machine, name, id.type, protocol, bounds)
            : known(mesh, id.type, wanted),
        mailbox
      )
    }
    case "Keyed": {
      const { name } = known(mesh, address.type, wanted)
      return keyed(system, name, address.key, wanted)
    }
    case "OtherKey": {
      const { key, machine, name, type } = address
      if (machine === system.thread) return keyed(system, name, key, wanted)
      if (wanted.name !== undefined && wanted.name !== name) return unfit(name, wanted)
      if (mesh.find(machine) === undefined) return fail(`there is no thread ${machine}`)
      return mesh.refs.keyed(mesh.contracts.stranger(machine, name, type, protocol), key, machine)
    }
  }
}

const spawned = (
  system: System,
  id: ActorId.ActorId,
  name: string,
  protocol: Protocol,
  wanted: Wanted,
  contract: (machine: number) => RemoteContract,
  place?: { readonly place: number; readonly generation: number }
): Ref => {
  if (wanted.name !== undefined && wanted.name !== name) return unfit(name, wanted)
  const { mesh } = system
  const kind = mesh?.contracts.known(id.type)
  if (kind !== undefined && kind.name !== name) return unfit(kind.name, wanted)
  if (id.machine !== system.thread) {
    const peer = mesh?.find(id.machine)
    return peer === undefined
      ? new DeadRef(system, name, protocol, id, system.token)
      : mesh!.refs.spawned(contract(id.machine), peer, id, place)
  }
  const swarm = swarmsOf(system).get(name)
  if (swarm !== undefined) return fit(swarm.ref(id.instance, id.version), wanted)
  const living = system.directory.get(id.instance, id.version) as Ref | undefined
  if (living === undefined) return new DeadRef(system, name, protocol, id, system.token)
  if (living.name !== name) return unfit(living.name, wanted)
  return fit(living, wanted)
}

/** The reference to what has an identity, where nothing else of it is known. */
export const identified = (system: System, id: ActorId.ActorId, wanted: Wanted): Ref => {
  const { mesh } = system
  const protocol = compile(wanted.group, system.validate)
  const name = wanted.name ?? system.kinds[id.type]?.name ?? mesh?.contracts.name(id.type) ?? "unknown"
  if (id.machine === system.thread) {
    const living = system.directory.get(id.instance, id.version) as Ref | undefined
    return living === undefined ? new DeadRef(system, name, protocol, id, system.token) : fit(living, wanted)
  }
  return spawned(
    system,
    id,
    name,
    protocol,
    wanted,
    (machine) => byIdentity(mesh!, machine, id, name, wanted)
  )
}

/** What it takes to send to an actor of which nothing but its identity is known. */
const byIdentity = (
  mesh: Mesh,
  machine: number,
  { type }: ActorId.ActorId,
  name: string,
  wanted: Wanted
): RemoteContract => {
  const contract = mesh.contracts.known(type)
  return contract !== undefined && contract.bounds === undefined
    ? known(mesh, type, wanted)
    : mesh.contracts.stranger(machine, name, type, compile(wanted.group, mesh.system.validate))
}

const keyed = (system: System, name: string, key: string, wanted: Wanted): Ref => {
  const host = system.hosts.get(name)
  if (host !== undefined) return fit(host.keyed(key) as unknown as Ref, wanted)
  const contract = system.mesh?.contracts.named(name) ?? fail(`nobody hosts ${name}`)
  return fit(system.mesh!.refs.keyed(contract, key), wanted)
}

const known = (mesh: Mesh, type: number, wanted: Wanted): RemoteContract => {
  const contract = mesh.contracts.known(type) ?? fail(`there are no actors of the kind ${type}`)
  const fits = wanted.name === undefined || wanted.name === contract.name
  return fits && understands(contract.protocol, compile(wanted.group, mesh.system.validate))
    ? contract
    : unfit(contract.name, wanted)
}

/** Whether a reference is what is wanted. */
export const fits = (ref: Ref, { group, name }: Wanted): boolean =>
  (name === undefined || name === ref.name) && understands(ref.protocol, compile(group, ref.system.validate))

const fit = (ref: Ref, wanted: Wanted): Ref => fits(ref, wanted) ? ref : unfit(ref.name, wanted)

const unfit = (name: string, wanted: Wanted): never =>
  fail(`${name} is no ${wanted.name ?? "actor with these messages"}`)

const pattern = /^([^/:]+)(?:\/(.*)|:([^:]*):([^:]*))$/s

/** The reference that `format` wrote. */
export const parse = (system: System, text: string, wanted: Wanted): Ref => {
  const [, encoded, key, identity, token] = pattern.exec(text) ?? fail("no reference to an actor")
  const name = decodeName(encoded!)
  if (wanted.name !== undefined && wanted.name !== name) return unfit(name, wanted)
  if (key !== undefined) return keyed(system, name, key, wanted)
  const id = decodeId(identity!)
  const protocol = compile(wanted.group, system.validate)
  // Of another run: whoever has this identity now is a stranger.
  if (token !== system.token) return new DeadRef(system, name, protocol, id, token!)
  return spawned(
    system,
    id,
    name,
    protocol,
    wanted,
    (machine) => byIdentity(system.mesh!, machine, id, name, wanted)
  )
}

const decodeName = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return fail("no reference to an actor")
  }
}

const decodeId = (text: string): ActorId.ActorId => {
  try {
    return ActorId.parseUnsafe(text)
  } catch {
    return fail("no reference to an actor")
  }
}
