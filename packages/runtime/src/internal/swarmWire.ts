/** A swarm's contract, compiled: its columns, its messages, and how they cross threads. */
import * as Schema from "effect/Schema"
import * as Codec from "../Codec.ts"
import type { Any } from "../Swarm.ts"
import * as Columns from "./hot/columns.ts"
import * as Rows from "./hot/rows.ts"
import { compile, hasConstructor } from "./protocol.ts"
import * as Plan from "./swarmPlan.ts"
import * as Wire from "./wire.ts"

export interface SwarmWire {
  readonly rows: Columns.Rows
  readonly wire: Wire.Wire
  /** Fills a state's defaults. */
  readonly construct: (state: unknown) => any
  /** A whole state. */
  readonly state: Codec.Codec<unknown>
  /** Equal on two threads, or two runs, when the same rows and messages mean the same there. */
  readonly fingerprint: string
  readonly words: ReadonlyArray<number>
}

const wires = new WeakMap<object, SwarmWire>()

/** Compiles a contract, once. Throws where it is none. */
export const of = (swarm: Any): SwarmWire => {
  let wire = wires.get(swarm)
  if (wire === undefined) {
    if (swarm.name === "") throw new TypeError("a swarm needs a name")
    const { chunkRows = 8192 } = swarm.options
    if (!(chunkRows >= 64 && chunkRows <= 65_536 && Number.isInteger(Math.log2(chunkRows)))) {
      throw new TypeError(
        `${swarm.name}: the rows of a chunk are a power of two from 64 to 65536, not ${chunkRows}`
      )
    }
    const { fields, fingerprint } = Plan.plan(swarm.name, swarm.state)
    const messages = Wire.of({
      name: swarm.name,
      protocol: swarm.protocol,
      args: Schema.Void,
      mailbox: undefined,
      local: false
    })
    const rows = Rows.compile(Columns.shape(fields, chunkRows))
    const whole = JSON.stringify([fingerprint, chunkRows, messages.fingerprint])
    const state: Codec.Codec<any> = Codec.make(swarm.state, { path: `${swarm.name}.state` })
    const construct = hasConstructor(swarm.state.ast)
      ? (value: unknown) => swarm.state.make(value as never, { disableChecks: true })
      : (value: unknown) => value
    wire = { rows, wire: messages, construct, state, fingerprint: whole, words: hash(whole) }
    wires.set(swarm, wire)
  }
  return wire
}

/** A fingerprint's words as text. */
export const textOf = (words: ReadonlyArray<number>): string =>
  words.map((word) => word.toString(16).padStart(8, "0")).join("")

/** 128 bits of a text. */
const hash = (text: string): ReadonlyArray<number> => {
  const words = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35]
  for (let i = 0; i < text.length; i++) {
    const at = i & 3
    words[at] = Math.imul(words[at]! ^ text.charCodeAt(i), 0x01000193)
    words[(at + 1) & 3]! ^= words[at]! >>> 13
  }
  return words.map((word) => word >>> 0)
}

/** The messages of a contract, and where each stands. */
export const protocolOf = (swarm: Any, validate: boolean) => compile(swarm.protocol as never, validate)
