/** What goes to whom, by each strategy: on one thread and across workers. */
import { assert, describe, layer } from "@effect/vitest"
import type { ActorRef } from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Group from "@troupe/runtime/Group"
import * as Router from "@troupe/runtime/Router"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as References from "effect/References"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as Scope from "effect/Scope"
import { Box, hosts, Postman, Reader } from "./fixtures/Post.ts"
import { clerk, live } from "./fixtures/postLive.ts"

const entry = new URL("./fixtures/worker.post.ts", import.meta.url)
const silent = Layer.succeed(References.MinimumLogLevel, "None")

const places = [
  ["on this thread", Layer.provideMerge(Layer.merge(live, clerk), ActorSystem.layer)],
  [
    "on two workers",
    Layer.provideMerge(clerk, ActorSystem.layerWorkers({ entry, hosts, workers: 2 }))
  ]
] as const

const Readers = Group.make("readers", Reader)

type AnyReader = ActorRef<RpcGroup.Rpcs<typeof Reader>>

/** Boxes that have joined the group, as long as the scope is open. */
const boxes = (count: number) =>
  Effect.forEach(Arr.range(1, count), () => Effect.tap(Box.spawn(), (box) => Group.join(Readers, box)))

/** How many texts each of them has. */
const counts = (all: Effect.Success<ReturnType<typeof boxes>>) =>
  Effect.forEach(all, (box) => Effect.map(box.ask("Texts"), ({ length }) => length))

const read = (to: AnyReader, times: number) =>
  Effect.forEach(Arr.range(1, times), (n) => to.ask("Read", { text: `${n}` }))

