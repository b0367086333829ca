/**
 * A pool of workers: starts them, gives each the shared memory, has it prove what it hosts, starts it again when its
 * thread has ended, and has more of them, or fewer, when it is told.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Worker from "effect/workers/Worker"
import type { WorkerError } from "effect/workers/WorkerError"
import type { Any } from "../Actor.ts"
import { ContractMismatch, LocalContract, NotHosted, PoolError, WorkerNotReady } from "../PoolError.ts"
import { NoSuchWorker, OutOfRange, ResizeError, type ResizeOptions, type WorkerPool } from "../WorkerPool.ts"
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
  /** The most that there can be. */
  readonly maxWorkers: number
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

/**
 * How long one waits for the last that an ended thread said of what is to survive it. It is there as soon as the thread
 * has ended, unless this thread was kept from hearing it, or the other ended before it could say anything.
 */
const HEARD_WITHIN = Duration.seconds(2)

type Handle = Worker.Worker<Answer, Welcome | Successor>

/** The thread of a worker that is ready. */
interface Thread {
  /** Waits for its end, and says why it ended. */
  readonly ended: Effect.Effect<string>
  /** Ends it. */
  readonly close: Effect.Effect<void>
}

interface Pool {
  readonly system: System
  readonly mesh: Mesh
  readonly fabric: Fabric.Fabric
  readonly options: Options
  /** The workers that can be told something, by their numbers. */
  readonly handles: Map<number, Handle>
  /** The threads of those that are ready, or were the last time. */
  readonly threads: Map<number, Thread>
  /** How often a worker with this number has been started. */
  readonly incarnations: Map<number, number>
  /** What starts each of them again. */
  readonly keepers: Map<number, Fiber.Fiber<void>>
  /** What survives each worker besides the fabric, by its number. */
  readonly parked: ReadonlyArray<Map<number, SharedArrayBuffer>>
}

/** Starts the workers in this scope; it fails with the first that does not come up. */
export const make = Effect.fnUntraced(function*(system: System, options: Options) {
  const local = options.hosts.find((actor) => actor.local)
  if (local !== undefined) {
    return yield* new PoolError({ worker: 0, reason: new LocalContract({ actor: local.name }) })
  }
  const threads = Math.max(options.workers, options.maxWorkers) + 1
  const fabric = Fabric.make({
    threads,
    capacity: options.linkBytes,
    hosts: options.hosts.map(({ name }) => name),
    token: system.token,
    mailboxes: options.hosts.some(({ mailbox }) => mailbox !== undefined)
      ? mailboxFabric(options.mailboxes, threads)
      : undefined,
    metrics: system.observer?.metrics && Metrics.memory(threads, options.hosts.length),
    spinMillis: options.spinMillis
  })
  const numbers = Array.from({ length: options.workers }, (_, i) => i + 1)
  const membership = Fabric.membership(fabric)
  for (const thread of [0, ...numbers]) membership.admit(thread)
  membership.settle(membership.begin(numbers, 0))
  const mesh = new Mesh(system, fabric)
  system.join(mesh)
  mesh.open()
  yield* Effect.addFinalizer(() => Effect.sync(() => mesh.close()))
  const parked = Array.from({ length: threads }, () => new Map<number, SharedArrayBuffer>())
  const pool: Pool = {
    system,
    mesh,
    fabric,
    options,
    parked,
    handles: new Map(),
    threads: new Map(),
    incarnations: new Map(),
    keepers: new Map()
  }
  yield* Effect.forEach(numbers, (thread) => begin(pool, thread), { concurrency: "unbounded", discard: true })
  return { mesh, workers: yield* resizable(pool) }
})

/** Starts a worker in this scope, and keeps it running. */
const begin = Effect.fnUntraced(function*(pool: Pool, thread: number) {
  const first = yield* start(pool, thread)
  pool.keepers.set(thread, yield* Effect.forkScoped(keep(pool, thread, first)))
})

/**
 * Starts a worker again whenever it has ended, unless it has ended too often: more than `times` within a period. Each
 * try counts, one that does not come up too.
 */
