/** How those ended that other threads address, for who asks later: the latest of them. */
import type * as Exit from "effect/Exit"

/** How many are remembered. */
const MOST = 1024

export class Departed {
  private readonly exits = new Map<string, Exit.Exit<void, unknown>>()

  add(target: number, version: number, exit: Exit.Exit<void, unknown>): void {
    this.exits.set(`${target}/${version}`, exit)
    if (this.exits.size <= MOST) return
    for (const oldest of this.exits.keys()) {
      this.exits.delete(oldest)
      return
    }
  }

  /** How it ended; undefined where that is forgotten. */
  get(target: number, version: number): Exit.Exit<void, unknown> | undefined {
    return this.exits.get(`${target}/${version}`)
  }
}