for (const [place, system] of places) {
  describe(place, () => {
    layer(Layer.provide(system, silent), { excludeTestServices: true })((it) => {
      describe("Router", () => {
        it.effect("S66: roundRobin goes to each in turn", () =>
          Effect.scoped(Effect.gen(function*() {
            const all = yield* boxes(3)
            const router = yield* Router.group(Readers, { strategy: Router.roundRobin })
            assert.deepStrictEqual(yield* read(router, 9), [1, 1, 1, 2, 2, 2, 3, 3, 3])
            assert.deepStrictEqual(yield* counts(all), [3, 3, 3])
          })))

        it.effect("S66: random is Effect's: the same for the same seed, and reaches all", () =>
          Effect.scoped(Effect.gen(function*() {
            const all = yield* boxes(3)
            const router = Router.group(Readers, { strategy: Router.random })
            const first = yield* Effect.flatMap(Random.withSeed(router, "a"), (router) => read(router, 30))
            const before = yield* counts(all)
            assert.strictEqual(before.reduce((a, b) => a + b), 30)
            assert.isTrue(before.every((count) => count > 2))
            const again = yield* Effect.flatMap(Random.withSeed(router, "a"), (router) => read(router, 30))
            assert.deepStrictEqual(yield* counts(all), before.map((count) => 2 * count))
            assert.notDeepEqual(first, again)
          })))

        it.effect("S66: consistentHash keeps keys where they are when members come and go", () =>
          Effect.scoped(Effect.gen(function*() {
            const all = yield* boxes(4)
            const strategy = Router.consistentHash<RpcGroup.Rpcs<typeof Reader>>(({ payload }) =>
              payload.text
            )
            const router = yield* Router.group(Readers, { strategy })
            const keys = Arr.range(1, 200).map((n) => `somebody-${n * 7919}`)
            const send = Effect.forEach(keys, (text) => router.ask("Read", { text }), { discard: true })
            yield* send
            const before = yield* Effect.forEach(all, (box) => box.ask("Texts"))
            assert.isTrue(before.every(({ length }) => length > 0))
            yield* send
            const twice = yield* Effect.forEach(all, (box) => box.ask("Texts"))
            assert.deepStrictEqual(twice, before.map((texts) => [...texts, ...texts]) as never)
            yield* all[3]!.ask("Stop")
            yield* Effect.repeat(Group.members(Readers), { until: ({ length }) => length === 3 })
            yield* send
            const after = yield* Effect.forEach(all.slice(0, 3), (box) => box.ask("Texts"))
            for (const [i, texts] of after.entries()) {
              const now = texts.slice(before[i]!.length * 2)
              assert.isTrue(before[i]!.every((text) => now.includes(text)))
            }
            assert.strictEqual(
              after.reduce((sum, { length }) => sum + length, 0),
              600 - 2 * before[3]!.length
            )
          })))

        it.effect("S66: leastLoaded and idle pass whoever has something in hand", () =>
          Effect.scoped(Effect.gen(function*() {
            for (const strategy of [Router.leastLoaded, Router.idle]) {
              const router = yield* Router.pool(Box, { members: 3, strategy })
              yield* Effect.forkScoped(router.ask("Abandon"), { startImmediately: true })
              assert.deepStrictEqual(yield* read(router, 6), [1, 2, 3, 4, 5, 6])
              yield* router.tell("Abandon")
              assert.deepStrictEqual(yield* read(router, 2), [1, 2])
            }
          })))

        it.effect("S66: broadcast goes to all, and an ask gets the first answer", () =>
          Effect.scoped(Effect.gen(function*() {
            const all = yield* boxes(3)
            const router = yield* Router.group(Readers, { strategy: Router.broadcast })
            for (const n of Arr.range(1, 5)) yield* router.tell("Read", { text: `${n}` })
            assert.strictEqual(yield* router.ask("Read", { text: "6" }), 6)
            assert.deepStrictEqual(yield* counts(all), [6, 6, 6])
            assert.strictEqual(yield* Effect.flip(router.ask("Read", { text: "" })), "empty")
          })))

        it.effect("S66: a group's members come and go; without any, nobody is reached", () =>
          Effect.gen(function*() {
            const router = yield* Router.group(Readers, { strategy: Router.roundRobin })
            const scope = yield* Scope.make()
            assert.strictEqual((yield* reasonOf(router))._tag, "DeadRef")
            const [one] = yield* Scope.provide(boxes(2), scope)
            assert.deepStrictEqual(yield* read(router, 4), [1, 1, 2, 2])
            yield* one!.ask("Stop")
            yield* Effect.repeat(Group.members(Readers), { until: ({ length }) => length === 1 })
            assert.deepStrictEqual(yield* read(router, 2), [3, 4])
            yield* Scope.close(scope, Exit.void)
            assert.strictEqual((yield* reasonOf(router))._tag, "DeadRef")
          }))

        it.effect("S66: a pool replaces who has ended", () =>
          Effect.gen(function*() {
            const router = yield* Router.pool(Box, { members: 3, strategy: Router.idle })
            for (let i = 0; i < 9; i++) yield* router.ask("Stop")
            const answers = yield* read(router, 30)
            assert.isAtLeast(answers.reduce((sum, n) => sum + n), 3 * (10 * 11 / 2))
          }))

        it.effect("S66: is a reference, which other actors are sent", () =>
          Effect.gen(function*() {
            const scope = yield* Scope.make()
            const router = yield* Scope.provide(
              Router.pool(Box, { members: 2, strategy: Router.roundRobin }),
              scope
            )
            const [one, two] = [yield* Postman.spawn({}), yield* Postman.spawn({})]
            const asked = yield* Effect.forEach([one, two, one, two], (from) =>
              from.ask("Inquire", { to: router, text: "a" }))
            assert.deepStrictEqual(asked, [1, 1, 2, 2])
            yield* one.ask("Keep", { ref: router })
            const [kept] = yield* one.ask("Kept")
            assert.strictEqual(kept, router as never)
            yield* Scope.close(scope, Exit.void)
            assert.strictEqual(yield* two.ask("Inquire", { to: router, text: "late" }), "DeadRef")
          }))

        it.effect("S10: what passes a router of another thread is counted on each of its ways", () =>
          Effect.gen(function*() {
            const { stats } = yield* ActorSystem.ActorSystem
            const open = Effect.map(
              stats,
              (threads) =>
                threads.reduce(
                  (sum, { deadLettered, handled, sent }) => sum + sent - handled - deadLettered,
                  0
                )
            )
            const router = yield* Router.pool(Box, { members: 2, strategy: Router.roundRobin })
            const from = yield* Postman.spawn({})
            yield* from.ask("Inquire", { to: router, text: "a" })
            const before = yield* open
            yield* Effect.forEach(Arr.range(1, 20), () => from.ask("Inquire", { to: router, text: "a" }))
            assert.strictEqual(yield* open, before)
          }))
      })
    })
  })
}

const reasonOf = (router: AnyReader) =>
  Effect.flatMap(
    Effect.flip(router.ask("Read", { text: "a" })),
    (error) => typeof error === "string" ? Effect.die(error) : Effect.succeed(error.reason)
  )
