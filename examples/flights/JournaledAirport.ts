/** Airports that keep a journal: what they have counted is there again after the process was killed. */
import { DiskStorage, EventSourced, Journal, SnapshotPolicy } from "@troupe/persistence"
import { ActorSystem } from "@troupe/runtime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { join } from "node:path"
import { Airport } from "./Airport.ts"
import { Tally } from "./Tally.ts"

/**
 * A tally, and how far it has come: whoever tells of a group of rows a second time, since the process ended before the
 * group was done, tells the same messages in the same order, and those that were counted are passed over.
 */
class Journaled extends Tally {
  /** The group that is being told of. */
  group = -1
  /** How many of its messages are counted. */
  counted = 0
  /** How many of those to come are counted already. Not kept: after a failure of the actor alone nothing comes twice. */
  over = 0
}

const State = Schema.Struct({
  departures: Schema.Int,
  arrivals: Schema.Int,
  totalDelay: Schema.Int,
  delays: Schema.Array(Schema.Tuple([Schema.Int, Schema.Int])),
  destinations: Schema.Array(Schema.Tuple([Schema.String, Schema.Int])),
  group: Schema.Int,
  counted: Schema.Int
}).pipe(Schema.decodeTo(
  Schema.instanceOf(Journaled),
  SchemaTransformation.transform({
    decode: ({ delays, destinations, ...rest }) => {
      const tally = Object.assign(new Journaled(), rest)
      for (const [delay, times] of delays) tally.delays.add(delay, times)
      for (const [code, times] of destinations) tally.destinations.set(code, times)
      return tally
    },
    encode: ({ arrivals, counted, delays, departures, destinations, group, totalDelay }) => ({
      departures,
      arrivals,
      totalDelay,
      delays: Array.from(delays.entries()),
      destinations: Array.from(destinations),
      group,
      counted
    })
  })
))

const Event = Schema.Union([
  Schema.TaggedStruct("Began", { group: Schema.Int }),
  Schema.TaggedStruct("Departed", { destination: Schema.String, delay: Schema.Int }),
  Schema.TaggedStruct("Arrived", {})
])
type Event = typeof Event.Type

/** What a message comes to that was counted before the process ended. */
const passOver = (tally: Journaled) => {
  tally.over--
  return EventSourced.none
}

/** Events after which an airport writes down its tally, and gives up the events before it. */
const snapshotEvents = 2000

const live = EventSourced.toLayer(Airport, {
  state: State,
  events: Event,
  initial: () => new Journaled(),
  apply: (tally, event) => {
    if (event._tag === "Began") {
      tally.group = event.group
      tally.counted = 0
      return tally
    }
    if (event._tag === "Departed") tally.departed(event.destination, event.delay)
    else tally.arrivals++
    tally.counted++
    return tally
  },
  commands: {
    Begin: (tally, { group }) => {
      tally.over = group === tally.group ? tally.counted : 0
      return group === tally.group ? EventSourced.none : EventSourced.persist<Event>({ _tag: "Began", group })
    },
    Departed: (tally, { delay, destination }) =>
      tally.over > 0
        ? passOver(tally)
        : EventSourced.persist<Event>({ _tag: "Departed", destination, delay }),
    Arrived: (tally) => tally.over > 0 ? passOver(tally) : EventSourced.persist<Event>({ _tag: "Arrived" }),
    // What is settled survives a loss of power too: one sync serves all airports of a thread.
    Settled: () =>
      EventSourced.andThen(
        EventSourced.none,
        () => Effect.flatMap(Journal.Journal, ({ sync }) => Effect.orDie(sync))
      ),
    Figures: (tally, _, { key }) => EventSourced.reply(tally.figures(key!))
  },
  snapshots: SnapshotPolicy.keeping(SnapshotPolicy.every(snapshotEvents), 1, { discardEvents: true })
})

/** Bytes of each of the journal's files. */
const capacity = 2 ** 23

/** The airports of this thread, with their journal in a directory of the thread's own. */
export const journaledAirports = (directory: string) =>
  Layer.unwrap(Effect.map(ActorSystem.ActorSystem, ({ thread }) =>
    Layer.provide(
      live,
      Layer.orDie(DiskStorage.layer({
        directory: join(directory, `airports-${thread}`),
        durability: "none",
        capacity
      }))
    )))
