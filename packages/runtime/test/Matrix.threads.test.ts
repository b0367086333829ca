/**
 * Every feature in every place: the same scenarios on one thread and on two workers. A place's scenarios share one system
 * and its time, which they move. What each feature does besides has tests of its own; a row here says that it is there.
 */
import { assert, describe, layer } from "@effect/vitest"
import type * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Ask from "@troupe/runtime/Ask"
import * as Broadcast from "@troupe/runtime/Broadcast"
import * as Group from "@troupe/runtime/Group"
import * as Inspect from "@troupe/runtime/Inspect"
import type { NotInspected } from "@troupe/runtime/InspectError"
import * as Overseer from "@troupe/runtime/Overseer"
import * as Registry from "@troupe/runtime/Registry"
import * as Router from "@troupe/runtime/Router"
import * as TestProbe from "@troupe/runtime/testing/TestProbe"
import * as TestSystem from "@troupe/runtime/testing/TestSystem"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Number from "effect/Number"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Clerk, hosts, live, Order, Pricing, SoldOut, Stall, Telling } from "./fixtures/Bazaar.ts"
import { fresh, letters, reasonOf } from "./fixtures/places.ts"
import { deed, Listener, ListenerLive, nothing, Puppet, PuppetLive, textOf } from "./fixtures/Puppet.ts"

type Services =
  | ActorSystem.ActorSystem
  | Inspect.Inspect
  | Actor.HostedOf<(typeof hosts)[number]>
  | Actor.Hosted<"Puppet">
  | Actor.Hosted<"Listener">

type Row = readonly [sentence: string, scenario: Effect.Effect<void, unknown, Services | Scope.Scope>]

const world = <E>(
  where: Layer.Layer<ActorSystem.ActorSystem | Actor.HostedOf<(typeof hosts)[number]>, E>
): Layer.Layer<Services, E | NotInspected> =>
  Layer.mergeAll(PuppetLive, ListenerLive, Inspect.layer).pipe(
    Layer.provideMerge(where),
    Layer.provide(Layer.succeed(ActorSystem.Inspection, {})),
    Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
  )

const entry = new URL("./fixtures/worker.bazaar.ts", import.meta.url)

const places = [
  ["on one thread", world(Layer.provideMerge(live, TestSystem.layer))],
  ["on two workers", world(TestSystem.layerWorkers({ entry, hosts, workers: 2 }))]
] as const

/** Stalls of several keys, which are on both workers. */
const stalls = Effect.map(Stall.byKey, (stall) => Array.from({ length: 6 }, () => stall(fresh("stall"))))

/** An order, and who is told of its sale. */
const order = Effect.gen(function*() {
  const teller = yield* TestProbe.make(Telling)
  return { teller, order: yield* Order.spawn({ teller: teller.ref }) }
})

/** What a listener has heard. */
const heard = (listener: Actor.Ref<typeof Listener>) =>
  Effect.andThen(TestSystem.settle, listener.ask("Heard"))

/** Has an actor of the test's thread do something, and waits until it has. */
const make = (ref: Actor.Ref<typeof Puppet>, ...deeds: ReadonlyArray<{ readonly id: number }>) =>
  Effect.andThen(Effect.forEach(deeds, (deed) => ref.tell("Do", deed)), ref.ask("Heard"))

