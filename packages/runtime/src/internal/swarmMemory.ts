/** The memory of a swarm: its regions, by what they are for. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Scope from "effect/Scope"
import type * as Memory from "../Memory.ts"
import { SwarmError } from "../SwarmError.ts"
import type { Grow, Use } from "./hot/swarmStore.ts"

/** A region and its use, as it goes to another thread. */
export interface Part {
  readonly use: Use
  readonly descriptor: Memory.Descriptor
}

/** The name of a region: stable, so that memory with names finds it again. */
export const nameOf = (swarm: string, use: Use): string => {
  switch (use.kind) {
    case "header":
      return `${swarm}/header`
    case "heap":
      return `${swarm}/heap-${use.index}-${use.extent}`
    default:
      return `${swarm}/${use.kind}-${use.index}`
  }
}

/**
 * Allocates regions for as long as the scope lives, synchronously: a turn cannot wait in the middle. `parts` are those
 * that there are.
 */
export const grower = (
  swarm: string,
  memory: Memory.Service,
  scope: Scope.Scope,
  keep: boolean
): {
  readonly grow: Grow
  readonly parts: ReadonlyArray<Part>
  readonly regions: ReadonlyArray<Memory.Region>
} => {
  const parts: Array<Part> = []
  const regions: Array<Memory.Region> = []
  const context = Context.make(Scope.Scope, scope)
  const grow: Grow = (use, byteLength) => {
    const exit = Effect.runSyncExitWith(context)(
      memory.allocate({ name: nameOf(swarm, use), byteLength, keep })
    )
    if (Exit.isFailure(exit)) {
      const problem = Cause.squash(exit.cause)
      throw new SwarmError({
        swarm,
        reason: "Memory",
        problem: problem instanceof Error ? problem.message : String(problem)
      })
    }
    regions.push(exit.value)
    parts.push({ use, descriptor: exit.value.descriptor })
    return exit.value
  }
  return { grow, parts, regions }
}
