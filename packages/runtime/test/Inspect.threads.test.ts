/** Actors are looked at, suspended, followed, and put into post-mortem: on this thread and on workers. */
import { assert, describe, it, layer } from "@effect/vitest"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as FaultPoint from "@troupe/runtime/FaultPoint"
import * as Inspect from "@troupe/runtime/Inspect"
import * as Overseer from "@troupe/runtime/Overseer"
import * as Placement from "@troupe/runtime/Placement"
import type { WorkerPool } from "@troupe/runtime/WorkerPool"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { letters } from "./fixtures/places.ts"
import { Closed, Parent, Specimen } from "./fixtures/Specimen.ts"
import { ParentLive, specimenLive } from "./fixtures/specimenLive.ts"
import { Gate } from "./fixtures/Subject.ts"

const system = (options: ActorSystem.InspectionOptions) =>
  Layer.merge(
    Layer.succeed(ActorSystem.Inspection, options),
    Layer.succeed(References.MinimumLogLevel, "None")
  )

/** All of it on this thread. */
const here = (options: ActorSystem.InspectionOptions) =>
  Layer.mergeAll(ParentLive, Inspect.layer).pipe(
    Layer.provideMerge(specimenLive),
    Layer.provideMerge(ActorSystem.layer),
    Layer.provide(system(options))
  )

/** The same on two workers. */
const workers = (options: ActorSystem.InspectionOptions) =>
  Layer.mergeAll(ParentLive, Inspect.layer).pipe(
    Layer.provideMerge(ActorSystem.layerWorkers({
      entry: new URL("./fixtures/worker.specimen.ts", import.meta.url),
      hosts: [Specimen, Closed, Gate],
      workers: 2
    })),
    Layer.provide(system(options))
  )

type Services = Exclude<Layer.Success<ReturnType<typeof workers>>, WorkerPool>

const places: Readonly<
  Record<string, (options: ActorSystem.InspectionOptions) => Layer.Layer<Services, unknown>>
> = { "on this thread": here, "on workers": workers }

type Program = Effect.Effect<void, unknown, Services | Scope.Scope>

interface Shared {
  readonly options: ActorSystem.InspectionOptions
  readonly programs: Array<readonly [sentence: string, program: Program]>
}

/** Programs by the options of the system that they share. */
const shared = new Map<string, Shared>()

/** What the programs to come are about. */
let feature = ""

const about = (what: string, programs: () => void): void => {
  feature = what
  programs()
}

/** Has a program run in every place, in the system of those with the same options. */
const everywhere = (
  sentence: string,
  options: ActorSystem.InspectionOptions,
  program: Program
): void => {
  const key = JSON.stringify(options)
  const { programs }: Shared = shared.get(key) ?? { options, programs: [] }
  programs.push([`${feature}: ${sentence}`, program])
  shared.set(key, { options, programs })
}

const inspect = Inspect.Inspect

/** What an actor is, as soon as this holds. */
const when = (
  ref: ActorRef.ActorRef<never>,
  holds: (info: Inspect.ActorInfo) => boolean
) => Effect.flatMap(inspect, ({ find }) => Effect.repeat(find(ref), { until: holds }))

