/**
 * A cart that is there again after a restart: events on disk, one system after the other over the same directory.
 *
 * node --conditions=@troupe/source examples/journals/restart.ts
 */
import { DiskStorage, EventSourced } from "@troupe/persistence"
import { Actor, ActorSystem } from "@troupe/runtime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Rpc, RpcGroup } from "effect/rpc"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const Cart = Actor.make("Cart", {
  protocol: RpcGroup.make(
    Rpc.make("Add", { payload: { item: Schema.String } }),
    Rpc.make("Items", { success: Schema.Array(Schema.String) })
  )
})

const CartLive = EventSourced.toLayer(Cart, {
  state: Schema.Array(Schema.String),
  events: Schema.Struct({ added: Schema.String }),
  initial: () => [],
  apply: (items, { added }) => [...items, added],
  commands: {
    Add: (_, { item }) => EventSourced.persist({ added: item }),
    Items: (items) => EventSourced.reply(items)
  }
})

/** Adds something, in a system of its own. */
const visit = (directory: string, item: string) =>
  Effect.gen(function*() {
    const cart = yield* Cart.keyed("alice")
    yield* cart.ask("Add", { item })
    return yield* cart.ask("Items")
  }).pipe(
    Effect.provide(Layer.fresh(CartLive.pipe(
      Layer.provide(ActorSystem.layer),
      Layer.provide(DiskStorage.layer({ directory, durability: "batch" }))
    )))
  )

const directory = mkdtempSync(join(tmpdir(), "cart-"))
await Effect.gen(function*() {
  yield* Console.log((yield* visit(directory, "tea")).join(", ")) // => tea
  yield* Console.log((yield* visit(directory, "cups")).join(", ")) // => tea, cups
}).pipe(Effect.runPromise)
rmSync(directory, { recursive: true })
