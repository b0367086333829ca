/** What a worker waits for before its thread ends for good: that nothing waits for what others have spawned on it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Mesh } from "./mesh.ts"

/** How often one looks: nobody tells of it. */
const LOOK = Duration.millis(2)

/** Waits until nothing waits for the actors that other threads have spawned here, nor for answers; so long at most. */
export const quiet = (mesh: Mesh, millis: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const isQuiet = mesh.localHosts.every((host) => host.quiet) && mesh.others.every(({ open }) => open === 0)
    return isQuiet ? Effect.succeed(true) : Effect.as(Effect.sleep(LOOK), false)
  }).pipe(
    Effect.repeat({ until: (isQuiet) => isQuiet }),
    Effect.timeoutOption(Duration.millis(millis)),
    Effect.asVoid
  )
