/** References in messages: sent to another thread, sent back, compared, kept as text. */
import { assert, describe, it, layer } from "@effect/vitest"
import * as ActorId from "@troupe/runtime/ActorId"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Layout from "@troupe/runtime/Layout"
import * as Placement from "@troupe/runtime/Placement"
import * as Array from "effect/Array"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Hash from "effect/Hash"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { AnyReader, Box, Clerk, Crate, hosts, Postman } from "./fixtures/Post.ts"
import { clerk, live } from "./fixtures/postLive.ts"

const entry = new URL("./fixtures/worker.post.ts", import.meta.url)
const silent = Layer.succeed(References.MinimumLogLevel, "None")

const here = Layer.provideMerge(Layer.merge(live, clerk), ActorSystem.layer)
const workers = (count: number) =>
  Layer.provideMerge(clerk, ActorSystem.layerWorkers({ entry, hosts, workers: count }))

const places = [
  ["on this thread", here],
  ["on a worker", workers(1)],
  ["on two workers", workers(2)]
] as const

/** Two postmen, on two threads where there are as many. */
const postmen = Effect.all([Postman.spawn({}), Postman.spawn({})])

for (const [place, system] of places) {
  describe(place, () => {
    layer(Layer.provide(system, silent), { excludeTestServices: true })((it) => {
      describe("a reference in a message", () => {
        it.effect("S61: reaches the same actor, whoever sent it and wherever that lives", () =>
          Effect.gen(function*() {
            const [one, two] = yield* postmen
            for (
              const to of [
                yield* Box.spawn(),
                yield* Box.keyed("a/b:c"),
                yield* Clerk.spawn(),
                yield* Clerk.keyed("k")
              ]
            ) {
              assert.strictEqual(yield* one.ask("Inquire", { to, text: "by one" }), 1)
              assert.strictEqual(yield* one.ask("Inquire", { to, text: "" }), "empty")
              yield* one.ask("Keep", { ref: to })
              const kept = (yield* one.ask("Kept")).at(-1)!
              yield* two.tell("Post", { to: kept, text: "told by two" })
              assert.strictEqual(yield* two.ask("Inquire", { to: kept, text: "by two" }), 3)
              assert.strictEqual(yield* kept.ask("Read", { text: "by me" }), 4)
              assert.deepStrictEqual(yield* to.ask("Texts"), ["by one", "told by two", "by two", "by me"])
            }
          }))

        it.effect("S61: is the same where the actor lives, and equal everywhere", () =>
          Effect.gen(function*() {
            const [one, two] = yield* postmen
            const refs = [
              yield* Box.spawn(),
              yield* Box.spawn(),
              yield* Crate.spawn(),
              yield* Box.keyed("x"),
              yield* Box.keyed("y"),
              yield* Clerk.spawn(),
              yield* Clerk.keyed("x"),
              yield* one.ask("Box"),
              yield* two.ask("Crate")
            ]
            for (const ref of refs) yield* one.ask("Keep", { ref })
            for (const ref of yield* one.ask("Kept")) yield* two.ask("Keep", { ref })
            const back = yield* two.ask("Kept")
            let map = HashMap.empty<ActorRef.ActorRef<never>, number>()
            refs.forEach((ref, i) => {
              map = HashMap.set(map, ref, i)
            })
            for (const [i, ref] of refs.entries()) {
              assert.isTrue(Equal.equals(ref, back[i]), `${i}`)
              assert.strictEqual(Hash.hash(ref), Hash.hash(back[i]))
              assert.deepStrictEqual(HashMap.get(map, back[i]!), Option.some(i))
              assert.strictEqual(yield* two.ask("Equals", { ref }), 1)
              assert.strictEqual(yield* one.ask("Equals", { ref: back[i]! }), 1)
              if (ref.name === Clerk.name) assert.strictEqual(back[i], ref as never)
            }
          }))

        it.effect("S61: to an actor that has ended it stays that: dead, and equal to what it was", () =>
          Effect.gen(function*() {
            const [one, two] = yield* postmen
            for (const spawn of [Box.spawn(), Clerk.spawn(), Crate.spawn()]) {
              const ref = yield* spawn
              yield* one.ask("Keep", { ref })
              yield* ref.ask("Stop")
              yield* Box.spawn()
              assert.strictEqual(yield* one.ask("Inquire", { to: ref, text: "late" }), "DeadRef")
              assert.strictEqual(yield* two.ask("Inquire", { to: ref, text: "late" }), "DeadRef")
              const kept = (yield* one.ask("Kept")).at(-1)!
              assert.isTrue(Equal.equals(ref, kept))
              assert.strictEqual(Hash.hash(ref), Hash.hash(kept))
              assert.strictEqual(yield* one.ask("Equals", { ref: kept }), 1)
            }
          }))

        it.effect("goes where arguments and answers go", () =>
          Effect.gen(function*() {
            const first = yield* Clerk.spawn()
            const postman = yield* Postman.spawn({ first })
            assert.strictEqual(yield* postman.ask("Equals", { ref: first }), 1)
            const box = yield* postman.ask("Box")
            assert.strictEqual(yield* box.ask("Read", { text: "a" }), 1)
            assert.strictEqual(yield* box.ask("Thread"), yield* postman.ask("Thread"))
            assert.isTrue(Equal.equals(yield* postman.ask("Self"), postman))
          }))

        it.effect("to a bounded mailbox keeps its bounds", () =>
          Effect.gen(function*() {
            const [one, two] = yield* postmen
            for (
              const to of [
                yield* Crate.spawn(),
                yield* one.ask("Crate"),
                yield* two.ask("Crate"),
                yield* Crate.keyed("z")
              ]
            ) {
              yield* Effect.forEach(Array.range(1, 50), (n) =>
                Effect.all([
                  to.tell("Read", { text: `${n}` }),
                  one.tell("Post", { to, text: `${n}` }),
                  two.ask("Inquire", { to, text: `${n}` })
                ], { concurrency: "unbounded" }), { concurrency: 10, discard: true })
              // What was told has come when a later question of the same sender is answered.
              yield* one.ask("Inquire", { to, text: "last" })
              const texts = yield* to.ask("Texts")
              assert.isAtLeast(texts.length, 101)
            }
          }))
      })

      describe("ActorRef", () => {
        it.effect("S60: a spawned actor has an identity, which is its own; a key has none", () =>
          Effect.gen(function*() {
            const [one] = yield* postmen
            const boxes = [
              yield* Box.spawn(),
              yield* Box.spawn(),
              yield* one.ask("Box"),
              yield* Crate.spawn()
            ]
            const ids = boxes.map(ActorRef.id).map(Option.getOrThrow)
            assert.strictEqual(new Set(ids.map(ActorId.format)).size, boxes.length)
            assert.strictEqual(new Set(ids.slice(0, 3).map(({ type }) => type)).size, 1)
            assert.notStrictEqual(ids[3]!.type, ids[0]!.type)
            assert.deepStrictEqual(ActorRef.id(yield* Box.keyed("k")), Option.none())
            yield* boxes[0]!.ask("Stop")
            assert.deepStrictEqual(ActorRef.id(boxes[0]!), Option.some(ids[0]!))
          }))

        it.effect("orders by kind, then keys, then identities", () =>
          Effect.gen(function*() {
            const refs = [
              yield* Clerk.spawn(),
              yield* Box.keyed("a"),
              yield* Box.keyed("b"),
              yield* Box.spawn(),
              yield* Crate.spawn()
            ]
            assert.deepStrictEqual(Array.sort(refs.toReversed(), ActorRef.Order), refs)
            assert.isTrue(ActorRef.Equivalence(refs[1]!, yield* Box.keyed("a")))
            assert.isFalse(ActorRef.Equivalence(refs[1]!, refs[2]!))
          }))

        it.effect("understands the messages that its actor has", () =>
          Effect.gen(function*() {
            const other = RpcGroup.make(Rpc.make("Read", { payload: { text: Schema.Number } }))
            const more = Clerk.protocol
            for (const ref of [yield* Box.spawn(), yield* Box.keyed("u")]) {
              assert.isTrue(ActorRef.understands(ref, Box.protocol))
              assert.isTrue(ActorRef.understands(RpcGroup.make(Rpc.make("Stop")))(ref))
              assert.isFalse(ActorRef.understands(ref, other))
              assert.isFalse(ActorRef.understands(ref, more))
              assert.isTrue(Schema.is(Box.ref)(ref))
              assert.isTrue(Schema.is(AnyReader)(ref))
              assert.isFalse(Schema.is(Crate.ref)(ref))
              assert.isFalse(Schema.is(ActorRef.ActorRef(other))(ref))
            }
            assert.isFalse(Schema.is(AnyReader)(yield* Postman.spawn({})))
            assert.isFalse(Schema.is(AnyReader)({ name: "Box" }))
          }))
      })

      describe("as text", () => {
        const codec = Schema.toCodecJson(Schema.Struct({ to: AnyReader }))

        it.effect("S62: a reference is read back as an equal one", () =>
          Effect.gen(function*() {
            const [one] = yield* postmen
            for (
              const to of [
                yield* Box.spawn(),
                yield* one.ask("Box"),
                yield* Box.keyed("a/b:c@d"),
                yield* Clerk.spawn(),
                yield* Clerk.keyed(""),
                yield* Crate.spawn(),
                yield* one.ask("Crate")
              ]
            ) {
              const json = yield* Schema.encodeEffect(codec)({ to })
              assert.strictEqual(JSON.stringify(json), JSON.stringify({ to }))
              const read = yield* Schema.decodeUnknownEffect(codec)(json)
              assert.isTrue(Equal.equals(read.to, to), ActorRef.format(to))
              assert.strictEqual(Hash.hash(read.to), Hash.hash(to))
              assert.strictEqual(yield* read.to.ask("Read", { text: "by text" }), 1)
              yield* read.to.tell("Read", { text: "told" })
              assert.strictEqual(yield* read.to.ask("Read", { text: "again" }), 3)
            }
          }))

        it.effect("S62: it is nobody's in another run", () =>
          Effect.gen(function*() {
            const to = yield* Box.spawn()
            const text = ActorRef.format(to).replace(
              /[0-9a-f]{4}$/,
              (end) => end === "0000" ? "0001" : "0000"
            )
            const read = yield* Schema.decodeUnknownEffect(codec)({ to: text })
            assert.isFalse(Equal.equals(read.to, to))
            const error = yield* Effect.flip(read.to.ask("Read", { text: "stranger" }))
            assert.strictEqual(typeof error === "string" ? error : error.reason._tag, "DeadRef")
            assert.deepStrictEqual(yield* to.ask("Texts"), [])
            // It may go on being sent around, and is still nobody's.
            const [one] = yield* postmen
            assert.strictEqual(yield* one.ask("Inquire", { to: read.to, text: "stranger" }), "DeadRef")
            assert.strictEqual(ActorRef.format(read.to), text)
          }))

        it.effect("S62: what is no reference, or not one that is wanted, is refused", () =>
          Effect.gen(function*() {
            const postman = yield* Postman.spawn({})
            for (
              const to of [
                "",
                "Box",
                "Nobody/key",
                "Box:",
                "Box:1_2.3@4",
                "Box:xyz:0000000000000000",
                "%/key",
                ActorRef.format(postman),
                ActorRef.format(yield* Box.spawn()).replace("Box", "Crate"),
                7,
                null
              ]
            ) {
              const exit = yield* Effect.exit(Schema.decodeUnknownEffect(codec)({ to }))
              assert.isTrue(Exit.isFailure(exit), `${to}`)
            }
          }))
      })

      describe("in a record", () => {
        it.effect("S62: a spawned actor's reference takes 8 bytes", () =>
          Effect.gen(function*() {
            const [one] = yield* postmen
            const layout = Layout.make(Schema.Struct({ reader: AnyReader, box: Schema.NullOr(Box.ref) }))
            assert.strictEqual(layout.byteLength, 8 + 4 + 8)
            const view = layout.view({ buffer: new ArrayBuffer(layout.byteLength) })
            const box = yield* one.ask("Box")
            for (const reader of [box, yield* Crate.spawn(), yield* Clerk.spawn(), yield* one.ask("Crate")]) {
              view.reader = reader
              view.box = box
              assert.isTrue(Equal.equals(view.reader, reader) && Equal.equals(view.box, box))
              const length = yield* view.reader.ask("Read", { text: "by record" })
              assert.strictEqual((yield* reader.ask("Texts")).length, length)
            }
            yield* box.ask("Stop")
            const error = yield* Effect.flip(view.box!.ask("Texts"))
            assert.strictEqual(error.reason._tag, "DeadRef")
            assert.isTrue(Equal.equals(view.box, box))
            view.box = null
            assert.isNull(view.box)
            const key = yield* Box.keyed("no identity")
            assert.throws(() => {
              view.reader = key
            }, RangeError)
          }))
      })

      it.effect("S61: a thousand actors whose references were sent leave nothing behind when they end", () =>
        Effect.gen(function*() {
          const [one] = yield* postmen
          const size = Effect.map(
            ActorSystem.ActorSystem,
            (system) =>
              (system as unknown as { readonly directory: { readonly size: number } }).directory.size
          )
          const before = yield* size
          const scope = yield* Scope.make()
          const clerks = yield* Effect.forEach(
            Array.range(1, 1000),
            () => Scope.provide(Clerk.spawn(), scope)
          )
          for (const ref of clerks) yield* one.tell("Keep", { ref })
          assert.strictEqual((yield* one.ask("Kept")).length, 1000)
          if (place !== "on this thread") assert.strictEqual(yield* size, before + 1000)
          yield* Scope.close(scope, Exit.void)
          assert.isAtMost(yield* size, before)
        }))
    })
  })
}

