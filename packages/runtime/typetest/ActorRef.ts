/** References as types: schemas of them, and adapted ones. */
import * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

const Asking = RpcGroup.make(Rpc.make("Ask", { payload: { n: Schema.Int }, success: Schema.Int }))
const Telling = RpcGroup.make(Rpc.make("Tell", { payload: { n: Schema.Int } }))

const Both = Actor.make("Both", {
  protocol: RpcGroup.make(
    Rpc.make("Number", { payload: { n: Schema.Int }, success: Schema.Int }),
    Rpc.make("Text", { payload: { n: Schema.Int }, success: Schema.String }),
    Rpc.make("Picky", { payload: { n: Schema.Int }, success: Schema.Int, error: Schema.Literal("no") })
  )
})

export const adapted = (both: Actor.Ref<typeof Both>) => [
  ActorRef.contramap(both, Asking, { Ask: ({ n }) => ["Number", { n }] }),
  ActorRef.contramap(both, Telling, { Tell: ({ n }) => ["Text", { n }] }),
  // @ts-expect-error -- the answer is another one
  ActorRef.contramap(both, Asking, { Ask: ({ n }) => ["Text", { n }] }),
  // @ts-expect-error -- an error that nobody expects
  ActorRef.contramap(both, Asking, { Ask: ({ n }) => ["Picky", { n }] }),
  // @ts-expect-error -- a message that it does not have
  ActorRef.contramap(both, Telling, { Tell: ({ n }) => ["Nothing", { n }] }),
  // @ts-expect-error -- a payload of another type
  ActorRef.contramap(both, Telling, { Tell: ({ n }) => ["Number", { n: `${n}` }] }),
  // @ts-expect-error -- nothing said about a message
  ActorRef.contramap(both, Asking, {})
]

/** What somebody who is sent a reference knows of it. */
const Sent = Schema.Struct({ both: Both.ref, asked: ActorRef.ActorRef(Asking) })

export const sent = ({ asked, both }: typeof Sent.Type) => [
  both.ask("Number", { n: 1 }),
  asked.ask("Ask", { n: 1 }),
  // @ts-expect-error -- not one of its messages
  asked.ask("Number", { n: 1 })
]
