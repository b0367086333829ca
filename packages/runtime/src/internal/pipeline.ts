/** Arranges stages in a ring, and runs those of this thread: what Pipeline.ts types. */
import type { WaitStrategy } from "../WaitStrategy.ts"
import { Consumer } from "./hot/barrier.ts"
import type { Ring } from "./hot/ring.ts"
import { canBlock } from "./hot/wait.ts"
import { type End, type Failed, type Handlers, type Policy, Runner } from "./pipelineRunner.ts"
import type { Opened } from "./ring.ts"

/** A consumer with its types erased. */
export interface AnyConsumer extends Handlers {
  readonly name: string
  readonly wait: WaitStrategy
  readonly policy: Policy
  readonly maxBatch: number
}

export type Node =
  /** Without handlers it runs elsewhere. */
  | { readonly tag: "consumer"; readonly name: string; readonly consumer: AnyConsumer | undefined }
  | { readonly tag: "parallel" | "series" | "share"; readonly parts: ReadonlyArray<Node> }

/** A consumer that has its line in the ring. */
export interface Placed {
  readonly name: string
  readonly index: number
  readonly part: number
  readonly of: number
  /** Undefined when it runs elsewhere. */
  runner: Runner | undefined
}

const consumersOf = (node: Node): ReadonlyArray<Node & { readonly tag: "consumer" }> =>
  node.tag === "consumer" ? [node] : node.parts.flatMap(consumersOf)

/** Why a stage cannot join the consumers that are there, if so. */
export const refusal = (node: Node, there: ReadonlyMap<string, Placed>): string | undefined => {
  const names = new Set(there.keys())
  for (const { consumer, name } of consumersOf(node)) {
    if (names.has(name)) return `There are two consumers "${name}"`
    if (consumer?.wait._tag === "Block" && !canBlock()) {
      return `This thread may not block, as "${name}" wants to`
    }
    names.add(name)
  }
  return undefined
}

/** The consumers of one pipeline. */
export class Arrangement {
  readonly placed = new Map<string, Placed>()
  readonly #opened: Opened
  readonly #failed: (consumer: string, failed: Failed) => void
  readonly #ended: (consumer: string, end: End, last: boolean) => void
  /** How many run in this thread. */
  running = 0

  constructor(
    opened: Opened,
    failed: (consumer: string, failed: Failed) => void,
    ended: (consumer: string, end: End, last: boolean) => void
  ) {
    this.#opened = opened
    this.#failed = failed
    this.#ended = ended
  }

  get ring(): Ring {
    return this.#opened.ring
  }

  /** Enters a stage after the consumers of the bit mask, all of it or, when the ring is full, nothing: false. */
  enter(node: Node, follows: number): boolean {
    const entered: Array<readonly [Placed, AnyConsumer | undefined]> = []
    if (this.#place(node, follows, 0, 1, entered) === 0) {
      for (const [{ index }] of entered.toReversed()) this.ring.leave(index)
      return false
    }
    for (const [placed, consumer] of entered) this.start(placed, consumer)
    return true
  }

  /** The bit mask of the stage's last consumers; 0 when they do not fit. */
  #place(
    node: Node,
    follows: number,
    part: number,
    of: number,
    entered: Array<readonly [Placed, AnyConsumer | undefined]>
  ): number {
    switch (node.tag) {
      case "consumer": {
        const index = this.ring.join(follows)
        if (index < 0) return 0
        entered.push([{ name: node.name, index, part, of, runner: undefined }, node.consumer])
        return 1 << index
      }
      case "series": {
        let last = follows
        for (const each of node.parts) if ((last = this.#place(each, last, part, of, entered)) === 0) return 0
        return last
      }
      case "parallel":
      case "share": {
        let last = 0
        for (const [i, each] of node.parts.entries()) {
          const mask = node.tag === "share"
            ? this.#place(each, follows, i, node.parts.length, entered)
            : this.#place(each, follows, part, of, entered)
          if (mask === 0) return 0
          last |= mask
        }
        return last
      }
    }
  }

  /** Runs a placed consumer in this thread, if its handlers are here. */
  start(placed: Placed, consumer: AnyConsumer | undefined): void {
    this.placed.set(placed.name, placed)
    if (!consumer) return
    const { ring, slots } = this.#opened
    this.running++
    placed.runner = new Runner(
      new Consumer(ring, slots(), placed.index, placed.part, placed.of),
      consumer,
      Math.min(consumer.maxBatch, ring.capacity),
      (failed) => this.#failed(placed.name, failed),
      (end) => this.#ended(placed.name, end, --this.running === 0)
    )
    placed.runner.start()
  }
}
