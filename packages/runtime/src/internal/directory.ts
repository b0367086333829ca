/** The actors of this thread that others address by number: a place, and the generation that lives there. */
import type { LocalRef } from "./localRef.ts"

export class Directory {
  private readonly refs: Array<LocalRef | undefined> = []
  private readonly versions: Array<number> = []
  private readonly free: Array<number> = []

  /** Gives an actor a place; versions begin at 1. */
  add(ref: LocalRef): { readonly target: number; readonly version: number } {
    const target = this.free.pop() ?? this.refs.length
    const version = (this.versions[target] ?? 0) + 1
    this.refs[target] = ref
    this.versions[target] = version
    return { target, version }
  }

  /** The actor at a place, unless another generation lives there. */
  get(target: number, version: number): LocalRef | undefined {
    return this.versions[target] === version ? this.refs[target] : undefined
  }

  remove(target: number): void {
    this.refs[target] = undefined
    this.free.push(target)
  }
}
