/** The service key under which a system offers an actor. */
import * as Context from "effect/Context"
import type { Hosted } from "../Actor.ts"
import type { Host } from "./host.ts"

export const hostedKey = <Name extends string>(name: Name): Context.Service<Hosted<Name>, Host> =>
  Context.Service<Hosted<Name>, Host>(`@troupe/runtime/Hosted/${name}`)
