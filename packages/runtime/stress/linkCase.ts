/** One stress case of the link: what two threads send each other, through which memory, and how they go about it. */
import { linkBytes } from "../src/internal/hot/link.ts"
import type { Mutant } from "./linkMutants.ts"

export interface Case {
  /** Everything random about the case comes from it. */
  readonly seed: number
  /** Bytes of each ring. */
  readonly capacity: number
  /** Where both positions of both links begin. */
  readonly start: number
  /** Records from thread 0, and from thread 1. */
  readonly records: readonly [number, number]
  /** Payloads have up to so many bytes; one in eight has up to `longest`. */
  readonly usual: number
  readonly longest: number
  /** Records that a thread may send beyond those it has received: 1 is ping-pong. */
  readonly window: number
  /** Whether a thread that keeps something for lack of room sends nothing more until there is room. */
  readonly patient: boolean
  /** How often an idle thread looks for records before it sleeps. */
  readonly looks: number
  /** Records a thread reads before it does something else. */
  readonly poll: number
  /** How often a thread looks whether the other has come in between, where it should, before it goes on. */
  readonly dawdle: number
  readonly mutant: Mutant | undefined
}

/** Numbers that look random, from 0 to 2^32 - 1; the same for the same seed. */
export const generator = (seed: number): () => number => {
  let state = (seed ^ 0x9e3779b9) | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

/** The case of a seed. */
export const caseOf = (seed: number, mutant?: Mutant): Case => {
  const random = generator(seed)
  const pick = <A>(...choices: ReadonlyArray<A>): A => choices[random() % choices.length]!
  const capacity = pick(256, 256, 512, 1024, 4096, 65_536)
  // Wraps past 2^31, past 2^32, or neither, within the first records.
  const start = pick(0, 0x7fffffff - 63 - (random() % 8) * 8, -64 - (random() % 8) * 8)
  const window = pick(Infinity, Infinity, 1, 2, 17)
  const both = window !== Infinity || random() % 2 === 0
  const usual = pick(0, 16, 40, capacity >> 3)
  const longest = pick(usual, capacity >> 2, capacity, capacity * 3)
  const mean = 64 + usual / 2 + longest / 16
  // About as long for each case: bytes cost, and so does each time a thread goes to sleep.
  const count = Math.ceil(Math.min(window < 17 ? 600 : 20_000, 1_500_000 / mean))
  return {
    seed,
    capacity,
    start: start | 0,
    records: [count, both ? count : 0],
    usual,
    longest,
    window,
    patient: pick(true, false),
    looks: pick(0, 0, 0, 20),
    poll: pick(1, 3, 256),
    dawdle: pick(0, 0, 300, 3000),
    mutant
  }
}

/** Which directions a case has, how far along each thread is, and the links: one SharedArrayBuffer. */
export class Field {
  readonly memory: SharedArrayBuffer
  readonly words: Int32Array
  private readonly capacity: number

  static make({ capacity, start }: Case): Field {
    const field = new Field(new SharedArrayBuffer(CONTROL + 2 * linkBytes(capacity)), capacity)
    for (const from of [0, 1]) {
      const words = new Int32Array(field.memory, field.link(from))
      // The tail and the head, as link.ts lays them out.
      words[0] = words[16] = words[48] = start
    }
    return field
  }

  constructor(memory: SharedArrayBuffer, capacity: number) {
    this.memory = memory
    this.words = new Int32Array(memory, 0, CONTROL >> 2)
    this.capacity = capacity
  }

  /** Where the link from this thread to the other one begins. */
  link(from: number): number {
    return CONTROL + from * linkBytes(this.capacity)
  }

  /** The word of a thread's doorbell. */
  bell(thread: number): number {
    return thread * 64
  }

  /** What a thread does: RUNNING, SLEEPING or DONE. */
  state(thread: number): number {
    return thread * 64 + 16
  }

  /** Grows whenever a thread goes around. */
  rounds(thread: number): number {
    return thread * 64 + 32
  }

  /**
   * Whether no thread will ever do anything again though some are not done: all of them wait, and nobody has rung.
   * That is a proof, not a matter of time: whoever rings turns the bell first, and nothing else wakes a thread.
   */
  get stuck(): boolean {
    const { words } = this
    const rounds = (): string => [0, 1].map((thread) => Atomics.load(words, this.rounds(thread))).join()
    const before = rounds()
    let sleeping = 0
    for (const thread of [0, 1]) {
      const state = Atomics.load(words, this.state(thread))
      if (state === RUNNING) return false
      if (state === SLEEPING) {
        if (Atomics.load(words, this.bell(thread)) !== ASLEEP) return false
        sleeping++
      }
    }
    return sleeping > 0 && rounds() === before
  }
}

const CONTROL = 2 * 64 * 4
const ASLEEP = 1
export const RUNNING = 0
export const SLEEPING = 1
export const DONE = 2

/** The records of one direction of a case: each follows from its number. */
export class Records {
  private readonly seed: number
  private readonly usual: number
  private readonly longest: number
  /** The payload of the record made last. */
  readonly bytes: Uint8Array
  length = 0
  checksum = 0

  constructor({ longest, seed, usual }: Case, from: number) {
    this.seed = Math.imul(seed, 2) + from
    this.usual = usual
    this.longest = longest
    this.bytes = new Uint8Array(Math.max(usual, longest))
  }

  /** Says which link a record is of, so that none arrives by another. */
  get mark(): number {
    return this.seed | 0
  }

  make(n: number): void {
    const random = generator(this.seed ^ Math.imul(n, 0x85ebca6b))
    const limit = random() % 8 === 0 ? this.longest : this.usual
    this.length = random() % (limit + 1)
    let x = random() | 1
    for (let i = 0; i < this.length; i++) {
      x ^= x << 13
      x ^= x >>> 17
      x ^= x << 5
      this.bytes[i] = x
    }
    this.checksum = checksum(this.bytes, 0, this.length)
  }
}

/** FNV-1a. */
export const checksum = (bytes: Uint8Array, offset: number, end: number): number => {
  let hash = 0x811c9dc5
  for (let i = offset; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return hash | 0
}
