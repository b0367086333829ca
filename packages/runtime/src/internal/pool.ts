/**
 * A pool of workers: starts them, gives each the shared memory, has it prove what it hosts, and starts it again when
 * its thread has ended.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Worker from "effect/workers/Worker"
import type { WorkerError } from "effect/workers/WorkerError"
import type { Any } from "../Actor.ts"
import { ContractMismatch, LocalContract, NotHosted, PoolError, WorkerNotReady } from "../PoolError.ts"
import * as Bells from "./bells.ts"
import * as Fabric from "./fabric.ts"
import * as Failure from "./failure.ts"
import type { Answer, Chunk, Hosting, Successor, Welcome } from "./handshake.ts"
import { Mesh } from "./mesh.ts"
import * as Metrics from "./metrics.ts"
import { fabric as mailboxFabric } from "./sharedMailboxes.ts"
import type { Crew } from "./swarmCrew.ts"
import type { System } from "./system.ts"
import * as Wire from "./wire.ts"

export interface Options {
  readonly workers: number
  readonly hosts: ReadonlyArray<Any>
  readonly linkBytes: number
  readonly mailboxes: number
  readonly spinMillis: number
  readonly startTimeout: Duration.Duration
  readonly restarts: { readonly times: number; readonly withinMillis: number }
  readonly cores: ((worker: number) => ReadonlyArray<number> | undefined) | undefined
  readonly stderr: (worker: number) => string
  readonly terminate: (worker: number) => void
  /** The swarms whose handlers the workers run. */
  readonly crew: Crew | undefined
}

type Handle = Worker.Worker<Answer, Welcome | Successor>

interface Pool {
  readonly system: System
  readonly mesh: Mesh
  readonly fabric: Fabric.Fabric
  readonly options: Options
  /** The workers by their numbers. */
  readonly handles: Map<number, Handle>
  /** What survives each worker besides the fabric, by its number. */
  readonly parked: ReadonlyArray<Map<number, SharedArrayBuffer>>
}

/** Starts the workers in this scope; it fails with the first that does not come up. */
export const make = Effect.fnUntraced(function*(system: System, options: Options) {
  const local = options.hosts.find((actor) => actor.local)
  if (local !== undefined) {
    return yield* new PoolError({ worker: 0, reason: new LocalContract({ actor: local.name }) })
  }
  const fabric = Fabric.make({
    threads: options.workers + 1,
    capacity: options.linkBytes,
    hosts: options.hosts.map(({ name }) => name),
    token: system.token,
    mailboxes: options.hosts.some(({ mailbox }) => mailbox !== undefined)
      ? mailboxFabric(options.mailboxes, options.workers + 1)
      : undefined,
    metrics: system.observer?.metrics && Metrics.memory(options.workers + 1, options.hosts.length),
    spinMillis: options.spinMillis
  })
  const ports = Bells.make(fabric.threads)
  const mesh = new Mesh(system, fabric, ports[0]!)
  system.join(mesh)
  mesh.open()
  yield* Effect.addFinalizer(() => Effect.sync(() => mesh.close()))
  const parked = Array.from({ length: fabric.threads }, () => new Map<number, SharedArrayBuffer>())
  const pool: Pool = { system, mesh, fabric, options, parked, handles: new Map() }
  const numbers = Array.from({ length: options.workers }, (_, i) => i + 1)
  yield* Effect.forEach(
    numbers,
    (thread) =>
      Effect.flatMap(
        start(pool, thread, 0, () => ports[thread]!),
        (ended) => Effect.forkScoped(keep(pool, thread, ended))
      ),
    { concurrency: "unbounded", discard: true }
  )
  return mesh
})

/**
 * Starts a worker again whenever it has ended, unless it has ended too often: more than `times` within a period. Each
 * try counts, one that does not come up too.
 */
const keep = Effect.fnUntraced(function*(pool: Pool, thread: number, first: Effect.Effect<string>) {
  const { mesh, options: { restarts } } = pool
  let ended = first
  let stamps: ReadonlyArray<number> = []
  for (let incarnation = 1;; incarnation++) {
    const problem = yield* ended
    pool.options.crew?.left(thread)
    const now = yield* Clock.currentTimeMillis
    stamps = [...stamps.filter((stamp) => now - stamp <= restarts.withinMillis), now]
    if (stamps.length > restarts.times) {
      mesh.lose(thread, memories(pool, thread))
      const often = `${stamps.length} times in ${restarts.withinMillis} ms`
      yield* Effect.logError(
        `worker thread ${thread} ended: ${problem}. It has ended ${often}, and is given up: its keys are lost`
      )
      return
    }
    mesh.down(thread)
    yield* Effect.logError(`worker thread ${thread} ended, and is started again: ${problem}`)
    const exit = yield* Effect.exit(start(pool, thread, incarnation, () => succeed(pool, thread)))
    ended = Exit.isSuccess(exit)
      ? exit.value
      : Effect.succeed(Cause.prettyErrors(exit.cause)[0]?.message ?? "it did not start")
  }
})

const memories = ({ parked }: Pool, thread: number) =>
  Array.from(parked[thread]!, ([id, memory]) => ({ id, memory }))