const keep = Effect.fnUntraced(function*(pool: Pool, thread: number, first: Thread) {
  const { mesh, options: { restarts } } = pool
  let ended = first.ended
  let stamps: ReadonlyArray<number> = []
  for (;;) {
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
    const exit = yield* Effect.exit(start(pool, thread))
    ended = Exit.isSuccess(exit)
      ? exit.value.ended
      : Effect.succeed(Cause.prettyErrors(exit.cause)[0]?.message ?? "it did not start")
  }
})

type Change = Effect.Effect<
  void,
  ResizeError | PoolError,
  Scope.Scope | Worker.WorkerPlatform | Worker.Spawner
>

/** How a pool that runs gets more workers, and fewer. One change at a time. */
const resizable = Effect.fnUntraced(function*(pool: Pool) {
  const { mesh } = pool
  const scope = yield* Effect.scope
  const platform = yield* Effect.context<Worker.WorkerPlatform | Worker.Spawner>()
  const lock = yield* Semaphore.make(1)
  const most = pool.fabric.threads - 1
  const alive = (): ReadonlyArray<number> => mesh.homes.workers.filter((thread) => !mesh.isGone(thread))

  /** A change that has begun goes on, whoever waits for it or does not. */
  const change = (effect: Change): Effect.Effect<void, ResizeError | PoolError> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.forkIn(lock.withPermit(effect), scope).pipe(
        Effect.flatMap((fiber) => restore(Fiber.join(fiber)))
      )
    ).pipe(Effect.provideService(Scope.Scope, scope), Effect.provideContext(platform))

  const grow = Effect.fnUntraced(function*(workers: number, millis: number) {
    const before = alive()
    const free = Array.from({ length: most }, (_, i) => i + 1).filter((thread) => !before.includes(thread))
    const added = free.slice(0, workers - before.length)
    // One that is given up must have been forgotten by all before another one gets its number; a thread that has ended
    // meanwhile forgets it when it is started again.
    yield* mesh.read
    const exits = yield* Effect.forEach(added, (thread) =>
      Effect.exit(Effect.suspend(() => {
        mesh.admit(thread)
        // It says hello, and is told what is registered.
        if (!pool.incarnations.has(thread)) pool.incarnations.set(thread, 1)
        return begin(pool, thread)
      })), { concurrency: "unbounded" })
    const failed = exits.find(Exit.isFailure)
    if (failed !== undefined) {
      yield* Effect.forEach(added, (thread) => retire(pool, thread), { concurrency: "unbounded" })
      return yield* failed
    }
    yield* mesh.homes.change([...before, ...added].sort((a, b) => a - b), millis)
  })

  const shrink = Effect.fnUntraced(function*(leaving: ReadonlyArray<number>, millis: number) {
    yield* mesh.homes.change(alive().filter((thread) => !leaving.includes(thread)), millis)
    yield* Effect.forEach(leaving, (thread) => retire(pool, thread, millis), { concurrency: "unbounded" })
  })

  return {
    workers: Effect.sync(alive),
    resize: (workers, options) =>
      change(Effect.suspend((): Change => {
        const millis = patienceOf(options)
        if (!Number.isInteger(workers) || workers < 1 || workers > most) {
          return Effect.fail(new ResizeError({ reason: new OutOfRange({ workers, most }) }))
        }
        const now = alive()
        return now.length < workers ? grow(workers, millis) : shrink(now.slice(workers), millis)
      })),
    drain: (worker, options) =>
      change(Effect.suspend((): Change => {
        if (!mesh.homes.workers.includes(worker)) {
          return Effect.fail(new ResizeError({ reason: new NoSuchWorker({ worker }) }))
        }
        if (alive().every((thread) => thread === worker)) {
          return Effect.fail(new ResizeError({ reason: new OutOfRange({ workers: 0, most }) }))
        }
        return shrink([worker], patienceOf(options))
      }))
  } satisfies WorkerPool["Service"]
})

/** In milliseconds, as timers take them. */
const patienceOf = (options: ResizeOptions | undefined): number =>
  Math.min(
    2 ** 31 - 1,
    Duration.toMillis(Duration.fromInputUnsafe(options?.patience ?? Duration.seconds(30)))
  )

/**
 * Ends a worker that has no keys, when nothing waits for what others have spawned on it, and waits until all threads
 * have forgotten it.
 */
