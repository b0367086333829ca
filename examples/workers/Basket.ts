/** A basket for each customer: its state has a schema, so it moves with its key. */
import * as Actor from "@troupe/runtime/Actor"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

export const Basket = Actor.make("Basket", {
  protocol: RpcGroup.make(
    Rpc.make("Put", { payload: { item: Schema.String } }),
    Rpc.make("Items", { success: Schema.Array(Schema.String) })
  )
})

export const BasketLive = Basket.toLayer({
  state: Schema.Array(Schema.String),
  initial: (): ReadonlyArray<string> => [],
  handlers: {
    Put: (items, { item }) => Actor.next([...items, item]),
    Items: (items) => Actor.reply(items, items)
  }
})
