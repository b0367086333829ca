/** A swarm of which every row, and all of them together, can be seen to be whole. */
import * as Actor from "@troupe/runtime/Actor"
import * as Layout from "@troupe/runtime/Layout"
import * as Swarm from "@troupe/runtime/Swarm"
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

export interface Job {
  readonly directory: string
  readonly mode: "work" | "restore"
}

/** Instances at the beginning, and what all of them have together, always. */
export const INSTANCES = 1024
export const TOTAL = 1 << 20
export const NAMES = ["a", "b", "c"]

/** What a process notes in memory that outlives it. */
export const Word = {
  /** The last turn that it saw end, or that was restored. */
  Turn: 0,
  /** The turn of the snapshot that is being restored. */
  Restoring: 1,
  /** One more than the place of the snapshot that is being taken, and its turn. */
  Taking: 2,
  TakingTurn: 3,
  /** Turns or restorings, and snapshots, ever. */
  Progress: 4,
  Snapshots: 8,
  /** The turns of the snapshots that were taken. */
  Taken: 5
} as const

const state = Schema.Struct({
  /** Only ever shared with a child. */
  amount: Schema.Number,
  /** Their sum is 0. */
  debit: Schema.Number,
  credit: Schema.Number,
  /** The last tick's turn, or the one in or after which it was born. */
  turn: Layout.Int32,
  /** The turn again, in managed memory. */
  note: Schema.String,
  /** What effects have counted: the second is twice the first. */
  once: Layout.Int32,
  twice: Layout.Int32
})

export type State = typeof state.Type

const noteOf = (turn: number, credit: number): string => `${turn} `.repeat(1 + Math.abs(credit) % 9)

export const newborn = (amount: number, turn = 0): State => ({
  amount,
  debit: 0,
  credit: 0,
  turn,
  note: noteOf(turn, 0),
  once: 0,
  twice: 0
})

export const Cell = Swarm.make("Cell", {
  protocol: RpcGroup.make(Rpc.make("Tick", { payload: { salt: Schema.Number } }), Rpc.make("Slow")),
  state,
  keep: true,
  turns: "manual",
  chunkRows: 256
})

/** What is done before each row of a tick. */
export const before = { row: (): void => {} }

export const CellLive = Cell.toLayer({
  handlers: {
    Tick: (cell, { salt }, ctx) => {
      const { turn } = ctx
      before.row()
      cell.debit -= salt % 11
      cell.credit += salt % 11
      cell.turn = turn
      cell.note = noteOf(turn, cell.credit)
      const chance = ctx.random()
      // What has nothing goes, faster than it comes.
      if (cell.amount === 0 && chance < 0.1) return Actor.stop()
      if (chance < 0.02 && cell.amount >= 2) {
        const half = Math.floor(cell.amount / 2)
        cell.amount -= half
        ctx.spawn(Cell, newborn(half, turn))
      }
      return Actor.next(cell)
    },
    Slow: (cell) =>
      Effect.map(Effect.yieldNow, () => {
        cell.once++
        cell.twice += 2
      })
  }
})

/** What is wrong with the states that there are after a turn: a tick, or the one of the effects after it. */
export const problems = (states: ReadonlyArray<State>, last: number): ReadonlyArray<string> => {
  const found: Array<string> = []
  const ticked = states[0]!.turn
  if (ticked !== last && ticked !== last - 1) {
    found.push(`the last tick was in turn ${ticked}, and the last turn ${last}`)
  }
  let sum = 0
  for (const { amount, credit, debit, note, once, turn, twice } of states) {
    sum += amount
    if (debit + credit !== 0) found.push(`${debit} and ${credit} are not the same`)
    if (turn !== ticked) found.push(`rows of turns ${turn} and ${ticked}`)
    if (note !== noteOf(turn, credit)) found.push(`"${note}" in turn ${turn}, with ${credit}`)
    if (twice !== 2 * once) found.push(`an effect in part: ${once} and ${twice}`)
  }
  if (sum !== TOTAL) found.push(`${sum} in all, and should be ${TOTAL}`)
  return found.slice(0, 5)
}
