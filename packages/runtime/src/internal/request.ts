/** What the runtime itself asks of another thread. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Replier } from "./hot/cell.ts"
import type { Peer } from "./peer.ts"

/** A request of the runtime to another thread, as an Effect of its answer. */
export const request = <A>(peer: Peer, send: (replier: Replier) => unknown): Effect.Effect<A, unknown> =>
  Effect.callback<A, unknown>((resume) => {
    if (peer.lost) return resume(Effect.fail(new Error(`worker thread ${peer.thread} ended`)))
    try {
      send({
        succeed: (value) => resume(Exit.succeed(value as A)),
        fail: (error) => resume(Exit.fail(error)),
        abandon: (reason) => resume(Exit.fail(reason))
      })
    } catch (error) {
      resume(Exit.fail(error))
    }
  })