describe("between workers", () => {
  it.live("S61: references to actors of any thread reach them from any other", () =>
    Effect.gen(function*() {
      const postmen = yield* Effect.forEach([1, 2, 3], (n) => Placement.on(Postman.spawn({}), n))
      const boxes = yield* Effect.forEach([1, 2, 3], (n) => Placement.on(Box.spawn(), n))
      const local = yield* Effect.forEach(postmen, (postman) => postman.ask("Box"))
      const clerk = yield* Clerk.spawn()
      for (const to of [...boxes, ...local, clerk]) {
        yield* Effect.forEach(postmen, (postman) => postman.ask("Inquire", { to, text: "a" }))
        for (const from of postmen) {
          yield* from.ask("Keep", { ref: to })
          const kept = (yield* from.ask("Kept")).at(-1)!
          yield* Effect.forEach(postmen, (postman) => postman.ask("Inquire", { to: kept, text: "b" }))
          for (const postman of postmen) yield* postman.tell("Post", { to: kept, text: "c" })
          yield* Effect.forEach(postmen, (postman) => postman.ask("Inquire", { to: kept, text: "d" }))
        }
        assert.strictEqual((yield* to.ask("Texts")).length, 3 + 3 * 9)
      }
      const fiber = yield* Effect.forkChild(clerk.ask("Read", { text: "e" }))
      assert.strictEqual(yield* Fiber.join(fiber), 31)
    }).pipe(Effect.scoped, Effect.provide(Layer.provide(workers(3), silent))))
})
