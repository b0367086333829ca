/** Three shops, for the examples of this folder. */
import { Actor } from "@troupe/runtime"
import { Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

export class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", { shop: Schema.String }) {}

/** A shop, by its name. */
export const Shop = Actor.make("Shop", {
  protocol: RpcGroup.make(
    Rpc.make("Stock", { success: Schema.Int }),
    Rpc.make("Price", { success: Schema.Number, error: SoldOut })
  )
})

const stocks: Readonly<Record<string, number>> = { bakery: 12, corner: 0, market: 30 }
const prices: Readonly<Record<string, number>> = { bakery: 2.5, market: 1.75 }

export const ShopLive = Shop.toLayer({
  state: Schema.Int,
  initial: (_, { key }) => stocks[key!] ?? 0,
  handlers: {
    Stock: (stock) => Actor.reply(stock, stock),
    // The bakery takes its time.
    Price: (stock, _, { key }) => {
      if (stock === 0) return Actor.fail(stock, new SoldOut({ shop: key! }))
      const answer = Effect.succeed(Actor.reply(stock, prices[key!]!))
      return key === "bakery" ? Effect.delay(answer, "1 second") : answer
    }
  }
})

export const shops = Effect.map(Shop.byKey, (shop) => ["bakery", "corner", "market"].map(shop))
