/** The one room that knows Node: how worker threads are made, and how one runs. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Worker from "effect/workers/Worker"
import type * as WorkerRunner from "effect/workers/WorkerRunner"
import { execFile } from "node:child_process"
import { readlinkSync } from "node:fs"
import { availableParallelism } from "node:os"
import * as WorkerThreads from "node:worker_threads"

/** Characters of a worker's standard error that are kept for error messages. */
const STDERR_KEPT = 4096

/** What a worker thread is given besides its entry module. */
export interface ThreadOptions {
  readonly resourceLimits?: WorkerThreads.ResourceLimits | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

/**
 * How workers are made from their entry module; `stderr` gives the last of what one wrote, `terminate` ends one that
 * will not end by itself.
 */
export const workers = (entry: URL, options: ThreadOptions): {
  readonly layer: Layer.Layer<Worker.WorkerPlatform | Worker.Spawner>
  readonly stderr: (id: number) => string
  readonly terminate: (id: number) => void
} => {
  const threads = new Map<number, WorkerThreads.Worker>()
  const kept = new Map<number, string>()
  const layer = NodeWorker.layer((id) => {
    // What the one before it wrote says nothing about this one.
    kept.delete(id)
    const worker = new WorkerThreads.Worker(entry, {
      name: `troupe-${id}`,
      stderr: true,
      ...(options.resourceLimits !== undefined && { resourceLimits: options.resourceLimits }),
      ...(options.env !== undefined && { env: { ...process.env, ...options.env } })
    })
    threads.set(id, worker)
    worker.stderr.on("data", (chunk: Uint8Array) => {
      process.stderr.write(chunk)
      kept.set(id, ((kept.get(id) ?? "") + chunk.toString()).slice(-STDERR_KEPT))
    })
    return worker
  })
  return {
    layer,
    stderr: (id) => kept.get(id) ?? "",
    terminate: (id) => void threads.get(id)?.terminate()
  }
}

/** Cores that this process may use. */
export const cores = (): number => availableParallelism()

/** The worker's side. */
export const runner: Layer.Layer<WorkerRunner.WorkerRunnerPlatform> = NodeWorkerRunner.layer

/** Runs a worker's program until it ends. */
export const run = (program: Effect.Effect<void, unknown>): void => NodeRuntime.runMain(program)

/**
 * Keeps this thread on these cores, and fails with the reason where that cannot be: it is done by the `taskset` of
 * util-linux, so there is Linux alone. V8's and libuv's own threads stay where they are.
 */
export const pin = (cores: ReadonlyArray<number>): Effect.Effect<void, string> =>
  Effect.callback<void, string>((resume) => {
    if (process.platform !== "linux") return resume(Effect.fail(`not on ${process.platform}`))
    // Node does not know its thread's number. Synchronously: the thread that asks is the one that is meant.
    const task = readlinkSync("/proc/thread-self").split("/").at(-1)!
    execFile("taskset", ["-pc", cores.join(","), task], (error) => {
      resume(error === null ? Effect.void : Effect.fail(error.message))
    })
  })
