/** An actor's state, for those who look at it. */
import * as Exit from "effect/Exit"
import type { State } from "../Inspect.ts"
import * as Failure from "./failure.ts"
import { ENDING } from "./hot/cell.ts"
import * as Json from "./json.ts"
import type { LocalHost } from "./localHost.ts"
import type { LocalRef } from "./localRef.ts"

/** Characters of a state's JSON that are shown. */
const LONGEST_STATE = 1 << 20

/** What writes the states of a definition's actors, made when the first of them is looked at. */
const encoders = new WeakMap<LocalHost, Json.Encode>()

export const stateOf = ({ handlers, host, state, status }: LocalRef): State => {
  if (handlers === undefined || status >= ENDING) return { _tag: "None" }
  const schema = host.behaviour.state
  if ("~@troupe/runtime/Opaque" in schema) return { _tag: "Opaque" }
  let encode = encoders.get(host)
  if (encode === undefined) encoders.set(host, encode = Json.encoder(schema))
  const exit = encode(state, host.context)
  if (Exit.isFailure(exit)) return { _tag: "Unreadable", problem: Failure.ofCause(exit.cause) }
  const length = JSON.stringify(exit.value).length
  if (length <= LONGEST_STATE) return { _tag: "Json", value: exit.value }
  return { _tag: "Unreadable", problem: `it takes ${length} characters` }
}