about("actors", () => {
  everywhere(
    "are listed with their counts and times (S120)",
    {},
    Effect.gen(function*() {
      const { actors, find } = yield* inspect
      const [a, b] = yield* Effect.all([Specimen.spawn(), Specimen.spawn()])
      const keyed = yield* Specimen.keyed("a/b:c")
      for (let n = 0; n < 3; n++) yield* a.tell("Add", { n })
      yield* Effect.all([a.ask("Total"), b.ask("Total"), keyed.ask("Total")])
      const all = yield* Stream.runCollect(actors({ actor: "Specimen" }))
      assert.deepStrictEqual(all.map(({ handled }) => handled).toSorted(), [1, 1, 4])
      const one = yield* find(a)
      assert.deepInclude(all, one)
      assert.deepInclude(one, {
        actor: "Specimen",
        key: undefined,
        parent: undefined,
        status: "idle",
        postMortem: false,
        waiting: 0,
        capacity: undefined,
        failures: 0,
        restarts: 0,
        lastFailure: undefined
      })
      assert.isAtLeast(one.lastMessageAt!, one.spawnedAt)
      assert.strictEqual((yield* find(keyed)).key, "a/b:c")
      // As the list names them, too.
      for (const actor of all) assert.strictEqual((yield* find(actor)).address, actor.address)
      yield* ActorRef.stop(keyed)
    })
  )

  everywhere(
    "are listed as long as they live, page by page (S120)",
    {},
    Effect.gen(function*() {
      const { actors, find, page } = yield* inspect
      const refs = yield* Effect.all(Array.from({ length: 1000 }, () => Specimen.spawn()))
      const seen: Array<string> = []
      yield* actors({ actor: "Specimen" }).pipe(Stream.runForEach(({ address }) =>
        Effect.gen(function*() {
          seen.push(address)
          // Others come and go all the while.
          if (seen.length % 50 !== 0) return
          yield* ActorRef.kill(refs[1000 - seen.length / 5]!)
          yield* Specimen.spawn()
        })
      ))
      assert.strictEqual(new Set(seen).size, seen.length)
      for (const ref of refs.slice(0, 500)) assert.include(seen, (yield* find(ref)).address)
      const { thread } = yield* find(refs[0]!)
      const { actors: first, next } = yield* page({ thread, limit: 10 })
      assert.strictEqual(first.length, 10)
      const { actors: second } = yield* page({ thread, limit: 10, from: next })
      assert.strictEqual(new Set([...first, ...second].map(({ address }) => address)).size, 20)
      const gone = yield* find(refs[0]!)
      yield* ActorRef.kill(refs[0]!)
      assert.strictEqual((yield* Effect.flip(find(gone)))._tag, "NoSuchActor")
    })
  )

  everywhere(
    "have children, on their thread and on others (S121)",
    {},
    Effect.gen(function*() {
      const { actors, children, find, state } = yield* inspect
      const mother = yield* Specimen.spawn()
      yield* mother.ask("Bear", { n: 7 })
      yield* mother.ask("Bear", { n: 7 })
      const own = yield* find(mother)
      const born = yield* Stream.runCollect(children(mother))
      assert.strictEqual(born.length, 2)
      for (const child of born) {
        assert.deepStrictEqual(child.parent, { thread: own.thread, address: own.address })
        assert.deepInclude(yield* state(child), { _tag: "Json" })
      }
      const parent = yield* Parent.spawn()
      yield* parent.ask("Bear")
      const adopted = yield* Stream.runCollect(children(parent))
      const { address, thread } = yield* find(parent)
      assert.deepStrictEqual(adopted.map(({ parent }) => parent), [{ address, thread }])
      const listed = yield* Stream.runCollect(
        Stream.filter(actors(), (one) => one.parent?.address === address)
      )
      assert.deepStrictEqual(listed.map((one) => one.address), adopted.map((one) => one.address))
      yield* ActorRef.stop(parent)
      assert.deepStrictEqual(yield* Stream.runCollect(children(parent)), [])
    })
  )

  everywhere(
    "show their states as their schemas write them (S122)",
    {},
    Effect.gen(function*() {
      const { state } = yield* inspect
      const one = yield* Specimen.spawn()
      yield* one.ask("Add", { n: 3 })
      assert.deepStrictEqual(yield* state(one), {
        _tag: "Json",
        value: { total: 3, since: "1970-01-01T00:00:00.000Z" }
      })
      yield* one.ask("Spoil")
      const spoilt = yield* state(one)
      assert.strictEqual(spoilt._tag, "Unreadable")
      assert.deepStrictEqual(yield* state(yield* Closed.spawn()), { _tag: "Opaque" })
    })
  )

  everywhere(
    "say what they failed with, and how often they were started again (S120)",
    {},
    Effect.gen(function*() {
      const { actors, find } = yield* inspect
      const { ref } = yield* Overseer.spawn(Specimen, Overseer.make(() => Effect.succeed("restart")))
      yield* Effect.exit(ref.ask("Boom"))
      yield* Effect.exit(ref.ask("Die"))
      yield* ref.ask("Total")
      const info = yield* find(ref)
      assert.deepInclude(info, { failures: 2, restarts: 2, postMortem: false })
      assert.deepInclude(info.lastFailure!, { tag: "Die", problem: "dead" })
      const failed = yield* Stream.runCollect(actors({ failed: true }))
      assert.deepStrictEqual(failed.map(({ address }) => address), [info.address])
    })
  )
})