const identity: ReadonlyArray<Row> = [
  [
    "a key reaches one actor, whoever addresses it (S23)",
    Effect.gen(function*() {
      const key = fresh("stall")
      for (const n of [1, 2, 3]) yield* (yield* Stall.keyed(key)).tell("Put", { n })
      assert.strictEqual(yield* (yield* Stall.keyed(key)).ask("Level"), 6)
    })
  ],
  [
    "references travel in messages, and come back equal to what they were (S61)",
    Effect.gen(function*() {
      const { order: one, teller } = yield* order
      yield* Registry.register(one, fresh("order"))
      const all = yield* Registry.all(Order)
      assert.isTrue(all.some((ref) => Equal.equals(ref, one)))
      yield* one.tell("Paid")
      yield* teller.expect("Sold", { total: 0 })
    })
  ],
  [
    "names, several actors under one of them, and the stream of those that can do something (S63)",
    Effect.gen(function*() {
      const name = fresh("name")
      const [first, second] = [(yield* order).order, (yield* order).order]
      yield* Registry.register(first, name)
      const scope = yield* Scope.make()
      yield* Effect.provideService(Registry.register(second, name), Scope.Scope, scope)
      assert.isTrue(Equal.equals(yield* Registry.lookup(Order, name), Option.some(first)))
      const sizes = yield* Registry.changes(Order, name).pipe(
        Stream.map((refs) => refs.length),
        Stream.tap((size) => size === 2 ? Scope.close(scope, Exit.void) : Effect.void),
        Stream.take(2),
        Stream.runCollect
      )
      assert.deepStrictEqual(sizes, [2, 1])
    })
  ],
  [
    "a group is joined for as long as a scope is open (S64)",
    Effect.gen(function*() {
      const group = Group.make(fresh("group"), Pricing)
      const [one, two] = yield* stalls
      yield* Group.join(group, one!)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Group.join(group, two!)
        assert.lengthOf(yield* Group.members(group), 2)
      }))
      assert.lengthOf(yield* Group.members(group), 1)
    })
  ],
  [
    "a broadcast to a group, a kind or a protocol reaches those that live, wherever they do (S65)",
    Effect.gen(function*() {
      const all = yield* stalls
      for (const stall of all) yield* stall.ask("Level")
      const group = Group.make(fresh("group"), Stall.protocol)
      yield* Effect.forEach(all, (stall) => Group.join(group, stall))
      const audiences = [
        Broadcast.toGroup(group),
        Broadcast.toActors(Stall),
        Broadcast.toProtocol(Stall.protocol)
      ]
      for (const audience of audiences) yield* (yield* audience).tell("Put", { n: 1 })
      for (const stall of all) assert.strictEqual(yield* stall.ask("Level"), 3)
    })
  ],
  [
    "each who would hear a broadcast can be asked, and their answers reduced (S65, S74)",
    Effect.gen(function*() {
      const all = yield* stalls
      for (const [n, stall] of all.entries()) {
        yield* stall.ask("Take", { n: 0 }).pipe(Effect.andThen(stall.tell("Put", { n })))
      }
      const group = Group.make(fresh("group"), Stall.protocol)
      yield* Effect.forEach(all, (stall) => Group.join(group, stall))
      const everyone = yield* Broadcast.toGroup(group)
      const members = yield* Broadcast.audience(everyone)
      const level = (stall: Actor.Ref<typeof Stall>) => stall.ask("Level")
      assert.strictEqual(yield* Ask.reduce(members, level, Number.ReducerSum), 15)
      for (
        const broadcast of [yield* Broadcast.toActors(Stall), yield* Broadcast.toProtocol(Stall.protocol)]
      ) {
        const audience = yield* Broadcast.audience(broadcast)
        for (const stall of all) assert.lengthOf(audience.filter((ref) => Equal.equals(ref, stall)), 1)
        const progress = yield* Stream.runCollect(
          Ask.scan(audience, level, Number.ReducerSum, { concurrency: 2 })
        )
        assert.strictEqual(progress.at(-1)!.answers, audience.length)
      }
      const here = yield* Broadcast.audience(yield* Broadcast.toActors(Stall, { reach: "here" }))
      assert.isAtMost(here.length, (yield* Broadcast.audience(yield* Broadcast.toActors(Stall))).length)
      assert.strictEqual((yield* reasonOf(everyone.ask("Level")))._tag, "InvalidMessage")
    })
  ],
  ...[Router.idle, Router.leastLoaded, Router.roundRobin, Router.random, Router.broadcast].map((
    strategy
  ): Row => [
    `a router passes each message to its members: ${strategy._tag} (S66)`,
    Effect.gen(function*() {
      const clerks = yield* Router.pool(Clerk, { members: 3, strategy })
      for (let n = 0; n < 6; n++) assert.isAtLeast(yield* clerks.ask("Serve", { customer: "c" }), 1)
    })
  ]),
  [
    "a router keeps to one member for each key (S66)",
    Effect.gen(function*() {
      const clerks = yield* Router.pool(Clerk, {
        members: 3,
        strategy: Router.consistentHash((message) => message.tag === "Serve" ? message.payload.customer : "")
      })
      for (let n = 1; n <= 3; n++) assert.strictEqual(yield* clerks.ask("Serve", { customer: "ada" }), n)
    })
  ],
  [
    "a reference is adapted to another protocol (S67)",
    Effect.gen(function*() {
      const [stall] = yield* stalls
      const adapted = ActorRef.contramap(stall!, Telling, { Sold: ({ total }) => ["Put", { n: total }] })
      const seller = yield* Order.spawn({ teller: adapted })
      yield* seller.tell("Add", { price: 7 })
      yield* seller.tell("Paid")
      yield* TestSystem.settle
      assert.strictEqual(yield* stall!.ask("Level"), 7)
    })
  ],
  [
    "a key that nobody addresses leaves when its time has passed, and is made anew (S68, S132)",
    Effect.gen(function*() {
      const all = yield* stalls
      for (const stall of all) yield* stall.tell("Put", { n: 5 })
      yield* TestSystem.adjust("59 minutes")
      const [first, ...others] = all
      yield* first!.tell("Put", { n: 5 })
      yield* TestSystem.adjust("59 minutes")
      assert.strictEqual(yield* first!.ask("Level"), 10)
      for (const stall of others) assert.strictEqual(yield* stall.ask("Level"), 0)
    })
  ]
]

