/** The swarms of a system that this thread owns, by name. */
import type { SwarmHost } from "./swarmHost.ts"
import type { System } from "./system.ts"

const all = new WeakMap<System, Map<string, SwarmHost>>()

/** A system without swarms pays nothing for them. */
export const swarmsOf = (system: System): Map<string, SwarmHost> => {
  let swarms = all.get(system)
  if (swarms === undefined) {
    swarms = new Map()
    all.set(system, swarms)
  }
  return swarms
}
