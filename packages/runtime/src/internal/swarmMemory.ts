/** The memory of a swarm: its regions, by what they are for. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Scope from "effect/Scope"
import type * as Memory from "../Memory.ts"
import { SwarmError } from "../SwarmError.ts"
import type { Grow, SwarmStore, Use } from "./hot/swarmStore.ts"

/** A region and its use, as it goes to another thread. */
export interface Part {
  readonly use: Use
  readonly descriptor: Memory.Descriptor
}

const partOf = (use: Use): string => {
  switch (use.kind) {
    case "header":
      return use.kind
    case "heap":
      return `heap-${use.index}-${use.extent}`
    default:
      return `${use.kind}-${use.index}`
  }
}

/**
 * The name of a part's region: stable, so that memory with names finds it again. All but the header have another one in
 * each edition, so that those of two can be there at once.
 */
export const nameOf = (swarm: string, part: string, edition: number): string =>
  edition === 0 || part === "header" ? `${swarm}/${part}` : `${swarm}/${part}@${edition}`

const PART = /^(header|slots-\d+|chunk-\d+|heap-\d+-\d+)(?:@(\d+))?$/

/** The part and the edition of a region; undefined for what is none of this swarm. */
export const parse = (
  swarm: string,
  name: string
): { readonly part: string; readonly edition: number } | undefined => {
  if (!name.startsWith(`${swarm}/`)) return undefined
  const found = PART.exec(name.slice(swarm.length + 1))
  return found === null ? undefined : { part: found[1]!, edition: Number(found[2] ?? 0) }
}

/** What a region is asked for that must be there: it keeps its length, and is not filled up where it was cut. */
const LEAST_BYTES = 8

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
  /** Takes over what was kept: all of it must be there. */
  readonly reopen: (store: SwarmStore, type: number) => void
  readonly parts: ReadonlyArray<Part>
  readonly regions: ReadonlyArray<Memory.Region>
} => {
  const parts: Array<Part> = []
  const regions: Array<Memory.Region> = []
  const context = Context.make(Scope.Scope, scope)
  let edition = 0
  let reopening = false
  const grow: Grow = (use, byteLength) => {
    const name = nameOf(swarm, partOf(use), edition)
    const exit = Effect.runSyncExitWith(context)(
      memory.allocate({ name, byteLength: reopening ? LEAST_BYTES : byteLength, keep })
    )
    if (Exit.isFailure(exit)) {
      const problem = Cause.squash(exit.cause)
      throw new SwarmError({
        swarm,
        reason: "Memory",
        problem: problem instanceof Error ? problem.message : String(problem)
      })
    }
    if (reopening && !(exit.value.kept && exit.value.byteLength >= byteLength)) {
      throw new SwarmError({ swarm, reason: "Damaged", problem: `${name} is missing, or was cut` })
    }
    regions.push(exit.value)
    parts.push({ use, descriptor: exit.value.descriptor })
    return exit.value
  }
  const reopen = (store: SwarmStore, type: number): void => {
    edition = store.edition
    reopening = true
    store.reopen(type)
    reopening = false
  }
  return { grow, reopen, parts, regions }
}
