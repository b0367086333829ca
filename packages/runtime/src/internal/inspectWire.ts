/** What threads ask each other about their actors, and answer. */
import * as Schema from "effect/Schema"
import type { ActorInfo, State, Traced } from "../Inspect.ts"
import * as Codec from "../Codec.ts"

const Subject = Schema.Struct({ thread: Schema.Int, address: Schema.String })

const Info = Schema.Struct({
  thread: Schema.Int,
  address: Schema.String,
  actor: Schema.String,
  key: Schema.UndefinedOr(Schema.String),
  parent: Schema.UndefinedOr(Subject),
  status: Schema.Literals([
    "idle",
    "ready",
    "running",
    "busy",
    "starting",
    "held",
    "suspended",
    "ending"
  ]),
  postMortem: Schema.Boolean,
  waiting: Schema.Int,
  high: Schema.Int,
  capacity: Schema.UndefinedOr(Schema.Int),
  stashed: Schema.Int,
  kept: Schema.Int,
  handled: Schema.Number,
  failures: Schema.Number,
  restarts: Schema.Number,
  spawnedAt: Schema.Number,
  lastMessageAt: Schema.UndefinedOr(Schema.Number),
  lastFailure: Schema.UndefinedOr(
    Schema.Struct({ at: Schema.Number, tag: Schema.String, problem: Schema.String })
  )
})

/** Values cross as JSON. */
const Event = Schema.Struct({
  at: Schema.Number,
  thread: Schema.Int,
  address: Schema.String,
  actor: Schema.String,
  key: Schema.UndefinedOr(Schema.String),
  tag: Schema.String,
  asked: Schema.Boolean,
  payload: Schema.UndefinedOr(Schema.fromJsonString(Schema.Unknown)),
  outcome: Schema.Literals([
    "next",
    "reply",
    "fail",
    "later",
    "stop",
    "crash",
    "become",
    "unhandled",
    "stash",
    "fork",
    "stream",
    "effect",
    "threw"
  ]),
  dropped: Schema.Int
})

const Json = Schema.TaggedStruct("Json", { value: Schema.fromJsonString(Schema.Unknown) })
const Opaque = Schema.TaggedStruct("Opaque", {})
const Unreadable = Schema.TaggedStruct("Unreadable", { problem: Schema.String })
const None = Schema.TaggedStruct("None", {})

const Filter = Schema.Struct({
  actor: Schema.UndefinedOr(Schema.String),
  address: Schema.UndefinedOr(Schema.String),
  tag: Schema.UndefinedOr(Schema.String),
  parent: Schema.UndefinedOr(Schema.String),
  failed: Schema.UndefinedOr(Schema.Boolean)
})

/** What is wanted, of actors or of messages. */
export type Wanted = typeof Filter.Type

const Request = Schema.Union([
  Schema.TaggedStruct("Page", { from: Schema.Int, limit: Schema.Int, filter: Filter }),
  Schema.TaggedStruct("Find", { address: Schema.String }),
  Schema.TaggedStruct("State", { address: Schema.String }),
  Schema.TaggedStruct("Suspend", { address: Schema.String }),
  Schema.TaggedStruct("Resume", { address: Schema.String }),
  Schema.TaggedStruct("Enter", { address: Schema.String }),
  Schema.TaggedStruct("Leave", { address: Schema.String, end: Schema.Boolean }),
  Schema.TaggedStruct("Freeze", { frozen: Schema.Boolean }),
  Schema.TaggedStruct("Open", { trail: Schema.String, filter: Filter }),
  Schema.TaggedStruct("Next", { trail: Schema.String, filter: Filter }),
  Schema.TaggedStruct("Close", { trail: Schema.String })
])

export type Request = typeof Request.Type

const Answer = Schema.Union([
  /** `next` is where the next page begins; undefined after the last. */
  Schema.TaggedStruct("Page", { actors: Schema.Array(Info), next: Schema.UndefinedOr(Schema.Int) }),
  Schema.TaggedStruct("Found", { actor: Schema.UndefinedOr(Info) }),
  /** Undefined where there is no such actor. */
  Schema.TaggedStruct("State", { state: Schema.UndefinedOr(Schema.Union([Json, Opaque, Unreadable, None])) }),
  /** False where there is no such actor. */
  Schema.TaggedStruct("Done", { done: Schema.Boolean }),
  Schema.TaggedStruct("Traced", { events: Schema.Array(Event) })
])

export type Answer = typeof Answer.Type

export const request: Codec.Codec<Request> = Codec.make(Request)
export const answer: Codec.Codec<Answer> = Codec.make(Answer)

// What crosses is what users see.

type Same<A, B> = [A, B] extends [B, A] ? true : never
export type Checked = [
  Same<typeof Info.Type, ActorInfo>,
  Same<typeof Event.Type, Traced>,
  Same<NonNullable<Extract<Answer, { readonly _tag: "State" }>["state"]>, State>
]
