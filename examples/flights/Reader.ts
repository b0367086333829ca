/** The readers: each reads groups of rows on its own thread, and tells the airports of their flights. */
import { Actor } from "@troupe/runtime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Rpc, RpcGroup } from "effect/rpc"
import { Airport } from "./Airport.ts"
import { type Columns, Skipped } from "./Columns.ts"
import { InputError } from "./InputFile.ts"
import * as Source from "./Source.ts"

/** What a reader found in a group. */
const Found = Schema.Struct({ flights: Schema.Int, skipped: Schema.Array(Skipped) })

/** Rows that another thread has decoded: integers of 32 bits, as the bytes that they are. */
const Decoded = Schema.Struct({
  origin: Schema.Uint8Array,
  destination: Schema.Uint8Array,
  delay: Schema.Uint8Array,
  /** What the first two are indices into. */
  codes: Schema.Array(Schema.String),
  /** The number of the group, if the airports keep a journal. */
  group: Schema.NullOr(Schema.Int)
})

export const Reader = Actor.make("Reader", {
  args: Schema.Struct({ plan: Source.Plan, strict: Schema.Boolean }),
  protocol: RpcGroup.make(
    /** Reads a group and tells the airports of its flights. */
    Rpc.make("Read", {
      payload: Source.Group,
      success: Found,
      error: Schema.Union([InputError, Source.BadRow])
    }),
    /** Tells the airports of flights that another thread has read. */
    Rpc.make("Tell", { payload: Decoded }),
    /** Answers when every airport has counted what this reader told it: with their codes. */
    Rpc.make("Finish", { success: Schema.Array(Schema.String) }),
    /** To itself: tells of the next rows. */
    Rpc.make("Continue")
  )
})

/** The rows of a group, to be told by a reader on another thread. */
export const decoded = (
  { codes, delay, destination, origin }: Columns,
  group: number | null
): typeof Decoded.Type => ({
  origin: new Uint8Array(origin.buffer, origin.byteOffset, origin.byteLength),
  destination: new Uint8Array(destination.buffer, destination.byteOffset, destination.byteLength),
  delay: new Uint8Array(delay.buffer, delay.byteOffset, delay.byteLength),
  codes: Array.from(codes),
  group
})

/** Rows told of before the airports have their turn, so that messages are handled while they are young. */
const rowsAtOnce = 512

type AirportRef = Actor.Ref<typeof Airport>

/** Rows that are being told of. */
interface Work {
  readonly origin: Int32Array
  readonly destination: Int32Array
  readonly delay: Int32Array
  readonly codes: ReadonlyArray<string>
  /** By the index of the code. */
  readonly airports: ReadonlyArray<AirportRef>
  next: number
  readonly done: () => void
}

interface State {
  readonly source: Source.Reader
  /** Every airport that this reader tells of flights, by its code. */
  readonly airports: Map<string, AirportRef>
  readonly works: Array<Work>
}

export const ReaderLive = Reader.toLayer(Effect.gen(function*() {
  const airport = yield* Airport.byKey

  const airportsOf = (state: State, codes: ReadonlyArray<string>): ReadonlyArray<AirportRef> =>
    codes.map((code) => {
      let ref = state.airports.get(code)
      if (ref === undefined) {
        ref = airport(code)
        state.airports.set(code, ref)
      }
      return ref
    })

  /** Tells the airports of the next rows. */
  const tellNext = (work: Work): void => {
    const { airports, codes, delay, destination, origin } = work
    const end = Math.min(origin.length, work.next + rowsAtOnce)
    for (let i = work.next; i < end; i++) {
      const to = destination[i]!
      airports[origin[i]!]!.tellUnsafe("Departed", { destination: codes[to]!, delay: delay[i]! })
      airports[to]!.tellUnsafe("Arrived")
    }
    work.next = end
  }

  return Reader.of({
    state: Actor.opaque<State>(),
    initial: ({ plan, strict }) =>
      Effect.map(
        Effect.orDie(Source.open(plan, { strict })),
        (source): State => ({ source, airports: new Map(), works: [] })
      ),
    handlers: {
      Read: (state, group, ctx) =>
        Effect.map(state.source.read(group), (columns) => {
          const { codes, length, skipped } = columns
          const { replier } = ctx
          state.works.push({
            ...columns,
            airports: airportsOf(state, codes),
            next: 0,
            done: () => replier?.succeed({ flights: length, skipped })
          })
          ctx.send(ctx.self, "Continue")
          return Actor.later(state)
        }),
      Tell: (state, { codes, delay, destination, group, origin }, ctx) => {
        const { replier } = ctx
        const airports = airportsOf(state, codes)
        if (group !== null) { for (const airport of airports) ctx.send(airport, "Begin", { group }) }
        state.works.push({
          origin: new Int32Array(origin.buffer, origin.byteOffset, origin.length / 4),
          destination: new Int32Array(destination.buffer, destination.byteOffset, destination.length / 4),
          delay: new Int32Array(delay.buffer, delay.byteOffset, delay.length / 4),
          codes,
          airports,
          next: 0,
          done: () => replier?.succeed()
        })
        ctx.send(ctx.self, "Continue")
        return Actor.later(state)
      },
      Continue: (state, _, ctx) => {
        const work = state.works[0]
        if (work === undefined) return Actor.next(state)
        tellNext(work)
        if (work.next === work.origin.length) {
          state.works.shift()
          work.done()
        } else {
          ctx.send(ctx.self, "Continue")
        }
        return Actor.next(state)
      },
      Finish: (state) =>
        Effect.as(
          Effect.forEach(state.airports.values(), (airport) => Effect.orDie(airport.ask("Settled")), {
            concurrency: "unbounded",
            discard: true
          }),
          Actor.reply(state, Array.from(state.airports.keys()))
        )
    }
  })
}))
