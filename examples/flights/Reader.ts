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

export const Reader = Actor.make("Reader", {
  args: Schema.Struct({ plan: Source.Plan, strict: Schema.Boolean }),
  protocol: RpcGroup.make(
    Rpc.make("Read", {
      payload: Source.Group,
      success: Found,
      error: Schema.Union([InputError, Source.BadRow])
    }),
    /** Answers when every airport has counted what this reader told it: with their codes. */
    Rpc.make("Finish", { success: Schema.Array(Schema.String) }),
    /** To itself: tells of the next rows. */
    Rpc.make("Continue")
  )
})

/** Rows told of before the airports have their turn, so that messages are handled while they are young. */
const rowsAtOnce = 512

/** What a reader is at: the group whose rows it tells of. */
interface Work {
  readonly columns: Columns
  next: number
  readonly done: () => void
}

interface State {
  readonly source: Source.Reader
  /** By the index of the code in the reader's columns. */
  readonly airports: Array<Actor.Ref<typeof Airport>>
  readonly codes: Array<string>
  work: Work | undefined
}

export const ReaderLive = Reader.toLayer(Effect.gen(function*() {
  const airport = yield* Airport.byKey
  return Reader.of({
    state: Actor.opaque<State>(),
    initial: ({ plan, strict }) =>
      Effect.map(Effect.orDie(Source.open(plan, { strict })), (source): State => ({
        source,
        airports: [],
        codes: [],
        work: undefined
      })),
    handlers: {
      Read: (state, group, ctx) =>
        Effect.map(state.source.read(group), (columns) => {
          const { codes, length, skipped } = columns
          for (let i = state.codes.length; i < codes.length; i++) {
            state.codes.push(codes[i]!)
            state.airports.push(airport(codes[i]!))
          }
          const { replier } = ctx
          state.work = { columns, next: 0, done: () => replier?.succeed({ flights: length, skipped }) }
          ctx.send(ctx.self, "Continue")
          return Actor.later(state)
        }),
      Continue: (state, _, ctx) => {
        const { work } = state
        if (work === undefined) return Actor.next(state)
        const { delay, destination, length, origin } = work.columns
        const end = Math.min(length, work.next + rowsAtOnce)
        for (let i = work.next; i < end; i++) {
          const to = destination[i]!
          state.airports[origin[i]!]!.tellUnsafe("Departed", {
            destination: state.codes[to]!,
            delay: delay[i]!
          })
          state.airports[to]!.tellUnsafe("Arrived")
        }
        work.next = end
        if (end < length) {
          ctx.send(ctx.self, "Continue")
        } else {
          state.work = undefined
          work.done()
        }
        return Actor.next(state)
      },
      Finish: (state) =>
        Effect.as(
          Effect.forEach(state.airports, (airport) => Effect.orDie(airport.ask("Settled")), {
            concurrency: "unbounded",
            discard: true
          }),
          Actor.reply(state, state.codes)
        )
    }
  })
}))
