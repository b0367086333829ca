/** What is killed: threads that each write a channel, as fast as they can, and note what was confirmed. */
import * as Channel from "@troupe/persistence/Channel"
import * as Format from "@troupe/persistence/Format"
import * as MappedMemory from "@troupe/persistence/MappedMemory"
import * as Memory from "@troupe/runtime/Memory"
import * as Effect from "effect/Effect"
import { isMainThread, Worker, workerData } from "node:worker_threads"
import { bodyOf, CAPACITY, type Job, KEEP } from "./crashCase.ts"

interface Task {
  readonly job: Job
  readonly threads: number
  readonly gate: Int32Array
}

const write = Effect.fnUntraced(
  function*({ job: { directory, durability, index, path }, gate, threads }: Task) {
    const region = yield* Memory.allocate({ name: `confirmed-${index}`, byteLength: 8, keep: true }).pipe(
      Effect.provide(MappedMemory.layer({ directory }))
    )
    const confirmed = new Int32Array(region.buffer, region.byteOffset, 2)
    const options = { format: Format.raw, capacity: CAPACITY, keep: KEEP, durability } as const
    const writer = yield* Channel.writer(path, { ...options, interval: "1 millis" })
    // Goes on behind the last record that is there.
    let n = yield* lastOf(path)
    const flush = Effect.map(writer.flush, () => void Atomics.store(confirmed, 0, n))
    // All begin at once: who wrote already would keep the others from getting ready.
    if (Atomics.add(gate, 0, 1) + 1 === threads) Atomics.notify(gate, 1)
    else Atomics.wait(gate, 1, 0)
    for (;;) {
      for (let i = 0; i < 50; i++) {
        n++
        if (n % 7 === 0) {
          writer.appendAllUnsafe([bodyOf(n), bodyOf(n + 1), bodyOf(n + 2)])
          n += 2
        } else writer.appendUnsafe(bodyOf(n))
        // A killed process loses nothing that was appended, under whatever durability.
        Atomics.store(confirmed, 0, n)
      }
      yield* durability === "batch" ? flush : Effect.sleep(0)
    }
  }
)

const lastOf = (path: string) =>
  Effect.scoped(Effect.gen(function*() {
    const reader = yield* Channel.reader(path, { format: Format.raw })
    let last = 0
    reader.pollUnsafe((bytes) => {
      last = new DataView(bytes.buffer).getInt32(0, true)
    })
    return last
  }))

if (isMainThread) {
  const jobs = JSON.parse(process.argv[2]!) as ReadonlyArray<Job>
  const gate = new Int32Array(new SharedArrayBuffer(8))
  for (const job of jobs) {
    const task: Task = { job, threads: jobs.length, gate }
    // It lives until the process is killed.
    const thread = new Worker(new URL(import.meta.url), { workerData: task })
    thread.ref()
  }
} else await Effect.runPromise(Effect.scoped(write(workerData as Task)))