/** Channels for a worker that is started again: its own ends. The others are given theirs. */
const succeed = ({ fabric, handles, mesh }: Pool, thread: number): Bells.Ports => {
  const { own, theirs } = Bells.successor(fabric.threads, thread)
  theirs.forEach((port, other) => {
    if (port === undefined) return
    if (other === 0) return mesh.revive(thread, port)
    const handle = handles.get(other)
    // One that is down as well meets this one when it is started again.
    if (handle !== undefined) {
      Effect.runFork(Effect.ignore(handle.send({ _tag: "Successor", thread, port }, [port])))
    }
  })
  return own
}

/** Starts a worker in this scope; an Effect that waits for its thread's end, and says why it ended. */
const start = Effect.fnUntraced(function*(
  pool: Pool,
  thread: number,
  incarnation: number,
  connect: () => Bells.Ports
) {
  const { fabric, handles, mesh, options, parked, system } = pool
  const platform = yield* Worker.WorkerPlatform
  const notReady = (problem: string): WorkerNotReady =>
    new WorkerNotReady({ problem, stderr: options.stderr(thread) })
  const failed = (reason: PoolError["reason"]): PoolError => new PoolError({ worker: thread, reason })
  const worker: Handle = yield* Effect.mapError(
    platform.spawn<Answer, Welcome | Successor>(thread),
    (error) => failed(notReady(error.message))
  )
  const scope = yield* Scope.fork(yield* Effect.scope)
  const answer = yield* Deferred.make<Answer, WorkerNotReady>()
  const ended = yield* Deferred.make<string>()
  const { heard, port } = registry(parked[thread]!)
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
        }
        // The same for what it registered.
        yield* Effect.timeoutOption(heard, Duration.millis(200))
        yield* Deferred.succeed(ended, problem ?? "it stopped")
      })
    }),
    Effect.ignore
  )
  yield* Effect.forkIn(running, scope)
  const send = Effect.suspend(() => {
    const ports = connect()
    handles.set(thread, worker)
    const swarms = options.crew?.connect(thread)
    const welcome: Welcome = {
      _tag: "Welcome",
      thread,
      fabric,
      ports,
      validate: system.validate,
      observing: system.observer?.observing,
      inheritance: { incarnation, parked: memories(pool, thread), again: mesh.overseen(thread) },
      registry: port,
      swarms,
      cores: options.cores?.(thread)
    }
    return worker.send(welcome, [port, ...[swarms, ...ports].filter((port) => port !== undefined)])
  })
  const handshake = Effect.andThen(
    Effect.mapError(send, (error) => notReady(error.message)),
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
    Effect.mapError(failed)
  )
  yield* Effect.flatMap(handshake, (hosted) => prove(wanted(options), hosted, failed)).pipe(
    // A thread that is not ready must have ended before another one takes its place.
    Effect.onError((cause) =>
      Effect.suspend(() => {
        // It has nothing to end yet, and may never hear that it is to.
        options.terminate(thread)
        return Scope.close(scope, Exit.failCause(cause))
      })
    )
  )
  options.crew?.joined(thread)
  return Deferred.await(ended)
})

/** What a worker failed with: what it did not catch, where that is known. */
const problemOf = (cause: Cause.Cause<WorkerError>): string => {
  const error = Cause.findError(cause)
  if (error._tag === "Failure") return Failure.ofCause(cause)
  const { reason } = error.success
  return "cause" in reason && reason.cause !== undefined ? Failure.of(reason.cause) : reason.message
}

/** What each worker is to host. */
const wanted = ({ crew, hosts }: Options): ReadonlyArray<Hosting> => [
  ...hosts.map((actor) => ({ name: actor.name, fingerprint: Wire.of(actor).fingerprint })),
  ...crew?.hosted ?? []
]

/** Fails unless the worker hosts what it is to host, with the same schemas. */
const prove = (
  hosts: ReadonlyArray<Hosting>,
  hosted: ReadonlyArray<Hosting>,
  failed: (reason: PoolError["reason"]) => PoolError
): Effect.Effect<void, PoolError> => {
  for (const actor of hosts) {
    const hosting = hosted.find(({ name }) => name === actor.name)
    if (hosting === undefined) {
      return failed(new NotHosted({ actor: actor.name, hosted: hosted.map(({ name }) => name) }))
    }
    if (hosting.fingerprint !== actor.fingerprint) {
      return failed(new ContractMismatch({ actor: actor.name }))
    }
  }
  return Effect.void
}

/** Keeps what a worker registers; `port` is for the worker, `heard` waits for all that it said before it ended. */
const registry = (
  chunks: Map<number, SharedArrayBuffer>
): { readonly port: Bells.Port; readonly heard: Effect.Effect<void> } => {
  const { port1, port2 } = new MessageChannel()
  const own: Bells.Port = port1
  const heard = Deferred.makeUnsafe<void>()
  own.addEventListener("message", ({ data }) => {
    const { id, memory } = data as Chunk
    if (memory === undefined) chunks.delete(id)
    else chunks.set(id, memory)
  })
  own.addEventListener("close", () => Deferred.doneUnsafe(heard, Exit.void))
  own.start()
  own.unref?.()
  return { port: port2, heard: Deferred.await(heard) }
}
