/**
 * The check: the same figures by a direct loop over the same rows, as plainly as they can be computed, and
 * nothing shared with the actors, which count delays where this sorts them.
 */
import * as Effect from "effect/Effect"
import type { Figures, Outcome } from "./Figures.ts"
import type { InputError } from "./InputFile.ts"
import * as Source from "./Source.ts"

interface Tally {
  arrivals: number
  readonly delays: Array<number>
  readonly destinations: Map<string, number>
}

/** The figures of every airport in the plan's rows, in the order of their codes. */
export const direct = (
  plan: Source.Plan,
  onRows: (rows: number) => void
): Effect.Effect<ReadonlyArray<Figures>, InputError | Source.BadRow> =>
  Effect.scoped(Effect.gen(function*() {
    const tallies = new Map<string, Tally>()
    const tallyOf = (code: string): Tally => {
      let tally = tallies.get(code)
      if (tally === undefined) {
        tally = { arrivals: 0, delays: [], destinations: new Map() }
        tallies.set(code, tally)
      }
      return tally
    }
    const reader = yield* Source.open(plan, { strict: false })
    for (const group of plan.groups) {
      const { codes, delay, destination, length, origin } = yield* reader.read(group)
      for (let i = 0; i < length; i++) {
        const to = codes[destination[i]!]!
        const from = tallyOf(codes[origin[i]!]!)
        from.delays.push(delay[i]!)
        from.destinations.set(to, (from.destinations.get(to) ?? 0) + 1)
        tallyOf(to).arrivals++
      }
      onRows(group.rows)
    }
    return Array.from(tallies, ([code, tally]) => figuresOf(code, tally)).sort((a, b) =>
      compare(a.code, b.code)
    )
  }))

const figuresOf = (code: string, { arrivals, delays, destinations }: Tally): Figures => {
  const departures = delays.length
  if (departures === 0) {
    return { code, departures, arrivals, meanDelay: null, p95Delay: null, topDestination: null }
  }
  delays.sort((a, b) => a - b)
  return {
    code,
    departures,
    arrivals,
    meanDelay: delays.reduce((sum, delay) => sum + delay, 0) / departures,
    p95Delay: delays[Math.ceil(departures * 95 / 100) - 1]!,
    topDestination: Array.from(destinations).sort(([a, m], [b, n]) => n - m || compare(a, b))[0]![0]
  }
}

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

/** Each figure of each airport that the two do not agree on, in words; none if all are equal. */
export const differences = (
  actors: ReadonlyArray<Figures>,
  direct: ReadonlyArray<Figures>
): ReadonlyArray<string> => {
  const found: Array<string> = []
  const byActors = new Map(actors.map((figures) => [figures.code, figures]))
  if (byActors.size < actors.length) {
    found.push(`the actors gave ${actors.length} airports, of which only ${byActors.size} are different ones`)
  }
  const byLoop = new Map(direct.map((figures) => [figures.code, figures]))
  for (const code of [...new Set([...byActors.keys(), ...byLoop.keys()])].sort(compare)) {
    const a = byActors.get(code)
    const b = byLoop.get(code)
    if (a === undefined || b === undefined) {
      found.push(`${code} is known only to ${a === undefined ? "the direct loop" : "the actors"}`)
      continue
    }
    for (const figure of ["departures", "arrivals", "meanDelay", "p95Delay", "topDestination"] as const) {
      if (a[figure] !== b[figure]) {
        found.push(
          `${code} differs in ${figure}: ${a[figure]} by the actors, ${b[figure]} by the direct loop`
        )
      }
    }
  }
  return found
}

/** What does not add up in the runtime's counters, in words. */
export const imbalances = (outcome: Outcome): ReadonlyArray<string> => {
  const { messages, resumed, workers } = outcome
  const flights = outcome.flights - (resumed?.flights ?? 0)
  const { deadLetters, handled, sent } = messages
  const byWorkers = workers.reduce((sum, worker) => sum + worker.handled, 0)
  return [
    ...(sent === handled + deadLetters
      ? []
      : [`${sent} messages were sent, but ${handled} handled and ${deadLetters} dead letters`]),
    ...(deadLetters === 0 ? [] : [`${deadLetters} messages became dead letters`]),
    ...(handled >= 2 * flights
      ? []
      : [`${flights} flights are ${2 * flights} messages, but ${handled} were handled`]),
    ...workers.filter((worker) => worker.handled === 0).map(({ name }) => `${name} handled no message`),
    ...(byWorkers === handled
      ? []
      : [`${handled} messages were handled, but the workers handled ${byWorkers}`])
  ]
}
