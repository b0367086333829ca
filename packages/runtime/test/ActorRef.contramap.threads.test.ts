/** References that make other messages of those that they are sent. */
import { assert, describe, layer } from "@effect/vitest"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { Box, Clerk, Crate, hosts, Postman, Reader } from "./fixtures/Post.ts"
import { clerk, live } from "./fixtures/postLive.ts"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

const entry = new URL("./fixtures/worker.post.ts", import.meta.url)
const silent = Layer.succeed(References.MinimumLogLevel, "None")

const places = [
  ["on this thread", Layer.provideMerge(Layer.merge(live, clerk), ActorSystem.layer)],
  [
    "on two workers",
    Layer.provideMerge(clerk, ActorSystem.layerWorkers({ entry, hosts, workers: 2 }))
  ]
] as const

const Counting = RpcGroup.make(
  Rpc.make("Count", { payload: { n: Schema.Int }, success: Schema.Int, error: Schema.Literal("empty") }),
  Rpc.make("Note", { payload: { n: Schema.Int }, error: Schema.Literal("empty") })
)

for (const [place, system] of places) {
  describe(place, () => {
    layer(Layer.provide(system, silent), { excludeTestServices: true })((it) => {
      describe("contramap", () => {
        it.effect("S67: each message becomes another one, and its answer comes back", () =>
          Effect.gen(function*() {
            for (
              const box of [
                yield* Box.spawn(),
                yield* Box.keyed("adapted"),
                yield* Clerk.spawn(),
                yield* Crate.spawn()
              ]
            ) {
              const counting = ActorRef.contramap(
                box as ActorRef.ActorRef<RpcGroup.Rpcs<typeof Reader>>,
                Counting,
                {
                  Count: ({ n }) => ["Read", { text: n === 0 ? "" : `counted ${n}` }],
                  Note: ({ n }) => ["Read", { text: `noted ${n}` }]
                }
              )
              assert.strictEqual(yield* counting.ask("Count", { n: 7 }), 1)
              assert.strictEqual(yield* Effect.flip(counting.ask("Count", { n: 0 })), "empty")
              yield* counting.tell("Note", { n: 8 })
              yield* counting.ask("Count", { n: 9 })
              assert.deepStrictEqual(yield* box.ask("Texts"), ["counted 7", "noted 8", "counted 9"])
            }
          }))

        it.effect("S67: is a reference: sent to others, equal to itself, and gone with its actor", () =>
          Effect.gen(function*() {
            const [one, two] = [yield* Postman.spawn({}), yield* Postman.spawn({})]
            const box = yield* Clerk.spawn()
            const shouting = box.pipe(ActorRef.contramap(Reader, {
              Read: ({ text }: { readonly text: string }) => ["Read", { text: text.toUpperCase() }] as const
            }))
            // Both have an identity from now on.
            assert.isFalse(Equal.equals(shouting, box))
            assert.strictEqual(yield* one.ask("Inquire", { to: shouting, text: "a" }), 1)
            yield* two.ask("Keep", { ref: shouting })
            const [kept] = yield* two.ask("Kept")
            assert.isTrue(Equal.equals(kept, shouting))
            assert.strictEqual(Hash.hash(kept), Hash.hash(shouting))
            assert.strictEqual(yield* two.ask("Inquire", { to: kept!, text: "b" }), 2)
            assert.deepStrictEqual(yield* box.ask("Texts"), ["A", "B"])
            const { directory } = (yield* ActorSystem.ActorSystem) as unknown as {
              readonly directory: { readonly size: number }
            }
            const before = directory.size
            yield* box.ask("Stop")
            assert.strictEqual(directory.size, before - 2)
            assert.strictEqual(yield* one.ask("Inquire", { to: kept!, text: "c" }), "DeadRef")
          }))

        it.effect("S67: what it throws is an invalid message", () =>
          Effect.gen(function*() {
            const box = yield* Box.spawn()
            const broken = ActorRef.contramap(box, Reader, {
              Read: () => {
                throw new Error("does not adapt")
              }
            })
            const error = yield* Effect.flip(broken.ask("Read", { text: "a" }))
            assert.isTrue(typeof error !== "string" && error.reason._tag === "InvalidMessage")
            assert.isFalse(broken.tellUnsafe("Read", { text: "a" }))
          }))
      })
    })
  })
}
