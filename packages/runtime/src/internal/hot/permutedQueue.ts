/**
 * A run queue that somebody else orders: a test that looks for the order in which a program fails.
 *
 * **Contract**: one thread. Not for production: taking one out costs as much as there are.
 * **Invariant**: what is pushed is taken out once, whatever is chosen.
 * **Ordering**: by `choose`, which is asked where there is more than one.
 * **Allocation**: as arrays do.
 * **Evidence**: `test/testing/Schedules.test.ts`.
 */
import { RunQueue } from "./runQueue.ts"

export class PermutedQueue<A> extends RunQueue<A> {
  private readonly waiting: Array<A> = []
  private readonly choose: (among: ReadonlyArray<A>) => number

  constructor(choose: (among: ReadonlyArray<A>) => number) {
    super(1)
    this.choose = choose
  }

  override push(item: A): void {
    this.waiting.push(item)
    this.size++
  }

  override shift(): A | undefined {
    const { waiting } = this
    if (waiting.length === 0) return undefined
    this.size--
    return waiting.length === 1 ? waiting.pop() : waiting.splice(this.choose(waiting), 1)[0]
  }
}
