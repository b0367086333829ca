/** The actors of this thread that others address by number: a place, and the generation that lives there. */
import type { LocalRef } from "./localRef.ts"

export class Directory {
  private readonly refs: Array<LocalRef | undefined> = []
  private readonly versions: Array<number> = []
  private readonly free: Array<number> = []
  /** The versions of a thread's successor begin elsewhere, so that a reference never reaches a stranger. */
  private readonly base: number

  constructor(incarnation = 0) {
    this.base = (incarnation & 0x7ff) << 20
  }

  /** Gives an actor a place; versions begin at 1. */
  add(ref: LocalRef): { readonly target: number; readonly version: number } {
    const target = this.free.pop() ?? this.refs.length
    return { target, version: this.put(target, ref) }
  }

  /** Gives an actor a place that was found for it: its version there. */
  put(target: number, ref: LocalRef): number {
    const version = (this.versions[target] ?? this.base) + 1
    this.refs[target] = ref
    this.versions[target] = version
    return version
  }

  /** The actor at a place, unless another generation lives there. */
  get(target: number, version: number): LocalRef | undefined {
    return this.versions[target] === version ? this.refs[target] : undefined
  }

  /** Frees a place that `add` gave. */
  remove(target: number): void {
    this.clear(target)
    this.free.push(target)
  }

  /** Forgets who lives at a place. */
  clear(target: number): void {
    this.refs[target] = undefined
  }
}
