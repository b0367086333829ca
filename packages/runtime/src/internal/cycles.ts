/**
 * Finds asks that wait for each other in a circle, when the last of them is asked. An actor whose handler waits for an
 * answer takes no other message: who asks it waits for whoever it asks. A probe follows these from actor to actor, to
 * other threads too, and has found a circle if it comes back to where it began. (The edge chasing of Chandy, Misra and
 * Haas, 1983: whichever ask comes last closes the circle, and its probe goes all around it.)
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AskCycle } from "../AskError.ts"
import * as Codec from "../Codec.ts"
import { KeyedRef } from "./keyedRef.ts"
import { LocalRef } from "./localRef.ts"
import type { ObservedAsk } from "./observedAsk.ts"
import * as Peer from "./peer.ts"
import type { Target } from "./ref.ts"
import { RemoteRef } from "./remoteRef.ts"
import type { System } from "./system.ts"

/** A message in hand, whose handler's effect is in flight. */
export class InFlight {
  readonly ref: LocalRef
  readonly tag: string
  /** What distinguishes it from every other one. */
  readonly id: string
  /** What it asks, and has no answer to. */
  readonly asks = new Set<ObservedAsk>()

  constructor(ref: LocalRef, tag: string, id: string) {
    this.ref = ref
    this.tag = tag
    this.id = id
  }

  toString(): string {
    const { key, name } = this.ref
    return key === undefined ? `${name}.${this.tag}` : `${name}(${key}).${this.tag}`
  }
}

/** The message in whose handler an effect runs; what it forks inherits it. */
export const InHand = Context.Reference<InFlight | undefined>("@troupe/runtime/internal/InHand", {
  defaultValue: () => undefined
})

const Probe = Schema.Struct({
  /** The thread on which it began, and the ask that it began with. */
  thread: Schema.Int,
  ask: Schema.Int,
  /** The messages in hand that it has come by, and how they are called. */
  ids: Schema.Array(Schema.String),
  names: Schema.Array(Schema.String)
})

/** A probe on its way. */
type Probe = typeof Probe.Type

const codec = Codec.make(Probe)

export class Cycles {
  private readonly system: System
  private readonly inHand = new Map<LocalRef, InFlight>()
  private readonly asks = new Map<number, ObservedAsk>()
  private numbers = 0

  constructor(system: System) {
    this.system = system
  }

  /** A handler's effect, which is known to run from now on. */
  handling<A, E, R>(ref: LocalRef, tag: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const handling = new InFlight(ref, tag, `${this.system.thread}:${++this.numbers}`)
      this.inHand.set(ref, handling)
      const over = Effect.sync(() => {
        if (this.inHand.get(ref) === handling) this.inHand.delete(ref)
      })
      return Effect.ensuring(Effect.provideService(effect, InHand, handling), over)
    })
  }

  /** An ask was sent, and is not answered. */
  sent(ask: ObservedAsk): void {
    const handling = Context.get(ask.context, InHand)
    // Its effect goes on after its handler is done: nobody waits for it.
    if (handling === undefined || this.inHand.get(handling.ref) !== handling) return
    ask.handling = handling
    ask.number = ++this.numbers
    handling.asks.add(ask)
    this.asks.set(ask.number, ask)
    this.follow(
      { thread: this.system.thread, ask: ask.number, ids: [handling.id], names: [String(handling)] },
      ask.target
    )
  }

  /** An ask is answered, or nobody waits for its answer any more. */
  over(ask: ObservedAsk): void {
    ask.handling?.asks.delete(ask)
    this.asks.delete(ask.number)
  }

  /** A probe has come from another thread, for this actor. */
  receive(target: Target, bytes: Codec.Bytes, offset: number, end: number): void {
    this.follow(codec.decode(bytes, offset, end), target)
  }

  private follow(probe: Probe, target: Target): void {
    if (target instanceof RemoteRef) {
      const { contract, peer, version } = target
      peer.write(Peer.PROBE, Peer.address(contract.host, 0), target.target, version, 0, probe, codec)
      return
    }
    const ref = target instanceof KeyedRef ? target.alive : target instanceof LocalRef ? target : undefined
    const handling = ref && this.inHand.get(ref)
    if (handling === undefined) return
    const names = [...probe.names, String(handling)]
    const first = probe.thread === this.system.thread ? this.asks.get(probe.ask) : undefined
    if (first !== undefined && first.handling === handling) {
      return first.abandon(new AskCycle({ chain: names }))
    }
    // A circle that it does not begin in.
    if (probe.ids.includes(handling.id)) return
    const next = { ...probe, ids: [...probe.ids, handling.id], names }
    for (const ask of handling.asks) this.follow(next, ask.target)
  }
}
