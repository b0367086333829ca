/** Which worker a key lives on: the same answer on every thread, since each computes it for itself. */
import * as HashRing from "effect/HashRing"
import * as PrimaryKey from "effect/PrimaryKey"

class Worker implements PrimaryKey.PrimaryKey {
  readonly thread: number
  constructor(thread: number) {
    this.thread = thread
  }
  [PrimaryKey.symbol](): string {
    return `worker-${this.thread}`
  }
}

/** The worker that an actor's key lives on. */
export type Place = (actor: string, key: string) => number

/** The placement of keys on these workers. */
export const make = (workers: ReadonlyArray<number>): Place => {
  const ring = HashRing.make<Worker>()
  HashRing.addMany(ring, workers.map((thread) => new Worker(thread)))
  return (actor, key) => HashRing.get(ring, `${actor}/${key}`)!.thread
}