about("suspend", () => {
  everywhere(
    "keeps an actor's messages in its mailbox until it is resumed (S123)",
    {},
    Effect.gen(function*() {
      const { find, resume, suspend } = yield* inspect
      const one = yield* Closed.spawn()
      yield* suspend(one)
      yield* suspend(one)
      assert.isTrue(yield* one.offer("Note"))
      assert.isTrue(yield* one.offer("Note"))
      // It is as full as it ever was.
      assert.isFalse(yield* one.offer("Note"))
      assert.deepInclude(yield* when(one, ({ waiting }) => waiting === 2), {
        status: "suspended",
        capacity: 2,
        handled: 0
      })
      yield* resume(one)
      assert.strictEqual((yield* when(one, ({ waiting }) => waiting === 0)).status, "idle")
      yield* one.ask("Note")
      assert.strictEqual((yield* find(one)).handled, 3)
    })
  )

  everywhere(
    "lets it end what it has in hand (S123)",
    {},
    Effect.gen(function*() {
      const { resume, suspend } = yield* inspect
      const key = `gate ${Math.random()}`
      const gate = yield* Gate.keyed(key)
      const one = yield* Specimen.spawn()
      const waits = yield* Effect.forkChild(one.ask("Wait", { gate: key }))
      yield* gate.ask("Reached")
      const suspends = yield* Effect.forkChild(suspend(one))
      assert.strictEqual((yield* when(one, ({ status }) => status === "busy")).handled, 1)
      yield* gate.tell("Open")
      yield* Fiber.join(waits)
      yield* Fiber.join(suspends)
      assert.strictEqual((yield* when(one, () => true)).status, "suspended")
      yield* resume(one)
      assert.strictEqual(yield* one.ask("Total"), 0)
    })
  )

  everywhere(
    "does not keep it from being ended (S123)",
    {},
    Effect.gen(function*() {
      const { suspend } = yield* inspect
      const one = yield* Specimen.spawn()
      yield* suspend(one)
      const waits = yield* Effect.forkChild(Effect.exit(one.ask("Total")))
      yield* ActorRef.kill(one)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(waits)))
      assert.strictEqual((yield* Effect.flip(suspend(one)))._tag, "NoSuchActor")
      const other = yield* Specimen.spawn()
      yield* suspend(other)
      yield* ActorRef.stop(other, { now: true })
      // Its overseer starts another incarnation, which is not suspended.
      const { ref } = yield* Overseer.spawn(Specimen, Overseer.make(() => Effect.succeed("restart")))
      yield* suspend(ref)
      yield* ActorRef.kill(ref)
      assert.strictEqual(yield* ref.ask("Total"), 0)
    })
  )
})

