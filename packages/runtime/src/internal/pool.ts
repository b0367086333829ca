/** Brings up a pool of workers: starts them, gives each the shared memory, and has it prove what it hosts. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Worker from "effect/workers/Worker"
import type { WorkerError } from "effect/workers/WorkerError"
import type { Any } from "../Actor.ts"
import { ContractMismatch, NotHosted, PoolError, WorkerNotReady } from "../PoolError.ts"
import * as Bells from "./bells.ts"
import * as Failure from "./failure.ts"
import type { Answer, Welcome } from "./handshake.ts"
import { type Fabric, fabric as makeFabric, Mesh } from "./mesh.ts"
import { fabric as mailboxFabric } from "./sharedMailboxes.ts"
import type { System } from "./system.ts"
import * as Wire from "./wire.ts"

export interface Options {
  readonly workers: number
  readonly hosts: ReadonlyArray<Any>
  readonly linkBytes: number
  readonly mailboxes: number
  readonly spinMillis: number
  readonly startTimeout: Duration.Duration
  readonly stderr: (worker: number) => string
  readonly terminate: (worker: number) => void
}

/** Starts the workers in this scope; it fails with the first that does not come up. */
export const make = Effect.fnUntraced(function*(system: System, options: Options) {
  const fabric = makeFabric({
    threads: options.workers + 1,
    capacity: options.linkBytes,
    hosts: options.hosts.map(({ name }) => name),
    mailboxes: options.hosts.some(({ mailbox }) => mailbox !== undefined)
      ? mailboxFabric(options.mailboxes, options.workers + 1)
      : undefined,
    spinMillis: options.spinMillis
  })
  const ports = Bells.make(fabric.threads)
  const mesh = new Mesh(system, fabric, ports[0]!)
  system.join(mesh)
  mesh.open()
  yield* Effect.addFinalizer(() => Effect.sync(() => mesh.close()))
  const numbers = Array.from({ length: options.workers }, (_, i) => i + 1)
  yield* Effect.forEach(numbers, (thread) => start(system, mesh, fabric, ports[thread]!, options, thread), {
    concurrency: "unbounded",
    discard: true
  })
  return mesh
})

const start = Effect.fnUntraced(function*(
  system: System,
  mesh: Mesh,
  fabric: Fabric,
  ports: Bells.Ports,
  options: Options,
  thread: number
) {
  const platform = yield* Worker.WorkerPlatform
  const notReady = (problem: string): WorkerNotReady =>
    new WorkerNotReady({ problem, stderr: options.stderr(thread) })
  const failed = (reason: PoolError["reason"]): PoolError => new PoolError({ worker: thread, reason })
  const worker = yield* Effect.mapError(
    platform.spawn<Answer, Welcome>(thread),
    (error) => failed(notReady(error.message))
  )
  const answer = yield* Deferred.make<Answer, WorkerNotReady>()
  const running = worker.run((message) => Deferred.succeed(answer, message)).pipe(
    Effect.onExit((exit) => {
      const problem = Exit.isFailure(exit) ? problemOf(exit.cause) : undefined
      // The scope closes: the worker is not lost, it is done.
      if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return Effect.void
      return Effect.gen(function*() {
        if (!(yield* Deferred.isDone(answer))) {
          // What it wrote before it ended may still be on its way.
          yield* Effect.sleep(Duration.millis(50))
          yield* Deferred.fail(answer, notReady(problem ?? "the worker ended"))
          return
        }
        yield* Effect.logError(`worker thread ${thread} ended: ${problem ?? "it stopped"}`)
        mesh.lose(thread)
      })
    }),
    Effect.ignore
  )
  yield* Effect.forkScoped(running)
  const welcome: Welcome = { thread, fabric, ports, validate: system.validate }
  const handshake = Effect.andThen(
    Effect.mapError(
      worker.send(welcome, ports.filter((port) => port !== undefined)),
      (error) => notReady(error.message)
    ),
    Deferred.await(answer)
  ).pipe(
    Effect.timeoutOrElse({
      duration: options.startTimeout,
      orElse: () =>
        Effect.suspend(() => notReady(`not ready within ${Duration.format(options.startTimeout)}`))
    }),
    Effect.flatMap((said) =>
      said._tag === "Failed" ? Effect.fail(notReady(said.problem)) : Effect.succeed(said.hosted)
    ),
    // It has nothing to end yet, and may never hear that it is to.
    Effect.onError(() => Effect.sync(() => options.terminate(thread)))
  )
  const hosted = yield* Effect.mapError(handshake, failed)
  for (const actor of options.hosts) {
    const hosting = hosted.find(({ name }) => name === actor.name)
    if (hosting === undefined) {
      return yield* failed(new NotHosted({ actor: actor.name, hosted: hosted.map(({ name }) => name) }))
    }
    if (hosting.fingerprint !== Wire.of(actor).fingerprint) {
      return yield* failed(new ContractMismatch({ actor: actor.name }))
    }
  }
})

/** What a worker failed with: what it did not catch, where that is known. */
const problemOf = (cause: Cause.Cause<WorkerError>): string => {
  const error = Cause.findError(cause)
  if (error._tag === "Failure") return Failure.ofCause(cause)
  const { reason } = error.success
  return "cause" in reason && reason.cause !== undefined ? Failure.of(reason.cause) : reason.message
}
