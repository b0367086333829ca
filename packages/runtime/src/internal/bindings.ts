/**
 * The handles by which another thread addresses keys here: which key each stands for, and where that is kept for a
 * successor of this thread. A key that leaves memory asks for its handles back. Whoever has one gives it up, and binds
 * another when it sends to the key again; so a handle is let go of when nothing can come by it any more, and nothing
 * waits that came by it.
 */
import type { Slot } from "./hot/chunk.ts"
import type { KeyedRef } from "./keyedRef.ts"
import * as Peer from "./peer.ts"
import { ResidentRef } from "./residents.ts"
import * as Wire from "./wire.ts"

/** Handles are never used again: pages of those that are all given up go. */
const PAGE_BITS = 10
const PAGE = 1 << PAGE_BITS

interface Page {
  readonly refs: Array<KeyedRef | undefined>
  live: number
}

/** A handle of a key that may leave memory. */
export class Binding {
  private readonly bindings: Bindings
  private readonly handle: number
  private readonly slot: Slot | undefined
  private asked = false
  /** Nothing comes by it any more. */
  private given = false

  constructor(bindings: Bindings, handle: number, slot: Slot | undefined) {
    this.bindings = bindings
    this.handle = handle
    this.slot = slot
  }

  /** Its key has left memory: nothing waits for it. Whether the handle is gone. */
  left(ref: ResidentRef): boolean {
    if (this.given) {
      this.drop()
      return true
    }
    if (!this.asked) {
      this.asked = true
      const { host, key } = ref
      this.bindings.peer.write(Peer.UNBIND, host.contract.type, this.handle, 0, 0, key, Wire.key)
    }
    return false
  }

  /** The peer has given it up. */
  give(ref: ResidentRef): void {
    this.given = true
    if (ref.host.isAway(ref.key) || ref.host.resident(ref.key) !== undefined) return
    this.drop()
    ref.bindings = ref.bindings.filter((binding) => binding !== this)
  }

  is(bindings: Bindings, handle: number): boolean {
    return this.bindings === bindings && this.handle === handle
  }

  private drop(): void {
    this.slot?.take()
    this.bindings.remove(this.handle)
  }
}

export class Bindings {
  readonly peer: Peer.Peer
  private readonly pages: Array<Page | undefined> = []

  constructor(peer: Peer.Peer) {
    this.peer = peer
  }

  get(handle: number): KeyedRef | undefined {
    return this.pages[handle >>> PAGE_BITS]?.refs[handle & (PAGE - 1)]
  }

  add(handle: number, ref: KeyedRef, slot: Slot | undefined): void {
    const page = this.pages[handle >>> PAGE_BITS] ??= { refs: [], live: 0 }
    page.refs[handle & (PAGE - 1)] = ref
    page.live++
    if (ref instanceof ResidentRef) ref.bindings = [...ref.bindings, new Binding(this, handle, slot)]
  }

  /** The peer sends nothing by this handle any more. */
  unbound(handle: number): void {
    const ref = this.get(handle)
    if (!(ref instanceof ResidentRef)) return
    ref.bindings.find((binding) => binding.is(this, handle))?.give(ref)
  }

  remove(handle: number): void {
    const number = handle >>> PAGE_BITS
    const page = this.pages[number]
    if (page === undefined) return
    page.refs[handle & (PAGE - 1)] = undefined
    // One that is not full may get more.
    if (--page.live === 0 && page.refs.length === PAGE) this.pages[number] = undefined
  }
}