about("trace", () => {
  everywhere(
    "shows the messages that are handled from then on (S124)",
    {},
    Effect.gen(function*() {
      const { find, subscribe } = yield* inspect
      const [a, b] = yield* Effect.all([Specimen.spawn(), Specimen.spawn()])
      const { address, thread } = yield* find(b)
      const all = yield* subscribe({ actor: "Specimen" })
      const some = yield* subscribe({ address, tag: "Add" })
      yield* a.tell("Add", { n: 1 })
      yield* a.ask("Total")
      yield* b.tell("Add", { n: 2 })
      yield* Effect.exit(b.ask("Refuse"))
      yield* Effect.exit(b.ask("Die"))
      const seen = yield* Stream.runCollect(Stream.take(all, 5))
      const short = seen.map(({ asked, outcome, payload, tag }) => [tag, asked, payload, outcome])
      assert.sameDeepMembers(short, [
        ["Add", false, { n: 1 }, "next"],
        ["Total", true, null, "reply"],
        ["Add", false, { n: 2 }, "next"],
        ["Refuse", true, null, "fail"],
        ["Die", true, null, "effect"]
      ])
      const [only] = yield* Stream.runCollect(Stream.take(some, 1))
      assert.deepInclude(only!, { thread, address, tag: "Add", payload: { n: 2 }, dropped: 0 })
    })
  )

  it.effect("is over when nobody looks any more (S124)", () =>
    Effect.gen(function*() {
      const { trace } = yield* inspect
      const { observer } = (yield* ActorSystem.ActorSystem) as unknown as {
        observer: { inspector: { trails: { none: boolean } } }
      }
      const one = yield* Specimen.spawn()
      const { trails } = observer.inspector
      assert.isTrue(trails.none)
      const looks = yield* Effect.forkChild(Stream.runDrain(trace({ tag: "Add" })))
      yield* Effect.repeat(Effect.sync(() => trails.none), { until: (none) => !none })
      yield* one.ask("Add", { n: 1 })
      yield* Fiber.interrupt(looks)
      assert.isTrue(trails.none)
    }).pipe(Effect.scoped, Effect.provide(here({}))))

  everywhere(
    "leaves out what its reader is too slow for, and says how much (S124)",
    {},
    Effect.gen(function*() {
      const { subscribe } = yield* inspect
      const one = yield* Specimen.spawn()
      const seen = yield* subscribe({ tag: "Add" })
      for (let n = 0; n < 3000; n++) one.tellUnsafe("Add", { n })
      yield* one.ask("Total")
      const last = yield* seen.pipe(
        Stream.map(({ dropped, payload }) => ({ dropped, n: (payload as { n: number }).n })),
        Stream.takeUntil(({ n }) => n === 2999),
        Stream.runCollect
      )
      assert.strictEqual(last.length + last.reduce((sum, { dropped }) => sum + dropped, 0), 3000)
      assert.isBelow(last.length, 2500)
    })
  )
})

