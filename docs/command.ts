/** Runs a command to its end. */
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"

export interface Ended {
  readonly code: number | string
  readonly stdout: string
  /** Both streams, for the message when it fails. */
  readonly said: string
}

/** Runs a program in a directory; interrupting it kills it. */
export const command = (
  directory: string,
  program: string,
  args: ReadonlyArray<string>
): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child = execFile(program, args, { cwd: directory, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      resume(Effect.succeed({ code: error?.code ?? child.signalCode ?? 0, stdout, said: stdout + stderr }))
    })
    return Effect.sync(() => child.kill())
  })