const handling: ReadonlyArray<Row> = [
  [
    "answers, declared errors, and handlers that are Effects with services (S11, S12)",
    Effect.gen(function*() {
      const [stall] = yield* stalls
      yield* stall!.tell("Put", { n: 3 })
      assert.strictEqual(yield* stall!.ask("Take", { n: 1 }), 2)
      assert.deepStrictEqual(yield* Effect.flip(stall!.ask("Take", { n: 4 })), new SoldOut({ missing: 2 }))
      assert.strictEqual(yield* stall!.ask("Price", { item: "pear" }), 40)
    })
  ],
  [
    "an actor becomes another one, answers later, and is told what its Effect came to (S13, S50, S54)",
    Effect.gen(function*() {
      const { order: one, teller } = yield* order
      yield* one.ask("Add", { price: 20 })
      const paying = yield* Effect.forkChild(one.ask("Pay"), { startImmediately: true })
      yield* TestSystem.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(paying), 20)
      yield* teller.expect("Sold", { total: 20 })
      assert.strictEqual((yield* reasonOf(one.ask("Add", { price: 1 })))._tag, "Unhandled")
    })
  ],
  [
    "what has no place yet is stashed, asker and all, and comes back in order (S52)",
    Effect.gen(function*() {
      const { order: one } = yield* order
      yield* one.tell("Hold")
      const adding = yield* Effect.forkChild(
        Ask.settled([1, 2, 3, 4].map((price) => one.ask("Add", { price }))),
        { startImmediately: true }
      )
      yield* TestSystem.settle
      yield* one.tell("Release")
      const results = yield* Fiber.join(adding)
      assert.deepStrictEqual(results.slice(0, 3).map((result) => Result.getOrThrow(result)), [1, 3, 6])
      assert.isTrue(Result.isFailure(results[3]!))
    })
  ],
  [
    "timers ring once, again and again, and not when they are replaced (S55)",
    Effect.gen(function*() {
      const { order: one } = yield* order
      yield* one.tell("Remind", { millis: 100 })
      yield* TestSystem.adjust(1050)
      assert.strictEqual(yield* one.ask("Peek"), 10)
      yield* one.tell("Expire", { millis: 100 })
      yield* one.tell("Expire", { millis: 500 })
      yield* TestSystem.adjust(450)
      assert.strictEqual(yield* one.ask("Peek"), 15)
      yield* TestSystem.adjust(50)
      assert.strictEqual(textOf(yield* ActorRef.await(one)), "ended")
    })
  ],
  [
    "an answer is forked, and the actor goes on meanwhile (S53)",
    Effect.gen(function*() {
      const { order: one } = yield* order
      const estimate = yield* Effect.forkChild(one.ask("Estimate", { millis: 100 }), {
        startImmediately: true
      })
      assert.strictEqual(yield* one.ask("Add", { price: 5 }), 5)
      yield* TestSystem.adjust(100)
      assert.strictEqual(yield* Fiber.join(estimate), 0)
    })
  ],
  [
    "an answer is a stream without end, of which as much is made as is taken (S56)",
    Effect.gen(function*() {
      const [stall] = yield* stalls
      const taken = stall!.stream("Count", { from: 300 }).pipe(Stream.take(300), Stream.runLast)
      assert.deepStrictEqual(yield* taken, Option.some(1))
    })
  ],
  [
    "while an Effect is in flight: looks interleave, newer ones replace older ones, the urgent goes first, and like ones make a batch (S57, S58)",
    Effect.gen(function*() {
      const { order: one } = yield* order
      yield* one.ask("Add", { price: 1 })
      yield* one.tell("Wait", { millis: 100 })
      yield* TestSystem.settle
      for (const percent of [100, 200, 3]) yield* one.tell("Rate", { percent })
      for (const lines of [1, 2, 3]) yield* one.tell("Tax", { lines })
      yield* one.tell("Double")
      yield* one.tell("Rush", { price: 10 })
      assert.strictEqual(yield* one.ask("Peek"), 1)
      yield* TestSystem.adjust(100)
      assert.strictEqual(yield* one.ask("Peek"), ((1 + 10) * 3 + 300) * 2)
    })
  ],
  [
    "a bounded mailbox refuses what it has no room for, and counts nothing twice (S33, S34)",
    Effect.gen(function*() {
      const clerk = yield* Clerk.spawn()
      yield* clerk.tell("Nap", { millis: 100 })
      yield* TestSystem.settle
      const offers = yield* Effect.forEach([1, 2, 3], () => clerk.offer("Serve", { customer: "c" }))
      assert.deepStrictEqual(offers, [true, true, false])
      assert.strictEqual((yield* reasonOf(clerk.ask("Served")))._tag, "MailboxFull")
      yield* TestSystem.adjust(100)
      assert.strictEqual(yield* clerk.ask("Served"), 2)
    })
  ],
  [
    "a stream feeds an actor, and its answers come out as one, in order (S135)",
    Effect.gen(function*() {
      const { order: one } = yield* order
      const prices = Stream.fromIterable([1, 2, 3].map((price) => ({ price })))
      assert.deepStrictEqual(yield* Stream.runCollect(prices.pipe(ActorRef.through(one, "Add"))), [1, 3, 6])
      yield* Stream.run(prices, ActorRef.sink(one, "Add"))
      assert.strictEqual(yield* one.ask("Peek"), 12)
    })
  ]
]

