/** The answers that an actor owes. */
import type { ActorEnded } from "../AskError.ts"
import type { Replier } from "./hot/cell.ts"

/** An answer that is owed. */
export interface Debt extends Replier {
  readonly done: boolean
}

export class Debts {
  private open: Array<Debt> = []
  /** The settled ones are looked for when there are this many, and half of them are open at most. */
  private pruneAt = 16

  add(debt: Debt): void {
    if (this.open.length >= this.pruneAt) {
      this.open = this.open.filter((one) => !one.done)
      this.pruneAt = Math.max(16, this.open.length * 2)
    }
    this.open.push(debt)
  }

  /** Whether any of them is open. */
  get any(): boolean {
    return this.open.some((debt) => !debt.done)
  }

  remove(debt: Replier): void {
    this.open = this.open.filter((one) => one !== debt)
  }

  abandon(because: () => ActorEnded): void {
    for (const debt of this.open) if (!debt.done) debt.abandon(because())
  }
}
