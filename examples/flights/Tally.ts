/** What an airport keeps of its flights. */
import { Actor } from "@troupe/runtime"
import type { Figures } from "./Figures.ts"

/** What an airport keeps; it is its own, and changed in place. */
export class Tally {
  departures = 0
  arrivals = 0
  totalDelay = 0
  readonly delays = new Histogram()
  readonly destinations = new Map<string, number>()
  /** The step that keeps it: a value like any other, made once and not for each message. */
  readonly kept = Actor.next(this)

  departed(destination: string, delay: number): void {
    this.departures++
    this.totalDelay += delay
    this.delays.add(delay)
    this.destinations.set(destination, (this.destinations.get(destination) ?? 0) + 1)
  }

  figures(code: string): Figures {
    const { arrivals, delays, departures, destinations, totalDelay } = this
    const none = departures === 0
    return {
      code,
      departures,
      arrivals,
      meanDelay: none ? null : totalDelay / departures,
      p95Delay: none ? null : delays.at(Math.ceil(departures * 95 / 100)),
      topDestination: mostFrequent(destinations)
    }
  }
}

/** How often each integer was seen. */
class Histogram {
  private counts = new Uint32Array(512)
  /** The integer that the first of the counts is for. */
  private first = -128

  add(value: number, times = 1): void {
    const at = value - this.first
    if (at < 0 || at >= this.counts.length) this.grow(value)
    this.counts[value - this.first]! += times
  }

  /** The value at `place`, counted from 1, of all values in order. */
  at(place: number): number {
    let seen = 0
    let at = -1
    while (seen < place) seen += this.counts[++at]!
    return this.first + at
  }

  /** Each integer that was seen, and how often. */
  *entries(): Generator<readonly [value: number, count: number]> {
    for (const [i, count] of this.counts.entries()) if (count > 0) yield [this.first + i, count]
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
