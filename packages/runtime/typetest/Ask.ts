/** What must and must not compile, of many asks as one. */
import type * as ActorRef from "@troupe/runtime/ActorRef"
import * as Ask from "@troupe/runtime/Ask"
import type { AskError } from "@troupe/runtime/AskError"
import type { QuorumError } from "@troupe/runtime/QuorumError"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Num from "effect/Number"
import * as Rpc from "effect/rpc/Rpc"
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Str from "effect/String"
import type * as Stream from "effect/Stream"
import { type Equal, typed } from "./expect.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {}

const Count = Rpc.make("Count", { success: Schema.Number })
const Name = Rpc.make("Name", { success: Schema.String, error: Refused })

declare const ref: ActorRef.ActorRef<typeof Count | typeof Name>
declare const refs: Iterable<typeof ref>
declare const set: Set<Effect.Effect<number, AskError>>
declare const needy: Effect.Effect<number, never, Context.Service.Identifier<typeof Needed>>
declare const Needed: Context.Service<"Needed", string>

// ---- the shape of the asks is the shape of the answers

const tuple = Ask.all([ref.ask("Count"), ref.ask("Name")])
typed<Equal<typeof tuple, Effect.Effect<[number, string], AskError | Refused>>>()
const record = Ask.all({ n: ref.ask("Count"), s: ref.ask("Name") }, { timeout: "1 second" })
typed<Equal<typeof record, Effect.Effect<{ n: number; s: string }, AskError | Refused>>>()
const iterable = Ask.all(set)
typed<Equal<typeof iterable, Effect.Effect<Array<number>, AskError>>>()
const other = Ask.all([needy])
typed<Equal<typeof other, Effect.Effect<[number], AskError, "Needed">>>()

const settled = Ask.settled({ n: ref.ask("Count"), s: ref.ask("Name") })
typed<
  Equal<
    typeof settled,
    Effect.Effect<{ n: Result.Result<number, AskError>; s: Result.Result<string, Refused | AskError> }>
  >
>()
const settledSet = Ask.settled(set)
typed<Equal<typeof settledSet, Effect.Effect<Array<Result.Result<number, AskError>>>>>()

// ---- enough of them

const quorum = Ask.quorum([ref.ask("Name")])
typed<Equal<typeof quorum, Effect.Effect<Array<string>, QuorumError<Refused | AskError> | AskError>>>()
const race = Ask.race(set)
typed<Equal<typeof race, Effect.Effect<number, QuorumError<AskError> | AskError>>>()
const hedge = Ask.hedge([ref.ask("Count")], { after: 5 })
typed<Equal<typeof hedge, Effect.Effect<number, QuorumError<AskError> | AskError>>>()
// @ts-expect-error -- how long it waits is not for us to guess
void Ask.hedge([ref.ask("Count")])

// ---- map-reduce

const sum = Ask.reduce(refs, (ref) => ref.ask("Count"), Num.ReducerSum)
typed<Equal<typeof sum, Effect.Effect<number, AskError>>>()
const text = Ask.scan(refs, (ref) => ref.ask("Name"), Str.ReducerConcat)
typed<Equal<typeof text, Stream.Stream<Ask.Progress<string>, Refused | AskError>>>()
// @ts-expect-error -- numbers are not texts
void Ask.reduce(refs, (ref) => ref.ask("Count"), Str.ReducerConcat)
