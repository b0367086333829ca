/**
 * Two threads as Node gives them: a worker and `postMessage`, which clones
 * objects. A told message carries two numbers, 16 bytes of content. An asked
 * one carries the number of a promise as well, and the reply finds it by that.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import process from "node:process"
import { Worker } from "node:worker_threads"

export interface Message {
  readonly tag: string
  readonly n: number
  readonly at: number
  readonly id?: number
}

interface Answer {
  readonly id: number
  readonly answer: number
}

/** Nanoseconds of the machine's monotonic clock, which all threads of a process share. */
export const now = (): number => Number(process.hrtime.bigint())

interface Pending {
  readonly resolve: (answer: number) => void
  readonly reject: (error: unknown) => void
}

export class MessagePort {
  readonly worker: Worker
  readonly #pending = new Map<number, Pending>()
  #next = 0

  constructor(worker: Worker) {
    this.worker = worker
    worker.on("message", ({ answer, id }: Answer) => {
      const { resolve } = this.#pending.get(id)!
      this.#pending.delete(id)
      resolve(answer)
    })
    // A worker that breaks owes its answers for ever.
    worker.on("error", (error) => this.#pending.forEach(({ reject }) => reject(error)))
  }

  tell(tag: string, n: number, at: number): void {
    this.worker.postMessage({ tag, n, at })
  }

  ask(tag: string, n: number, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const id = this.#next++
      this.#pending.set(id, { resolve, reject })
      this.worker.postMessage({ tag, n, at, id })
    })
  }
}

/** A worker that has answered once; it ends with the scope. */
export const connect: Effect.Effect<MessagePort, unknown, Scope.Scope> = Effect.gen(function*() {
  const worker = yield* Effect.acquireRelease(
    Effect.sync(() => new Worker(new URL("../entry/messagePort.ts", import.meta.url))),
    (worker) => Effect.promise(() => worker.terminate())
  )
  const port = new MessagePort(worker)
  yield* Effect.tryPromise(() => port.ask("Reset", 0, 0))
  return port
})
