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

/** The placement of keys on the workers 1 to `workers`. */
export const make = (workers: number): (actor: string, key: string) => number => {
  const ring = HashRing.make<Worker>()
  for (let thread = 1; thread <= workers; thread++) HashRing.add(ring, new Worker(thread))
  return (actor, key) => HashRing.get(ring, `${actor}/${key}`)!.thread
}
