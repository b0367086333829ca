/** How a reference goes from thread to thread: what it takes to reach the same actor from there. */
import * as Schema from "effect/Schema"
import * as ActorId from "../ActorId.ts"
import * as Layout from "../Layout.ts"

/** An actor of a kind that the workers host. */
const Spawned = Schema.TaggedStruct("Spawned", { id: ActorId.ActorId })

/** A key of a kind that the workers host. */
const Keyed = Schema.TaggedStruct("Keyed", { type: Layout.Uint16, key: Schema.String })

/** Where the mailbox of an actor is that the threads share, and how much it holds. */
const Place = Schema.Struct({
  place: Layout.Uint32,
  generation: Layout.Uint32,
  capacity: Layout.Uint32,
  overflow: Schema.Literals(["suspend", "fail", "dropNewest", "dropOldest"])
})

/** An actor that only its own thread knows, or whose mailbox is bounded. */
const Other = Schema.TaggedStruct("Other", {
  id: ActorId.ActorId,
  name: Schema.String,
  mailbox: Schema.optionalKey(Place)
})

/** A key of a kind that only its own thread hosts. */
const OtherKey = Schema.TaggedStruct("OtherKey", {
  type: Layout.Uint16,
  machine: Layout.Uint8,
  name: Schema.String,
  key: Schema.String
})

/** Outside of the system that it is of, and for what has ended. */
const Text = Schema.TaggedStruct("Text", { text: Schema.String })

export const Address = Schema.Union([Spawned, Keyed, Other, OtherKey, Text])

export type Address = typeof Address.Type