about("post-mortem", () => {
  for (const [how, tag] of [["throws", "Boom"], ["crashes", "Crash"], ["dies", "Die"]] as const) {
    everywhere(
      `of one that ${how}: its state stays, essential messages are handled, others are kept (S125)`,
      { postMortem: "actor" },
      Effect.gen(function*() {
        const { postMortem, state } = yield* inspect
        const [one, other] = yield* Effect.all([Specimen.spawn(), Specimen.spawn()])
        yield* one.tell("Add", { n: 1 })
        const error = yield* Effect.flip(one.ask(tag))
        assert.strictEqual((error as { reason: { _tag: string } }).reason._tag, "ActorEnded")
        yield* one.tell("Add", { n: 10 })
        yield* one.tell("Add", { n: 100 })
        const total = yield* Effect.forkChild(one.ask("Total"))
        assert.strictEqual(yield* one.ask("Read"), 1)
        assert.deepInclude(yield* when(one, ({ kept }) => kept === 3), {
          postMortem: true,
          status: "idle",
          failures: 1
        })
        assert.deepNestedInclude(yield* state(one), { "value.total": 1 })
        // One that fails again stays.
        yield* Effect.exit(one.ask("BoomAgain"))
        assert.strictEqual(
          (yield* when(one, ({ failures }) => failures === 2)).lastFailure!.problem,
          "boom again"
        )
        // The others do what they always do.
        assert.strictEqual(yield* other.ask("Total"), 0)
        yield* postMortem.leave(one, "resume")
        assert.strictEqual(yield* Fiber.join(total), 111)
        assert.deepInclude(yield* when(one, () => true), { postMortem: false, kept: 0 })
        assert.strictEqual((yield* Effect.flip(postMortem.leave(one, "resume")))._tag, "NoSuchActor")
      })
    )
  }

  everywhere(
    "ends by request with what it had failed with, and what was kept is dead letters (S125)",
    { postMortem: "actor" },
    Effect.gen(function*() {
      const { postMortem } = yield* inspect
      const one = yield* Specimen.spawn()
      yield* Effect.exit(one.ask("Boom"))
      const dead = yield* letters(1, ({ tag }) => tag === "Total")
      const total = yield* Effect.forkChild(Effect.flip(one.ask("Total")))
      yield* when(one, ({ kept }) => kept === 1)
      yield* postMortem.leave(one, "end")
      assert.deepNestedInclude(yield* Fiber.join(total), { "reason.failure": "boom" })
      assert.deepStrictEqual((yield* dead).map(({ reason, tag }) => [reason, tag]), [["Ended", "Total"]])
      // One that did not fail ends as one that stops; what it had failed with before is over.
      const other = yield* Specimen.spawn()
      yield* Effect.exit(other.ask("Boom"))
      yield* postMortem.leave(other, "resume")
      yield* postMortem.enter(other)
      const exit = yield* Effect.forkChild(ActorRef.await(other))
      yield* postMortem.leave(other, "end")
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(exit)))
    })
  )

  everywhere(
    "keeps as many messages as it may, and the others are dead letters (S126)",
    { postMortem: "actor", keep: 2 },
    Effect.gen(function*() {
      const { postMortem } = yield* inspect
      const one = yield* Specimen.spawn()
      yield* postMortem.enter(one)
      const dead = yield* letters(1, ({ reason }) => reason === "PostMortem")
      for (let n = 1; n <= 3; n++) yield* one.tell("Add", { n })
      assert.deepInclude(yield* Effect.flip(one.ask("Total")), { tag: "Total" })
      assert.strictEqual((yield* dead)[0]!.tag, "Add")
      yield* postMortem.leave(one, "resume")
      assert.strictEqual(yield* one.ask("Total"), 3)
    })
  )

  everywhere(
    "is not for those that somebody oversees, unless he wants it (S127)",
    { postMortem: "actor" },
    Effect.gen(function*() {
      const { postMortem, state } = yield* inspect
      const restarts = yield* Overseer.spawn(Specimen, Overseer.make(() => Effect.succeed("restart")))
      yield* restarts.ref.tell("Add", { n: 1 })
      yield* Effect.exit(restarts.ref.ask("Boom"))
      assert.strictEqual(yield* restarts.ref.ask("Total"), 0)
      const looks = yield* Overseer.spawn(Specimen, {
        held: ({ ref }) => Effect.ignore(postMortem.enter(ref))
      })
      yield* looks.ref.tell("Add", { n: 5 })
      yield* Effect.exit(looks.ref.ask("Boom"))
      yield* looks.ref.tell("Add", { n: 6 })
      assert.strictEqual(yield* looks.ref.ask("Read"), 5)
      assert.deepNestedInclude(yield* state(looks.ref), { "value.total": 5 })
      // It starts again as ever, with what was kept.
      yield* looks.halt
      yield* looks.start
      assert.strictEqual(yield* looks.ref.ask("Total"), 6)
      assert.isFalse((yield* when(looks.ref, () => true)).postMortem)
    })
  )

  everywhere(
    "of the whole system: all actors are as they were, and handle essential messages (S128)",
    { postMortem: "system" },
    Effect.gen(function*() {
      const { postMortem, state } = yield* inspect
      const refs = yield* Effect.all(Array.from({ length: 6 }, () => Specimen.spawn()))
      const keyed = yield* Specimen.keyed("system")
      for (const ref of [...refs, keyed]) yield* ref.ask("Add", { n: 1 })
      yield* Effect.exit(refs[0]!.ask("Boom"))
      for (const ref of [...refs, keyed]) yield* when(ref, ({ postMortem }) => postMortem)
      const late = yield* Specimen.spawn()
      for (const ref of [...refs, keyed, late]) yield* ref.tell("Add", { n: 1 })
      for (const ref of [...refs, keyed]) {
        assert.strictEqual(yield* ref.ask("Read"), 1)
        assert.deepNestedInclude(yield* state(ref), { "value.total": 1 })
      }
      assert.strictEqual(yield* late.ask("Read"), 0)
      yield* postMortem.leaveAll
      for (const ref of [...refs.slice(1), keyed]) assert.strictEqual(yield* ref.ask("Total"), 2)
      assert.strictEqual(yield* late.ask("Total"), 1)
      // The one that failed is to be dealt with by itself.
      assert.strictEqual(yield* refs[0]!.ask("Read"), 1)
      yield* postMortem.leave(refs[0]!, "resume")
      assert.strictEqual(yield* refs[0]!.ask("Total"), 2)
    })
  )

  everywhere(
    "on request, of the whole system; a timer's ticks are kept once (S128)",
    {},
    Effect.gen(function*() {
      const { postMortem } = yield* inspect
      const one = yield* Specimen.spawn()
      yield* one.ask("Tick")
      yield* when(one, ({ handled }) => handled > 2)
      yield* postMortem.enterAll
      const before = yield* one.ask("Read")
      yield* when(one, ({ kept }) => kept === 1)
      for (let n = 0; n < 20; n++) yield* Effect.sleep(1)
      assert.strictEqual(yield* one.ask("Read"), before)
      assert.strictEqual((yield* when(one, () => true)).kept, 1)
      yield* postMortem.leaveAll
      yield* when(one, ({ kept }) => kept === 0)
      assert.isAbove(yield* one.ask("Total"), before)
    })
  )

  it.live("post-mortem: outlives a worker's thread (S128)", () => {
    let threads: FaultPoint.Threads | undefined
    return Effect.gen(function*() {
      const { actors, postMortem } = yield* inspect
      const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`)
      const refs = yield* Effect.all(keys.map((key) => Specimen.keyed(key)))
      yield* postMortem.enterAll
      threads!.terminate(1)
      threads!.terminate(2)
      // Asked until there is somebody to answer.
      const again = { until: Exit.isSuccess } as const
      for (const ref of refs) {
        yield* Effect.repeat(Effect.exit(ref.ask("Read")), again)
        assert.isTrue((yield* when(ref, () => true)).postMortem)
      }
      assert.isAtLeast((yield* Stream.runCollect(actors())).length, 20)
      yield* postMortem.leaveAll
      for (const ref of refs) assert.strictEqual(yield* ref.ask("Total"), 0)
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.provide(
          workers({}),
          Layer.succeed(FaultPoint.Injector, { threads: (given) => void (threads = given) })
        )
      )
    )
  })
})

describe("layer", () => {
  it.effect("fails where the system is not to be inspected (S129)", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Layer.build(Layer.provide(Inspect.layer, ActorSystem.layer)))
      assert.strictEqual(error._tag, "NotInspected")
      const system = yield* ActorSystem.ActorSystem
      assert.isUndefined((system as unknown as { observer: unknown }).observer)
      const ref = yield* Specimen.spawn()
      assert.notProperty(ref, "inspected")
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provideMerge(specimenLive, ActorSystem.layer))
    ))

  it.live("lists what is on other workers, on a worker's place (S121)", () =>
    Effect.gen(function*() {
      const { actors } = yield* inspect
      yield* Effect.all([1, 2].map((worker) => Placement.on(Specimen.spawn(), worker)))
      const all = yield* Stream.runCollect(actors({ actor: "Specimen" }))
      assert.deepStrictEqual(all.map(({ thread }) => thread), [1, 2])
      assert.strictEqual((yield* Stream.runCollect(actors({ thread: 2 }))).length, 1)
    }).pipe(Effect.scoped, Effect.provide(workers({}))))
})

// After the others, which say what is to be shared.
describe("in one system", () => {
  for (const { options, programs } of shared.values()) {
    for (const [place, where] of Object.entries(places)) {
      describe(`${place}, with ${JSON.stringify(options)}`, () => {
        layer(where(options), { excludeTestServices: true })((it) => {
          for (const [sentence, program] of programs) it.effect(sentence, () => Effect.scoped(program))
        })
      })
    }
  }
})
