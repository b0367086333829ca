/** The airports: each one a keyed actor, by its code. */
import { Actor } from "@troupe/runtime"
import * as Schema from "effect/Schema"
import { Rpc, RpcGroup } from "effect/rpc"
import { Figures } from "./Figures.ts"

export const Airport = Actor.make("Airport", {
  protocol: RpcGroup.make(
    Rpc.make("Departed", { payload: { destination: Schema.String, delay: Schema.Int } }),
    Rpc.make("Arrived"),
    /** Answers when all that its asker has told before is counted. */
    Rpc.make("Settled"),
    Rpc.make("Figures", { success: Figures })
  )
})

/** What an airport keeps; it is its own, and changed in place. */
class Tally {
  departures = 0
  arrivals = 0
  totalDelay = 0
  readonly delays = new Histogram()
  readonly destinations = new Map<string, number>()
  /** The step that keeps it: a value like any other, made once and not for each message. */
  readonly kept = Actor.next(this)
}

/** How often each integer was seen. */
class Histogram {
  private counts = new Uint32Array(512)
  /** The integer that the first of the counts is for. */
  private first = -128

  add(value: number): void {
    const at = value - this.first
    if (at < 0 || at >= this.counts.length) this.grow(value)
    this.counts[value - this.first]!++
  }

  /** The value at `place`, counted from 1, of all values in order. */
  at(place: number): number {
    let seen = 0
    let at = -1
    while (seen < place) seen += this.counts[++at]!
    return this.first + at
  }

  private grow(value: number): void {
    const old = this.counts
    const first = Math.min(this.first, value)
    const end = Math.max(this.first + old.length, value + 1)
    // Twice what is needed, towards the side that was too short.
    const size = 2 * (end - first)
    const from = value < this.first ? end - size : first
    this.counts = new Uint32Array(size)
    this.counts.set(old, this.first - from)
    this.first = from
  }
}

const mostFrequent = (counts: ReadonlyMap<string, number>): string | null => {
  let best: string | null = null
  let most = 0
  for (const [code, count] of counts) {
    if (count > most || (count === most && best !== null && code < best)) {
      best = code
      most = count
    }
  }
  return best
}

export const AirportLive = Airport.toLayer({
  state: Actor.opaque<Tally>(),
  initial: () => new Tally(),
  handlers: {
    Departed: (tally, { delay, destination }) => {
      tally.departures++
      tally.totalDelay += delay
      tally.delays.add(delay)
      tally.destinations.set(destination, (tally.destinations.get(destination) ?? 0) + 1)
      return tally.kept
    },
    Arrived: (tally) => {
      tally.arrivals++
      return tally.kept
    },
    Settled: (tally) => tally.kept,
    Figures: (tally, _, { key }) => {
      const { arrivals, delays, departures, destinations, totalDelay } = tally
      const none = departures === 0
      return Actor.reply(tally, {
        code: key!,
        departures,
        arrivals,
        meanDelay: none ? null : totalDelay / departures,
        p95Delay: none ? null : delays.at(Math.ceil(departures * 95 / 100)),
        topDestination: mostFrequent(destinations)
      })
    }
  }
})