const retire = Effect.fnUntraced(function*(pool: Pool, thread: number, millis = 0) {
  const { handles, keepers, mesh, options, threads } = pool
  const keeper = keepers.get(thread)
  // Whatever ends it from now on, it is not started again.
  if (keeper !== undefined) yield* Fiber.interrupt(keeper)
  const running = threads.get(thread)
  if (running !== undefined) {
    yield* Effect.race(mesh.quiet(thread, millis), running.ended)
    yield* running.close
  }
  keepers.delete(thread)
  threads.delete(thread)
  handles.delete(thread)
  options.crew?.left(thread)
  mesh.lose(thread, memories(pool, thread))
  // Who has read it has forgotten it: another thread may have the number then. One that ended before it did has its
  // successor read it; otherwise that would take the last word of the one for the next one's.
  yield* mesh.read
})

const memories = ({ parked }: Pool, thread: number) =>
  Array.from(parked[thread]!, ([id, memory]) => ({ id, memory }))

/**
 * Gives a worker that is there a channel to each of the others, and them to it. Both ends are sent at once: one whose
 * other end was in a thread that has ended cannot be sent any more.
 */
const connect = ({ handles, mesh }: Pool, thread: number, handle: Handle): void => {
  const introduce = (to: Handle, thread: number, port: Bells.Port): void => {
    Effect.runFork(Effect.ignore(to.send({ _tag: "Successor", thread, port }, [port])))
  }
  const [mine, theirs] = Bells.channel()
  introduce(handle, 0, theirs)
  mesh.revive(thread, mine)
  for (const [other, to] of handles) {
    const [one, another] = Bells.channel()
    introduce(handle, other, one)
    introduce(to, thread, another)
  }
  handles.set(thread, handle)
}

/** Starts a worker in this scope. */
const start = Effect.fnUntraced(function*(pool: Pool, thread: number) {
  const { fabric, handles, incarnations, mesh, options, parked, system, threads } = pool
  const incarnation = incarnations.get(thread) ?? 0
  incarnations.set(thread, incarnation + 1)
  const platform = yield* Worker.WorkerPlatform
  const notReady = (problem: string): WorkerNotReady =>
    new WorkerNotReady({ problem, stderr: options.stderr(thread) })
  const failed = (reason: PoolError["reason"]): PoolError => new PoolError({ worker: thread, reason })
  const worker: Handle = yield* Effect.mapError(
    platform.spawn<Answer, Welcome | Successor>(thread),
    (error) => failed(notReady(error.message))
  )
  const scope = yield* Scope.fork(yield* Effect.scope)
  const answer = yield* Deferred.make<Exclude<Answer, { _tag: "Here" }>, WorkerNotReady>()
  const ended = yield* Deferred.make<string>()
  const { heard, port } = registry(parked[thread]!)
  const running = worker.run((message) =>
    message._tag === "Here"
      ? Effect.sync(() => connect(pool, thread, worker))
      : Deferred.succeed(answer, message)
  ).pipe(
    Effect.onExit((exit) => {
      if (handles.get(thread) === worker) handles.delete(thread)
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
        yield* Effect.timeoutOption(heard, HEARD_WITHIN)
        yield* Deferred.succeed(ended, problem ?? "it stopped")
      })
    }),
    Effect.ignore
  )
  yield* Effect.forkIn(running, scope)
  const swarms = options.crew?.connect(thread)
  const welcome: Welcome = {
    _tag: "Welcome",
    thread,
    fabric,
    validate: system.validate,
    observing: system.observer?.observing,
    inheritance: { incarnation, parked: memories(pool, thread), again: mesh.overseen(thread) },
    registry: port,
    swarms,
    cores: options.cores?.(thread)
  }
  const handshake = Effect.mapError(
    worker.send(welcome, [port, ...(swarms === undefined ? [] : [swarms])]),
    (error) => notReady(error.message)
  ).pipe(
    Effect.andThen(Deferred.await(answer)),
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
  const started: Thread = { ended: Deferred.await(ended), close: Scope.close(scope, Exit.void) }
  threads.set(thread, started)
  options.crew?.joined(thread)
  return started
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
