/** Runs a swarm's chunks on the thread that owns it. */
import type { Debt } from "./life.ts"
import type { SwarmTurn } from "./hot/swarmTurn.ts"
import { type Executor, type Outcome, type Plan, SLICE_MILLIS } from "./swarmHost.ts"
import type { SwarmStore } from "./hot/swarmStore.ts"

export class LocalExecutor implements Executor {
  private readonly run_: SwarmTurn<Debt>
  private readonly store: SwarmStore
  private readonly defer: (task: () => void) => void

  constructor(turn: SwarmTurn<Debt>, store: SwarmStore, defer: (task: () => void) => void) {
    this.run_ = turn
    this.store = store
    this.defer = defer
    turn.version = (slot) => store.slots.version(slot)
    turn.seed = store.seed
  }

  get handled(): Float64Array {
    return this.run_.handled
  }

  run({ broadcasts, inbox, turn: number }: Plan, done: (outcome: Outcome) => void): void {
    const { run_: turn, store } = this
    const chunks = store.used
    turn.turn = number
    turn.swept = 0
    turn.failed = 0
    const before = sum(turn.handled)
    turn.out.clear()
    let chunk = 0
    const slice = (): void => {
      const end = performance.now() + SLICE_MILLIS
      while (chunk < chunks) {
        const from = inbox.starts[chunk]!
        const to = inbox.starts[chunk + 1]!
        if (broadcasts.length > 0 || from < to) {
          turn.run(store.chunks[chunk]!, store.size(chunk), inbox, from, to, broadcasts)
        }
        chunk++
        if (chunk < chunks && performance.now() >= end) return this.defer(slice)
      }
      done({
        parts: [{ out: turn.out, from: 0, to: turn.out.size }],
        swept: turn.swept,
        handled: sum(turn.handled) - before,
        failed: turn.failed
      })
    }
    slice()
  }
}

const sum = (values: Float64Array): number => {
  let all = 0
  for (let i = 0; i < values.length; i++) all += values[i]!
  return all
}
