/**
 * What each thread counts of each kind of actor, where all threads of the system can read it: counting is a plain
 * store, and reading stops nobody. Effect's metrics are registered with these numbers behind them.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { ObservedAsk } from "./observedAsk.ts"

const ACCEPTED = 0
const HANDLED = 1
const DEAD = 2
const FAILED = 3
const ALIVE = 4
const HIGH = 5
const ASKS = 6
const ASK_SUM = 7
const ASK_MIN = 8
const ASK_MAX = 9
/** The first of the buckets for how long asks took. */
const BUCKETS = 10

/** The upper bounds of the buckets, in milliseconds: from a microsecond to about half a minute. */
const BOUNDARIES: ReadonlyArray<number> = Array.from({ length: 26 }, (_, i) => 0.001 * 2 ** i)

/** The numbers of one kind of actor on one thread. The last bucket has what took longer. */
const COLUMNS = BUCKETS + BOUNDARIES.length + 1

export type Row = Float64Array

/** Memory for the numbers of these kinds of actors, on each thread. */
export const memory = (threads: number, hosts: number): SharedArrayBuffer =>
  new SharedArrayBuffer(Math.max(1, threads * hosts) * COLUMNS * 8)

export class Metrics {
  private readonly thread: number
  private readonly context: Context.Context<never>
  private readonly rows = new Map<string, Row>()
  private readonly registrations: Array<Metric.Registration> = []

  /** Shows the numbers to those who read the metrics of this context. */
  constructor(thread: number, context: Context.Context<never>) {
    this.thread = thread
    this.context = context
  }

  /** Counts in memory that all threads share, from now on. The thread that made the system shows those of all. */
  share(shared: SharedArrayBuffer, hosts: ReadonlyArray<string>, threads: number): void {
    for (let thread = 0; thread < threads; thread++) {
      hosts.forEach((name, host) => {
        const row = new Float64Array(shared, (thread * hosts.length + host) * COLUMNS * 8, COLUMNS)
        if (thread === this.thread) {
          // Whatever lived on a thread that has ended does not live any more.
          row[ALIVE] = 0
          this.rows.set(name, row)
        }
        if (this.thread === 0) this.show(name, thread, row)
      })
    }
  }

  /** The row of a kind of actor on this thread. */
  row(name: string): Row {
    let row = this.rows.get(name)
    if (row === undefined) {
      row = new Float64Array(COLUMNS)
      this.rows.set(name, row)
      this.show(name, this.thread, row)
    }
    return row
  }

  accepted(row: Row, depth: number): void {
    row[ACCEPTED]!++
    if (depth > row[HIGH]!) row[HIGH] = depth
  }

  handled(row: Row): void {
    row[HANDLED]!++
  }

  deadLettered(name: string): void {
    this.row(name)[DEAD]!++
  }

  failed(name: string): void {
    this.row(name)[FAILED]!++
  }

  born(name: string): void {
    this.row(name)[ALIVE]!++
  }

  died(name: string): void {
    this.row(name)[ALIVE]!--
  }

  /** An ask is over. */
  asked(ask: ObservedAsk): void {
    const row = this.row(ask.actor)
    const millis = Number(nanos(ask.context) - ask.startedAt) / 1e6
    row[ASK_MIN] = row[ASKS] === 0 ? millis : Math.min(row[ASK_MIN]!, millis)
    row[ASK_MAX] = Math.max(row[ASK_MAX]!, millis)
    row[ASKS]!++
    row[ASK_SUM]! += millis
    let bucket = 0
    while (bucket < BOUNDARIES.length && millis > BOUNDARIES[bucket]!) bucket++
    row[BUCKETS + bucket]!++
  }

  /** Nobody reads them any more. */
  close(): void {
    for (const registration of this.registrations) registration.remove()
  }

  private show(actor: string, thread: number, row: Row): void {
    const { context } = this
    const attributes = { actor, thread: String(thread) }
    const counter = (id: string, description: string, column: number): void => {
      const metric = Metric.counter(id, { description, attributes, incremental: true })
      this.registrations.push(
        Metric.registerUnsafe(metric, context, hooks(() => ({ count: row[column]!, incremental: true })))
      )
    }
    const gauge = (id: string, description: string, column: number): void => {
      const metric = Metric.gauge(id, { description, attributes })
      this.registrations.push(Metric.registerUnsafe(metric, context, hooks(() => ({ value: row[column]! }))))
    }
    counter("actor_messages_accepted", "Messages that came to actors", ACCEPTED)
    counter("actor_messages_handled", "Messages whose handlers were called", HANDLED)
    counter("actor_messages_dead_lettered", "Messages that reached nobody", DEAD)
    counter("actor_failures", "Actors that failed", FAILED)
    gauge("actor_alive", "Actors that live", ALIVE)
    gauge("actor_mailbox_high", "The most messages that ever waited for one actor", HIGH)
    const asks = Metric.histogram("actor_ask_millis", {
      description: "How long it took until an ask was over, where it was asked",
      attributes: { ...attributes, time_unit: "milliseconds" },
      boundaries: BOUNDARIES
    })
    this.registrations.push(Metric.registerUnsafe(asks, context, hooks(() => histogram(row))))
  }
}

/** The numbers are read, and never written through the registry. */
const hooks = <State>(get: () => State): Metric.Metric.Hooks<never, State> => ({
  get,
  update: () => {},
  modify: () => {}
})

const histogram = (row: Row): Metric.HistogramState => {
  let count = 0
  const buckets = BOUNDARIES.map((boundary, i): [number, number] => [boundary, count += row[BUCKETS + i]!])
  return { buckets, count: row[ASKS]!, min: row[ASK_MIN]!, max: row[ASK_MAX]!, sum: row[ASK_SUM]! }
}

/** The time by the clock of a context. */
export const nanos = (context: Context.Context<never>): bigint =>
  Context.get(context, Clock.Clock).currentTimeNanosUnsafe()
