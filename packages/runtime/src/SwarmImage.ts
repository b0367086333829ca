/**
 * A swarm's memory as bytes: what those need to know who copy it while the swarm stands still, and bring it back.
 *
 * **Details**
 *
 * A swarm has a region `Car/header`, and others whose names are those of their parts: `Car/chunk-3`, `Car/slots-0`,
 * `Car/heap-3-0`. The header names the *edition*, which is in the names of the others (`Car/chunk-3@2`). So a copy is
 * brought back beside what there is, under the names of another edition, and a new header in the old one's place makes
 * it the swarm: all of it, or nothing.
 *
 * @since 0.1.0
 */
import { headerOf, withEdition } from "./internal/hot/swarmStore.ts"
import * as Names from "./internal/swarmMemory.ts"
import * as Wire from "./internal/swarmWire.ts"
import type { Region } from "./Memory.ts"
import type { Any } from "./Swarm.ts"

/**
 * The memory of a swarm that stands still; good only as long as it does.
 *
 * @category models
 * @since 0.1.0
 */
export interface Image {
  /** That of its contract. */
  readonly fingerprint: string
  /** The last turn. */
  readonly turn: number
  /** Instances alive. */
  readonly count: number
  readonly edition: number
  /** Whether the swarm asks for memory that is kept. */
  readonly kept: boolean
  /** All of its memory. */
  readonly regions: ReadonlyArray<Region>
}

/**
 * What a swarm's header says.
 *
 * @category models
 * @since 0.1.0
 */
export interface Header {
  /** That of the contract whose memory it is. */
  readonly fingerprint: string
  /** The last turn that was committed. */
  readonly turn: number
  /** Instances alive. */
  readonly count: number
  /** Whether it was left within a turn, or within a change between turns. */
  readonly isOpen: boolean
  readonly edition: number
}

/**
 * A text that is equal for contracts whose memory means the same: state, messages and rows of a chunk.
 *
 * @category getters
 * @since 0.1.0
 */
export const fingerprint = (swarm: Any): string => Wire.textOf(Wire.of(swarm).words)

/**
 * Reads a header; undefined where these bytes are none.
 *
 * @category getters
 * @since 0.1.0
 */
export const header = (bytes: Uint8Array): Header | undefined => {
  const found = headerOf(bytes)
  return found && {
    fingerprint: Wire.textOf(found.fingerprint),
    turn: found.turn,
    count: found.count,
    isOpen: found.open !== 0 || found.torn,
    edition: found.edition
  }
}

/**
 * A copy of a header, for regions of another edition.
 *
 * @category combinators
 * @since 0.1.0
 */
export const relabel = (header: Uint8Array, edition: number): Uint8Array => withEdition(header, edition)

/**
 * The name of a part's region in an edition. The header's is the same in all of them.
 *
 * @category names
 * @since 0.1.0
 */
export const nameOf = (swarm: string, part: string, edition: number): string =>
  Names.nameOf(swarm, part, edition)

/**
 * The part and the edition that a region's name stands for; undefined for what is no region of this swarm.
 *
 * @category names
 * @since 0.1.0
 */
export const parse = (
  swarm: string,
  name: string
): { readonly part: string; readonly edition: number } | undefined => Names.parse(swarm, name)
