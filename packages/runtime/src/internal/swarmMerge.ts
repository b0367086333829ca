/** The end of a turn: what its handlers have brought about happens, chunk after chunk. */
import * as Cause from "effect/Cause"
import { ActorEnded, InvalidMessage, Unhandled } from "../AskError.ts"
import { SwarmError } from "../SwarmError.ts"
import * as Failure from "./failure.ts"
import * as Outputs from "./hot/swarmOutputs.ts"
import type { Debt } from "./life.ts"
import type { Failed, Outcome, SwarmHost } from "./swarmHost.ts"
import { swarmsOf } from "./swarms.ts"

interface Ref {
  tellUnsafe(tag: string, payload?: unknown): boolean
}

/** Applies the outputs in order; the failures among them. */
export const merge = (host: SwarmHost, parts: Outcome["parts"]): ReadonlyArray<Failed> => {
  const failures: Array<Failed> = []
  for (const { from, out, to } of parts) {
    for (let i = from; i < to; i++) {
      const a = out.as[i]!
      const b = out.bs[i]!
      const x = out.xs[i]
      const y = out.ys[i]
      switch (out.kinds[i]) {
        case Outputs.TELL:
          told(host, x as string, a, b, y)
          break
        case Outputs.SEND: {
          const [tag, payload] = y as [string, unknown]
          ;(x as Ref).tellUnsafe(tag, payload)
          break
        }
        case Outputs.SPAWN:
          spawned(host, x as string, y)
          break
        case Outputs.ALL: {
          const other = swarmsOf(host.system).get(x as string)
          if (other !== undefined && b !== 0xffff) other.sweep(b, y)
          break
        }
        case Outputs.END:
          host.remove(a, host.store.slots.version(a))
          break
        case Outputs.SUCCESS:
          ;(x as Debt).succeed(y)
          break
        case Outputs.FAILURE: {
          const tag = host.protocol.messages[b]!.tag
          if (x !== undefined) (x as Debt).fail(y)
          else host.system.deadLetter("UnheardError", { name: host.name, key: undefined }, tag, y)
          break
        }
        case Outputs.CRASH: {
          const cause = Cause.die(y)
          const { tag } = host.protocol.messages[b]!
          failures.push({ id: host.id(a, host.store.slots.version(a)), tag, cause })
          ;(x as Debt | undefined)?.abandon(new ActorEnded({ failure: Failure.of(y) }))
          break
        }
        case Outputs.EFFECT:
          host.flights.start(a, b, x as Debt | undefined, y)
          break
        case Outputs.UNHANDLED: {
          const { tag } = host.protocol.messages[b]!
          host.system.deadLetter("Unhandled", { name: host.name, key: undefined }, tag, y)
          ;(x as Debt | undefined)?.abandon(new Unhandled({}))
          break
        }
        case Outputs.DEAD:
          host.bury(b, y, x as Debt | undefined)
          break
        case Outputs.AGAIN:
          host.flights.park(a, { slot: a, head: b, payload: y, replier: x as Debt | undefined })
          break
        case Outputs.MISFIT:
          ;(x as Debt | undefined)?.abandon(new InvalidMessage({ issue: y as string }))
          break
        case Outputs.OWE:
          host.owe(a, x as Debt)
      }
    }
  }
  return failures
}

const told = (host: SwarmHost, name: string, slot: number, head: number, payload: unknown): void => {
  const to = name === host.name ? host : swarmsOf(host.system).get(name)
  const message = head & 0xffff
  if (to === undefined || message === 0xffff) {
    host.system.deadLetter("UnknownMessage", { name, key: undefined }, "unknown", payload)
    return
  }
  // An identity that is stale is found out when its turn comes.
  to.accept(slot, head >>> 16, message, payload, undefined)
}

const spawned = (host: SwarmHost, name: string, state: unknown): void => {
  const to = name === host.name ? host : swarmsOf(host.system).get(name)
  if (to === undefined) {
    host.system.log(`${host.name} spawned an instance of ${name}, which is not hosted`)
    return
  }
  // The turn of another one may be open, and this one's is being closed.
  if (to !== host) return to.bear(host.name, state)
  try {
    host.spawn(state)
  } catch (error) {
    if (!(error instanceof SwarmError) || error.reason === "Memory") throw error
    host.system.log(`${host.name} could not spawn: ${error.message}`)
  }
}
