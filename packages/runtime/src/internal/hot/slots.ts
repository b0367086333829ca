/**
 * The slots of shared memory for bounded mailboxes: a table by key, and a list for the actors that each thread spawned
 * for others.
 *
 * ```
 * | keys: `count` slots | spawned on thread 0: `count` slots | spawned on thread 1 | ... |
 * ```
 *
 * **Contract**: any thread claims a key's slot; only its own thread opens and closes the slots of spawned actors.
 * **Invariant**: a key's slot is the first in its window that nobody else had claimed, and is its own for good, so that
 * all threads find the same one without asking. `count` is a power of two.
 * **Ordering**: `compareExchange` of the identity claims; nothing else is published by it.
 * **Allocation**: bigints where a key is claimed, which is once a thread and key; none after that.
 * **Evidence**: `test/hot/slots.test.ts`, `test/Mailbox.threads.test.ts`, `stress/gauge.test.ts` with its mutants.
 */
import { homeOf, resetHigh, SLOT_WORDS, VERSION } from "./gauge.ts"

/** Slots that are looked at for one key, from where its hash says: the table counts as full when all are taken. */
const WINDOW = 64

/** Bytes of the slots for `threads` threads. */
export const slotsBytes = (count: number, threads: number): number => count * (threads + 1) * SLOT_WORDS * 4

export class Slots {
  readonly words: Int32Array
  private readonly identities: BigInt64Array
  private readonly count: number
  private readonly seed: number
  private readonly thread: number
  /** Closed slots of this thread, by their places. */
  private readonly free: Array<number> = []
  private opened = 0

  /** `seed` is the same on every thread; it keeps those who choose keys from choosing where they collide. */
  constructor(memory: SharedArrayBuffer, count: number, seed: number, thread: number) {
    this.words = new Int32Array(memory)
    this.identities = new BigInt64Array(memory)
    this.count = count
    this.seed = seed
    this.thread = thread
  }

  /** The slot of an actor's key, or -1 if there is none left for it, which is so for good. */
  claim(actor: string, key: string): number {
    const identity = identify(this.seed, actor, key)
    const start = Number(identity & 0x7fff_ffffn)
    const window = this.count < WINDOW ? this.count : WINDOW
    for (let i = 0; i < window; i++) {
      const slot = (start + i) & (this.count - 1)
      const at = slot * (SLOT_WORDS >> 1)
      let there = Atomics.load(this.identities, at)
      if (there === 0n) there = Atomics.compareExchange(this.identities, at, 0n, identity)
      if (there === 0n || there === identity) return slot
    }
    return -1
  }

  /** The thread where a slot's actor lives, or -1. */
  home(slot: number): number {
    return slot < this.count ? homeOf(this.words, slot) : Math.floor(slot / this.count) - 1
  }

  /** The slots that actors of this thread, spawned for others, have. */
  *taken(): Generator<number> {
    for (let place = 0; place < this.count; place++) {
      const slot = this.spawned(this.thread, place)
      if (Atomics.load(this.words, slot * SLOT_WORDS + VERSION) !== 0) yield slot
    }
  }

  /** Ends what has a slot. */
  vacate(slot: number): void {
    Atomics.store(this.words, slot * SLOT_WORDS + VERSION, 0)
  }

  /** The slot of a spawned actor. */
  spawned(thread: number, place: number): number {
    return this.count * (thread + 1) + place
  }

  /** These places are taken: called before any is given. */
  keep(places: ReadonlyArray<number>): void {
    const taken = new Set(places)
    this.opened = places.reduce((most, place) => Math.max(most, place + 1), 0)
    for (let place = 0; place < this.opened; place++) if (!taken.has(place)) this.free.push(place)
  }

  /** A place for an actor that this thread spawns for others, or -1 if there is none. */
  open(): number {
    return this.free.pop() ?? (this.opened < this.count ? this.opened++ : -1)
  }

  /** The place belongs to this generation from now on. */
  assign(place: number, version: number): void {
    const slot = this.spawned(this.thread, place)
    resetHigh(this.words, slot)
    Atomics.store(this.words, slot * SLOT_WORDS + VERSION, version)
  }

  /** The place belongs to nobody any more. */
  close(place: number): void {
    Atomics.store(this.words, this.spawned(this.thread, place) * SLOT_WORDS + VERSION, 0)
    this.free.push(place)
  }
}

/**
 * 64 bits that stand for an actor's key, never 0. Two lanes of multiply and rotate with the finalizer of MurmurHash3
 * (Appleby, public domain). That two of a million keys have the same is one chance in 10^7.
 */
const identify = (seed: number, actor: string, key: string): bigint => {
  let a = seed | 0
  let b = Math.imul(seed, 0x9e3779b1) ^ actor.length
  const mix = (unit: number): void => {
    a = Math.imul(a ^ unit, 0x85ebca6b)
    a = (a << 13) | (a >>> 19)
    b = Math.imul(b ^ unit, 0xc2b2ae35)
    b = ((b << 17) | (b >>> 15)) + a | 0
  }
  for (let i = 0; i < actor.length; i++) mix(actor.charCodeAt(i))
  for (let i = 0; i < key.length; i++) mix(key.charCodeAt(i))
  const high = finish(a ^ key.length)
  const low = finish(b ^ high)
  const identity = (BigInt(high) << 32n) | BigInt(low >>> 0)
  return identity === 0n ? 1n : identity
}

const finish = (lane: number): number => {
  let h = lane
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
