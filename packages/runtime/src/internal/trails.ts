/** Messages that are followed live on one thread, by those who look at them: nobody looks at most times. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import type { Traced } from "../Inspect.ts"
import {
  BECOME,
  CRASH,
  FAIL,
  FORK,
  LATER,
  NEXT,
  REPLY,
  STASH,
  Step,
  STOP,
  STREAM,
  UNHANDLED
} from "./hot/step.ts"
import type { Wanted } from "./inspectWire.ts"
import * as Json from "./json.ts"
import type { LocalRef } from "./localRef.ts"
import { Told } from "./observedAsk.ts"
import type { MessageType } from "./protocol.ts"

/** Messages kept for somebody who lags behind; older ones are dropped, and counted. */
const KEPT = 1024
/** Messages that are handed over at once. */
const BATCH = 256
/** Whoever has let so many be dropped does not look any more. */
const ABANDONED = 1 << 20
/** Characters of a payload's JSON: what is longer is left out. */
const LONGEST = 1 << 14

export class Trails {
  private readonly thread: number
  private readonly trails = new Map<string, Trail>()
  private readonly codecs = new WeakMap<MessageType, Json.Encode>()
  /** Whether nobody looks. */
  none = true

  constructor(thread: number) {
    this.thread = thread
  }

  open(id: string, wanted: Wanted): Trail {
    let trail = this.trails.get(id)
    if (trail === undefined) {
      trail = new Trail(wanted)
      this.trails.set(id, trail)
      this.none = false
    }
    return trail
  }

  close(id: string): void {
    this.trails.get(id)?.close()
    this.trails.delete(id)
    this.none = this.trails.size === 0
  }

  /** Calls a handler, and shows its message to those who want to see it. */
  follow(at: number, ref: LocalRef, message: MessageType, payload: unknown, handle: () => unknown): unknown {
    const trails: Array<Trail> = []
    for (const [id, trail] of this.trails) {
      if (trail.dropped > ABANDONED) this.close(id)
      else if (trail.wants(ref, message.tag)) trails.push(trail)
    }
    if (trails.length === 0) return handle()
    const { replier } = ref
    const seen: Omit<Traced, "outcome" | "dropped"> = {
      at,
      thread: this.thread,
      address: ref.toJSON(),
      actor: ref.name,
      key: ref.key,
      tag: message.tag,
      asked: replier !== undefined && !(replier instanceof Told),
      payload: this.encode(ref, message, payload)
    }
    let outcome: Traced["outcome"] = "threw"
    try {
      const result = handle()
      outcome = outcomeOf(result)
      return result
    } finally {
      for (const trail of trails) trail.add({ ...seen, outcome })
    }
  }

  private encode(ref: LocalRef, message: MessageType, payload: unknown): unknown {
    let encode = this.codecs.get(message)
    if (encode === undefined) {
      encode = Json.encoder(message.rpc.payloadSchema as Schema.Top)
      this.codecs.set(message, encode)
    }
    const encoded = encode(payload, ref.host.context)
    if (Exit.isFailure(encoded)) return undefined
    const text = JSON.stringify(encoded.value)
    return text === undefined || text.length > LONGEST ? undefined : encoded.value
  }
}

/** What one of them wants to see, and has not seen yet. */
class Trail {
  private readonly wanted: Wanted
  private events: Array<Omit<Traced, "dropped">> = []
  /** Where the first one that counts lies. */
  private first = 0
  dropped = 0
  private waiting: (() => void) | undefined = undefined

  constructor(wanted: Wanted) {
    this.wanted = wanted
  }

  wants(ref: LocalRef, tag: string): boolean {
    const { actor, address } = this.wanted
    return (this.wanted.tag === undefined || this.wanted.tag === tag) &&
      (actor === undefined || actor === ref.name) &&
      (address === undefined || address === ref.toJSON())
  }

  add(event: Omit<Traced, "dropped">): void {
    this.events.push(event)
    if (this.events.length - this.first > KEPT) {
      this.first++
      this.dropped++
      if (this.first > KEPT) {
        this.events = this.events.slice(this.first)
        this.first = 0
      }
    }
    this.wake()
  }

  close(): void {
    this.wake()
  }

  private wake(): void {
    const { waiting } = this
    this.waiting = undefined
    waiting?.()
  }

  /** The next ones, when there are any. */
  readonly take: Effect.Effect<ReadonlyArray<Traced>> = Effect.callback((resume) => {
    const give = (): void => resume(Effect.sync(() => this.batch()))
    if (this.events.length > this.first) return give()
    this.waiting = give
    return Effect.sync(() => {
      if (this.waiting === give) this.waiting = undefined
    })
  })

  private batch(): ReadonlyArray<Traced> {
    const batch = this.events.slice(this.first, this.first + BATCH)
    this.first += batch.length
    if (this.first === this.events.length) {
      this.events = []
      this.first = 0
    }
    const { dropped } = this
    this.dropped = 0
    return batch.map((event, i) => ({ ...event, dropped: i === 0 ? dropped : 0 }))
  }
}

const outcomes: { readonly [kind: number]: Traced["outcome"] } = {
  [NEXT]: "next",
  [REPLY]: "reply",
  [FAIL]: "fail",
  [LATER]: "later",
  [STOP]: "stop",
  [CRASH]: "crash",
  [BECOME]: "become",
  [UNHANDLED]: "unhandled",
  [STASH]: "stash",
  [FORK]: "fork",
  [STREAM]: "stream"
}

const outcomeOf = (result: unknown): Traced["outcome"] =>
  result instanceof Step ? outcomes[result.kind] ?? "effect" : "effect"