const asking: ReadonlyArray<Row> = [
  [
    "all, settled, quorum, race and hedge (S70, S71, S72)",
    Effect.gen(function*() {
      const [one, two] = yield* stalls
      yield* one!.tell("Put", { n: 1 })
      const asks = [one!.ask("Level"), two!.ask("Level")] as const
      assert.deepStrictEqual(yield* Ask.all(asks), [1, 0])
      assert.deepStrictEqual(yield* Ask.all({ a: asks[0], b: two!.ask("Price", { item: "x" }) }), {
        a: 1,
        b: 10
      })
      const [good, bad] = yield* Ask.settled([asks[0], two!.ask("Take", { n: 9 })])
      assert.deepStrictEqual([Result.isSuccess(good), Result.isFailure(bad)], [true, true])
      assert.sameMembers(yield* Ask.quorum(asks, { needed: 2 }), [1, 0])
      assert.include([0, 1], yield* Ask.race(asks))
      assert.strictEqual(yield* Ask.hedge(asks, { after: "1 second" }), 1)
    })
  ],
  [
    "a deadline passes by the system's time, and a late answer is dropped (S15, S16)",
    Effect.gen(function*() {
      const [stall] = yield* stalls
      const asked = yield* Effect.forkChild(
        reasonOf(stall!.ask("Sleep", { millis: 2000 }, { timeout: "1 second" })),
        { startImmediately: true }
      )
      yield* TestSystem.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(asked))._tag, "AskTimeout")
      yield* TestSystem.adjust("1 second")
      yield* TestSystem.quiet
    })
  ],
  [
    "who gives up interrupts a handler that says so (S76)",
    Effect.gen(function*() {
      const [stall] = yield* stalls
      const asked = yield* Effect.forkChild(
        Effect.flip(stall!.ask("Rest", { millis: 5000 }, { timeout: "1 second" })),
        { startImmediately: true }
      )
      yield* TestSystem.adjust("1 second")
      yield* Fiber.join(asked)
      assert.strictEqual(yield* stall!.ask("Level"), 0)
    })
  ],
  [
    "a Schedule retries and repeats by the system's time (S132)",
    Effect.gen(function*() {
      const [stall] = yield* stalls
      const taking = yield* stall!.ask("Take", { n: 2 }).pipe(
        Effect.retry(Schedule.spaced("10 seconds")),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestSystem.adjust("15 seconds")
      yield* stall!.tell("Put", { n: 2 })
      assert.isUndefined(taking.pollUnsafe())
      yield* TestSystem.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(taking), 0)
      const putting = yield* stall!.tell("Put", { n: 1 }).pipe(
        Effect.repeat(Schedule.spaced("1 second")),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestSystem.adjust("5 seconds")
      yield* Fiber.interrupt(putting)
      assert.strictEqual(yield* stall!.ask("Level"), 6)
    })
  ],
  [
    "one that has ended is told apart from one that ends meanwhile (S15)",
    Effect.gen(function*() {
      const { order: one } = yield* order
      const asked = yield* Effect.forkChild(reasonOf(one.ask("Pay")), { startImmediately: true })
      yield* TestSystem.settle
      yield* ActorRef.stop(one)
      assert.strictEqual((yield* Fiber.join(asked))._tag, "ActorEnded")
      assert.strictEqual((yield* reasonOf(one.ask("Pay")))._tag, "DeadRef")
    })
  ]
]

