/**
 * What waits for an actor whose messages are not all alike: lanes by priority, in which newer messages may take the
 * places of older ones.
 *
 * **Contract**: one thread.
 * **Invariant**: the lanes are in the order of their priorities, the highest first; two of the same priority are told
 * apart by whether their messages interleave. In each lane the serials grow. An entry with a key stands in `keys`
 * under its lane's message and that key, as long as it waits.
 * **Ordering**: by priority, then by serial: stable. A message without a lane is the last of all that waited when it
 * came.
 * **Allocation**: an entry a message.
 * **Evidence**: `test/hot/lanes.test.ts` compares it with a sorted array.
 */
import type { Message, Replier } from "./cell.ts"

/** What of a message decides about its place. */
export interface Ranked extends Message {
  /** The place of its lane among those of the protocol. */
  readonly lane: number
  /** Messages of its kind with the same key are one; undefined where each is one of its own. */
  readonly key: ((payload: unknown) => unknown) | undefined
}

/** A lane. */
export interface Rank {
  readonly priority: number
  readonly interleave: boolean
}

/** A message that waits. */
export class Entry {
  readonly message: Message
  payload: unknown
  replier: Replier | undefined
  readonly serial: number
  /** Undefined for one that stands under no key. */
  readonly keys: Map<unknown, Entry> | undefined
  readonly key: unknown
  next: Entry | undefined = undefined

  constructor(
    message: Message,
    payload: unknown,
    replier: Replier | undefined,
    serial: number,
    keys: Map<unknown, Entry> | undefined,
    key: unknown
  ) {
    this.message = message
    this.payload = payload
    this.replier = replier
    this.serial = serial
    this.keys = keys
    this.key = key
  }
}

class Lane {
  first: Entry | undefined = undefined
  last: Entry | undefined = undefined
}

/** A key that no message has. */
const NONE = Symbol("none")

export class Lanes {
  private readonly ranks: ReadonlyArray<Rank>
  private readonly lanes: ReadonlyArray<Lane>
  /** By the messages' places in the protocol. */
  private readonly keys = new Map<number, Map<unknown, Entry>>()
  /** What waits for all that came before it. */
  private barrier: Entry | undefined = undefined
  private newest = 0
  private oldest = 0
  /** How many wait that interleave. */
  interleaved = 0

  constructor(ranks: ReadonlyArray<Rank>) {
    this.ranks = ranks
    this.lanes = ranks.map(() => new Lane())
  }

  /** The message that waits whose place one like this would take. */
  find(message: Ranked, payload: unknown): Entry | undefined {
    return message.key === undefined ? undefined : this.keys.get(message.index)?.get(keyOf(message, payload))
  }

  /** Adds a message, the last of its lane. */
  add(message: Ranked, payload: unknown, replier: Replier | undefined): void {
    const entry = this.entry(message, payload, replier, ++this.newest)
    const lane = this.lanes[message.lane]!
    if (lane.last === undefined) lane.first = entry
    else lane.last.next = entry
    lane.last = entry
    if (this.ranks[message.lane]!.interleave) this.interleaved++
  }

  /** Adds a message, the first of its lane. */
  addFirst(message: Ranked, payload: unknown, replier: Replier | undefined): void {
    const entry = this.entry(message, payload, replier, --this.oldest)
    const lane = this.lanes[message.lane]!
    entry.next = lane.first
    lane.first = entry
    lane.last ??= entry
    if (this.ranks[message.lane]!.interleave) this.interleaved++
  }

  /** Whether something waits for all that came before it. */
  get barred(): boolean {
    return this.barrier !== undefined
  }

  /** Adds what waits for all that is there now, if nothing does. */
  bar(message: Message, payload: unknown, replier: Replier | undefined): void {
    // One is enough: it ends the actor.
    this.barrier ??= new Entry(message, payload, replier, ++this.newest, undefined, undefined)
  }

  /** The message whose turn it is. */
  get first(): Entry {
    const { barrier, lanes, ranks } = this
    const limit = barrier?.serial ?? Infinity
    for (let i = 0; i < lanes.length; i++) {
      const entry = lanes[i]!.first
      if (entry === undefined || entry.serial > limit) continue
      // The lanes of one priority stand side by side.
      const other = i + 1 < lanes.length && ranks[i + 1]!.priority === ranks[i]!.priority
        ? lanes[i + 1]!.first
        : undefined
      return other !== undefined && other.serial < entry.serial ? other : entry
    }
    return barrier!
  }

  /** The oldest of the lowest priority. */
  get lowest(): Entry {
    const { lanes, ranks } = this
    for (let i = lanes.length - 1; i >= 0; i--) {
      const entry = lanes[i]!.first
      if (entry === undefined) continue
      const other = i > 0 && ranks[i - 1]!.priority === ranks[i]!.priority ? lanes[i - 1]!.first : undefined
      return other !== undefined && other.serial < entry.serial ? other : entry
    }
    return this.barrier!
  }

  /** The first that interleaves; there must be one. */
  get interleaving(): Entry {
    const at = this.ranks.findIndex(({ interleave }, i) => interleave && this.lanes[i]!.first !== undefined)
    return this.lanes[at]!.first!
  }

  /** Takes an entry out, which is the first of its lane, or the barrier. */
  remove(entry: Entry): void {
    if (entry === this.barrier) {
      this.barrier = undefined
      return
    }
    const at = (entry.message as Ranked).lane
    const lane = this.lanes[at]!
    lane.first = entry.next
    if (lane.first === undefined) lane.last = undefined
    if (this.ranks[at]!.interleave) this.interleaved--
    entry.keys?.delete(entry.key)
  }

  private entry(message: Ranked, payload: unknown, replier: Replier | undefined, serial: number): Entry {
    if (message.key === undefined) return new Entry(message, payload, replier, serial, undefined, undefined)
    const key = keyOf(message, payload)
    if (key === NONE) return new Entry(message, payload, replier, serial, undefined, undefined)
    let keys = this.keys.get(message.index)
    if (keys === undefined) this.keys.set(message.index, keys = new Map())
    const entry = new Entry(message, payload, replier, serial, keys, key)
    keys.set(key, entry)
    return entry
  }
}

const keyOf = (message: Ranked, payload: unknown): unknown => {
  // It runs within the sender's call, who is not to blame for it.
  try {
    return message.key!(payload)
  } catch {
    return NONE
  }
}