const life: ReadonlyArray<Row> = [
  [
    "an actor ends with its scope, and can be stopped, stopped now, and killed (S25, S27, S43)",
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const scoped = yield* Effect.provideService(order, Scope.Scope, scope)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(textOf(yield* ActorRef.await(scoped.order)), "ended")
      const ends = [
        [ActorRef.stop, "ended"],
        [ActorRef.stop({ now: true }), "ended"],
        [ActorRef.kill, "interrupted"]
      ] as const
      for (const [end, how] of ends) {
        const { order: one } = yield* order
        yield* end(one)
        assert.strictEqual(textOf(yield* ActorRef.await(one)), how)
      }
    })
  ],
  [
    "who watches is told, with the Exit (S40)",
    Effect.gen(function*() {
      const [{ order: stopped }, { order: failed }] = [yield* order, yield* order]
      const watcher = yield* Listener.spawn(nothing)
      yield* make(watcher, deed((ctx) => ctx.watch(stopped)), deed((ctx) => ctx.watch(failed)))
      yield* ActorRef.stop(stopped)
      yield* failed.tell("Crash")
      yield* ActorRef.await(failed)
      assert.deepStrictEqual(yield* heard(watcher), [
        "terminated Order: ended",
        "terminated Order: on purpose"
      ])
    })
  ],
  [
    "an equal reference takes a watch or a link back (S40, S42)",
    Effect.gen(function*() {
      const { order: one } = yield* order
      const [stall] = yield* stalls
      yield* stall!.ask("Level")
      const watcher = yield* Listener.spawn(nothing)
      yield* Effect.forEach([one, stall!], (ref) => {
        const name = fresh("copy")
        return Effect.gen(function*() {
          yield* Registry.register(ref, name)
          yield* TestSystem.settle
          const copy = ActorRef.format(ref)
          const [other] = (yield* Registry.all(ref === one ? Order as never : Stall as never, name)) as Array<
            never
          >
          assert.strictEqual(ActorRef.format(other!), copy)
          yield* make(watcher, deed((ctx) => ctx.watch(ref)), deed((ctx) => ctx.link(ref)))
          yield* make(watcher, deed((ctx) => ctx.unwatch(other!)), deed((ctx) => ctx.unlink(other!)))
        })
      })
      yield* ActorRef.kill(one)
      yield* ActorRef.kill(stall!)
      assert.deepStrictEqual(yield* heard(watcher), [])
    })
  ],
  [
    "a failure breaks what is linked (S42)",
    Effect.gen(function*() {
      const { order: one } = yield* order
      const puppet = yield* Puppet.spawn(nothing)
      yield* make(puppet, deed((ctx) => ctx.link(one)))
      yield* one.tell("Crash")
      assert.match(textOf(yield* ActorRef.await(puppet)), /on purpose/)
    })
  ],
  [
    "children are known to their parent, know it, and end with it, the youngest first (S44)",
    Effect.gen(function*() {
      const spawner = yield* Order.spawner
      const teller = yield* TestProbe.make(Telling)
      const children: Array<Actor.Ref<typeof Order>> = []
      const parent = yield* Puppet.spawn(nothing)
      const birth = deed((ctx) => {
        children.push(ctx.spawn(spawner, { teller: teller.ref }))
      })
      yield* make(parent, birth, birth)
      for (const child of children) yield* child.ask("Add", { price: 1 })
      let known: ReadonlyArray<unknown> = []
      yield* make(
        parent,
        deed((ctx) => {
          known = ctx.children
        })
      )
      assert.deepStrictEqual(known, children)
      for (const child of children) assert.isTrue(Equal.equals(yield* child.ask("Parent"), parent))
      assert.isUndefined(yield* (yield* order).order.ask("Parent"))
      const ended: Array<number> = []
      for (const [n, child] of children.entries()) {
        yield* Effect.forkScoped(Effect.andThen(ActorRef.await(child), Effect.sync(() => ended.push(n))), {
          startImmediately: true
        })
      }
      yield* TestSystem.settle
      yield* ActorRef.stop(parent)
      yield* TestSystem.settle
      assert.deepStrictEqual(ended, [1, 0])
    })
  ],
  [
    "an overseer restarts: the reference and the mailbox are kept, the state is not (S46)",
    Effect.gen(function*() {
      const teller = yield* TestProbe.make(Telling)
      const overseer = Overseer.make(() => Effect.succeed("restart"))
      const { ref } = yield* Overseer.spawn(Order, overseer, { teller: teller.ref })
      yield* ref.tell("Add", { price: 1 })
      yield* ref.tell("Crash")
      yield* ref.tell("Add", { price: 2 })
      assert.strictEqual(yield* ref.ask("Add", { price: 3 }), 5)
    })
  ],
  [
    "what reaches nobody is a dead letter with a reason (S8, S9)",
    Effect.gen(function*() {
      const { order: one } = yield* order
      yield* ActorRef.stop(one)
      const next = yield* letters(1, ({ actor, tag }) => actor === "Order" && tag === "Hold")
      yield* one.tell("Hold")
      const [letter] = yield* next
      assert.strictEqual(letter!.reason, "Ended")
    })
  ]
]

const looking: ReadonlyArray<Row> = [
  [
    "the tree and the states can be looked at (S120, S121, S122)",
    Effect.gen(function*() {
      const inspect = yield* Inspect.Inspect
      const [stall] = yield* stalls
      yield* stall!.tell("Put", { n: 7 })
      yield* stall!.ask("Level")
      assert.deepStrictEqual(yield* inspect.state(stall!), { _tag: "Json", value: 7 })
      assert.strictEqual((yield* inspect.find(stall!)).handled, 2)
      const spawner = yield* Order.spawner
      const teller = yield* TestProbe.make(Telling)
      const parent = yield* Puppet.spawn(nothing)
      let child: Actor.Ref<typeof Order> | undefined
      yield* make(
        parent,
        deed((ctx) => {
          child = ctx.spawn(spawner, { teller: teller.ref })
        })
      )
      yield* child!.ask("Add", { price: 1 })
      const [found] = yield* Stream.runCollect(inspect.children(parent))
      assert.strictEqual(found!.actor, "Order")
      assert.strictEqual(found!.parent?.address, ActorRef.format(parent))
    })
  ],
  [
    "an actor that is suspended keeps its messages (S123)",
    Effect.gen(function*() {
      const inspect = yield* Inspect.Inspect
      const [stall] = yield* stalls
      yield* stall!.ask("Level")
      yield* inspect.suspend(stall!)
      yield* stall!.tell("Put", { n: 1 })
      assert.strictEqual((yield* TestSystem.settle).waiting, 1)
      yield* inspect.resume(stall!)
      assert.strictEqual(yield* stall!.ask("Level"), 1)
    })
  ],
  [
    "messages are shown as they are handled (S124)",
    Effect.gen(function*() {
      const inspect = yield* Inspect.Inspect
      const [stall] = yield* stalls
      const traced = yield* inspect.subscribe({ actor: "Stall", tag: "Put" })
      yield* stall!.tell("Put", { n: 4 })
      const shown = yield* traced.pipe(Stream.take(1), Stream.runCollect)
      assert.deepStrictEqual(shown[0]!.payload, { n: 4 })
    })
  ],
  [
    "when all is quiet, what was sent was handled, or is a dead letter, or is lost (S10, S133)",
    Effect.gen(function*() {
      yield* TestSystem.quiet
      const threads = yield* ActorSystem.stats
      const sum = (of: (thread: ActorSystem.ThreadStats) => number) =>
        threads.reduce((sum, thread) => sum + of(thread), 0)
      assert.strictEqual(
        sum(({ sent }) => sent),
        sum(({ deadLettered, handled, lost }) => handled + deadLettered + lost)
      )
    })
  ]
]

describe("Matrix", () => {
  for (const [place, where] of places) {
    describe(place, () => {
      layer(where, { excludeTestServices: true })((it) => {
        for (const [feature, rows] of Object.entries({ identity, handling, asking, life, looking })) {
          describe(feature, () => {
            for (const [sentence, scenario] of rows) it.effect(sentence, () => Effect.scoped(scenario))
          })
        }
      })
    })
  }
})
