/** The same lives and deaths on one thread and on several: watched, linked, ended and overseen from another one. */
import { assert } from "@effect/vitest"
import * as ActorRef from "@troupe/runtime/ActorRef"
import type { AskError } from "@troupe/runtime/AskError"
import * as Overseer from "@troupe/runtime/Overseer"
import { SpawnError } from "@troupe/runtime/SpawnError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import { Being, Bounded, type Failure, Hearing, Keyed } from "./fixtures/Being.ts"
import { type Ref, textOf } from "./fixtures/beingLive.ts"
import { everywhere, type Program } from "./fixtures/beingPlaces.ts"
import { fresh, letters } from "./fixtures/places.ts"
import { deed, Listener, nothing, Puppet } from "./fixtures/Puppet.ts"
import { Gate, Journal } from "./fixtures/Subject.ts"

/** Arguments for an actor whose journal no other has. */
const named = (name: string, failing: ReadonlyArray<number> = []) => ({
  journal: fresh("life"),
  name,
  failing
})

const lines = (journal: string) => Effect.flatMap(Journal.keyed(journal), (journal) => journal.ask("Lines"))

/** What was heard, when it is so much. */
const heard = Effect.fnUntraced(function*(
  ref: { ask(tag: "Heard"): Effect.Effect<ReadonlyArray<string>, unknown> },
  count: number
) {
  for (;;) {
    const lines = yield* ref.ask("Heard")
    if (lines.length >= count) return lines
    yield* Effect.yieldNow
  }
})

/** A being that is busy until its gate opens, when it is. */
const hang = Effect.fnUntraced(function*(ref: Ref) {
  const gate = fresh("gate")
  yield* ref.tell("Hang", { gate })
  const it = yield* Gate.keyed(gate)
  yield* it.ask("Reached")
  return { gate, open: it.tell("Open") }
})

const tie = (what: "watch" | "unwatch" | "link" | "unlink", other: ActorRef.ActorRef<never>) =>
  deed((ctx) => ctx[what](other))

const failures: ReadonlyArray<readonly [how: typeof Failure.Type, text: string]> = [
  ["throws", "thrown"],
  ["dies", "died"],
  ["dies slowly", "died"],
  ["is interrupted", "interrupted"],
  ["crashes", "spoiled for 3 days"]
]

const watching: ReadonlyArray<Program> = [
  ...failures.map(([how, text]): Program => [
    `one that ${how} is told of, with what it failed with`,
    Effect.gen(function*() {
      const watched = yield* Being.spawn(named("it"))
      const watcher = yield* Listener.spawn(tie("watch", watched))
      yield* watched.tell("Fail", { how })
      assert.deepStrictEqual(yield* heard(watcher, 1), [`terminated Being: ${text}`])
      assert.strictEqual(textOf(yield* ActorRef.await(watched)), text)
    })
  ]),
  [
    "a typed failure keeps its name, its tag and its fields (S41)",
    Effect.gen(function*() {
      const it = yield* Being.spawn(named("it"))
      yield* it.tell("Fail", { how: "crashes" })
      const exit = yield* ActorRef.await(it)
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.instanceOf(error, Error)
      assert.deepInclude(error as object, {
        _tag: "Spoiled",
        name: "Spoiled",
        days: 3,
        message: "spoiled for 3 days"
      })
    })
  ],
  [
    "the end of its scope is told of when its finalizers have run",
    Effect.gen(function*() {
      const args = named("it")
      const scope = yield* Scope.make()
      const watched = yield* Effect.provideService(Being.spawn(args), Scope.Scope, scope)
      const watcher = yield* Listener.spawn(tie("watch", watched))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* heard(watcher, 1), ["terminated Being: ended"])
      assert.deepStrictEqual(yield* lines(args.journal), ["it starts", "it ends"])
    })
  ],
  [
    "one that has ended already is told of",
    Effect.gen(function*() {
      const watched = yield* Being.spawn(named("it"))
      yield* watched.ask("Stop")
      yield* ActorRef.await(watched)
      const watcher = yield* Listener.spawn(tie("watch", watched))
      assert.deepStrictEqual(yield* heard(watcher, 1), ["terminated Being: ended"])
    })
  ],
  [
    "watched no longer, nothing is told; watched again, it is",
    Effect.gen(function*() {
      const watched = yield* Being.spawn(named("it"))
      const watcher = yield* Listener.spawn(tie("watch", watched))
      yield* watcher.ask("Do", tie("watch", watched))
      yield* watcher.ask("Do", tie("unwatch", watched))
      const other = yield* Listener.spawn(tie("watch", watched))
      yield* watched.ask("Stop")
      yield* heard(other, 1)
      assert.deepStrictEqual(yield* watcher.ask("Heard"), [])
    })
  ],
  [
    "of a key it is the incarnation that lives",
    Effect.gen(function*() {
      const key = fresh("key")
      const watched = yield* Keyed.keyed(key)
      const watcher = yield* Listener.spawn(tie("watch", watched))
      assert.deepStrictEqual(yield* heard(watcher, 1), [`terminated Keyed ${key}: ended`])
      yield* watched.ask("Ping")
      yield* watcher.ask("Do", tie("watch", watched))
      yield* watched.tell("Fail", { how: "crashes" })
      assert.strictEqual((yield* heard(watcher, 2))[1], `terminated Keyed ${key}: spoiled for 3 days`)
      yield* watched.ask("Ping")
    })
  ],
  [
    "actors watch what they are sent, wherever both live",
    Effect.gen(function*() {
      const watched = yield* Being.spawn(named("it"))
      const key = yield* Keyed.keyed(fresh("key"))
      const puppet = yield* Puppet.spawn(nothing)
      const watchers = yield* Effect.forEach([1, 2, 3], (n) => Hearing.spawn(named(`watcher ${n}`)))
      yield* key.ask("Ping")
      for (const watcher of watchers) {
        for (const other of [watched, key, puppet]) yield* watcher.ask("Watch", { other: other as never })
      }
      yield* watchers[0]!.ask("Unwatch", { other: key as never })
      yield* watched.tell("Fail", { how: "throws" })
      yield* ActorRef.stop(key)
      yield* ActorRef.kill(puppet)
      for (const [n, watcher] of watchers.entries()) {
        assert.sameMembers([...(yield* heard(watcher, n === 0 ? 2 : 3))], [
          "terminated Being: thrown",
          "terminated Puppet: interrupted",
          ...(n === 0 ? [] : ["terminated Keyed: ended"])
        ])
      }
    })
  ]
]

const linking: ReadonlyArray<Program> = [
  ...["this one", "the other one"].map((end): Program => [
    `when ${end} fails, both do`,
    Effect.gen(function*() {
      const other = yield* Being.spawn(named("it"))
      const linked = yield* Puppet.spawn(tie("link", other))
      // What links is on its way before this.
      yield* other.ask("Ping")
      if (end === "this one") yield* linked.tell("Crash")
      else yield* other.tell("Fail", { how: "dies" })
      const exits = yield* Effect.forEach([linked, other], ActorRef.await)
      assert.deepStrictEqual(
        exits.map(textOf),
        end === "this one"
          ? ["on purpose", "the linked actor Puppet failed: on purpose"]
          : ["the linked actor Being failed: died", "died"]
      )
    })
  ]),
  [
    "unlinked, each ends for itself; one that handles the signal is told of either end",
    Effect.gen(function*() {
      const one = yield* Being.spawn(named("one"))
      const two = yield* Being.spawn(named("two"))
      const puppet = yield* Puppet.spawn(tie("link", one))
      yield* puppet.ask("Do", tie("unlink", one))
      const trapping = yield* Listener.spawn(tie("link", one))
      yield* trapping.ask("Do", tie("link", two))
      yield* two.ask("Stop")
      yield* one.tell("Fail", { how: "crashes" })
      assert.sameMembers([...(yield* heard(trapping, 2))], [
        "link broken Being: ended",
        "link broken Being: spoiled for 3 days"
      ])
      assert.deepStrictEqual(yield* puppet.ask("Heard"), [])
    })
  ],
  [
    "a ring of linked actors fails as one",
    Effect.gen(function*() {
      const ring = yield* Effect.forEach([0, 1, 2, 3, 4], (n) => Being.spawn(named(`${n}`)))
      for (const [n, one] of ring.entries()) yield* one.ask("Link", { other: ring[(n + 1) % 5] as never })
      for (const one of ring) yield* one.ask("Ping")
      yield* ring[2]!.tell("Fail", { how: "dies" })
      for (const exit of yield* Effect.forEach(ring, ActorRef.await)) {
        assert.include(["died", "the linked actor Being failed: died"], textOf(exit))
      }
    })
  ]
]

const ending: ReadonlyArray<Program> = [
  [
    "stop lets it handle what is queued, and waits for its finalizers",
    Effect.gen(function*() {
      const args = named("it")
      const it = yield* Being.spawn(args)
      const { open } = yield* hang(it)
      yield* it.tell("Say", { line: "queued" })
      const asked = yield* Effect.forkChild(it.ask("Heard"), { startImmediately: true })
      const stopping = yield* Effect.forkChild(ActorRef.stop(it), { startImmediately: true })
      const late = yield* Effect.forkChild(Effect.flip(it.ask("Heard")), { startImmediately: true })
      yield* open
      assert.deepStrictEqual(yield* Fiber.join(asked), ["queued"])
      yield* Fiber.join(stopping)
      assert.strictEqual((yield* Fiber.join(late))._tag, "AskError")
      assert.deepStrictEqual(yield* lines(args.journal), ["it starts", "it ends"])
    })
  ],
  [
    "stop with now is after the message in hand",
    Effect.gen(function*() {
      const it = yield* Being.spawn(named("it"))
      const { gate, open } = yield* hang(it)
      const asked = yield* Effect.forkChild(Effect.flip(it.ask("Heard")), { startImmediately: true })
      const stopping = yield* Effect.forkChild(ActorRef.stop(it, { now: true }), { startImmediately: true })
      yield* open
      yield* Fiber.join(stopping)
      assert.strictEqual((yield* Fiber.join(asked))._tag, "AskError")
      assert.deepStrictEqual(yield* lines(gate), [])
      assert.strictEqual(textOf(yield* ActorRef.await(it)).includes("interrupted"), false)
    })
  ],
  [
    "kill interrupts what is in hand, and waits for the finalizers",
    Effect.gen(function*() {
      const args = named("it")
      const it = yield* Being.spawn(args)
      const { gate } = yield* hang(it)
      const watcher = yield* Listener.spawn(tie("watch", it))
      yield* ActorRef.kill(it)
      assert.deepStrictEqual(yield* lines(gate), ["interrupted"])
      assert.deepStrictEqual(yield* lines(args.journal), ["it starts", "it ends"])
      assert.deepStrictEqual(yield* heard(watcher, 1), ["terminated Being: interrupted"])
    })
  ],
  [
    "an actor that has ended is no child any more",
    Effect.gen(function*() {
      const parent = yield* Puppet.spawn(nothing)
      yield* parent.ask(
        "Do",
        deed((ctx) =>
          Effect.gen(function*() {
            const children = yield* Effect.forEach(
              ["one", "two", "three"],
              (name) => Being.spawn(named(name))
            )
            assert.deepStrictEqual(ctx.children, children)
            yield* children[1]!.ask("Stop")
            yield* ActorRef.await(children[1]!)
            assert.deepStrictEqual(ctx.children, [children[0], children[2]] as never)
          })
        )
      )
    })
  ],
  [
    "children end before what their parent has, the youngest first, wherever they live",
    Effect.gen(function*() {
      const { journal } = named("")
      const parent = yield* Puppet.spawn(nothing)
      yield* parent.ask(
        "Do",
        deed(() =>
          Effect.gen(function*() {
            yield* Being.spawn({ journal, name: "one" })
            yield* Effect.addFinalizer(() =>
              Effect.flatMap(
                Journal.keyed(journal),
                (it) => Effect.orDie(it.ask("Note", { line: "released" }))
              )
            )
            yield* Being.spawn({ journal, name: "two" })
          })
        )
      )
      yield* ActorRef.stop(parent)
      assert.deepStrictEqual(yield* lines(journal), [
        "one starts",
        "two starts",
        "two ends",
        "one ends",
        "released"
      ])
    })
  ]
]

/** What an overseer was told. */
interface Told {
  readonly child: Overseer.Child
  readonly exit: string
}

/** An overseer that leaves it all to the test. */
const waiting = Effect.map(Queue.unbounded<Told>(), (told) => ({
  told: Queue.take(told),
  left: Queue.size(told),
  overseer: { held: (child, exit) => Queue.offer(told, { child, exit: textOf(exit) }) } as Overseer.Overseer
}))

/** A puppet that has spawned a being in a plain handler. */
const spawning = Effect.fnUntraced(
  function*(args: typeof Being.args["~type.make.in"], overseer?: Overseer.Overseer) {
    const spawner = yield* overseer === undefined ? Being.spawner : Overseer.spawner(Being, overseer)
    const parent = yield* Listener.spawn(nothing)
    const made: Array<Ref> = []
    yield* parent.ask(
      "Do",
      deed((ctx) => {
        const child = ctx.spawn(spawner, args)
        made.push(child)
        ctx.watch(child)
        assert.deepStrictEqual(ctx.children, [child])
        // Before anybody can know where it lives.
        const line = { line: "first" }
        ctx.send(child, "Say", line)
        line.line = "changed"
      })
    )
    return { child: made[0]!, parent }
  }
)

const sprouting: ReadonlyArray<Program> = [
  [
    "a plain handler spawns a child; what it is sent at once comes first",
    Effect.gen(function*() {
      const args = named("it")
      const { child, parent } = yield* spawning(args)
      yield* child.tell("Say", { line: "second" })
      assert.deepStrictEqual((yield* child.ask("Heard")).slice(1), ["second"])
      yield* parent.ask("Do", deed((ctx) => assert.deepStrictEqual(ctx.children, [child])))
      // Another actor is told of it, and reaches it.
      const watcher = yield* Hearing.spawn(named("watcher"))
      yield* watcher.ask("Watch", { other: child as never })
      yield* ActorRef.stop(child)
      assert.deepStrictEqual(yield* heard(watcher, 1), ["terminated Being: ended"])
      assert.deepStrictEqual(yield* heard(parent, 1), ["terminated Being: ended"])
      yield* parent.ask("Do", deed((ctx) => assert.deepStrictEqual(ctx.children, [])))
      assert.deepStrictEqual(yield* lines(args.journal), ["it starts", "it ends"])
    })
  ],
  [
    "such a child whose start fails has ended so, and its messages are dead letters",
    Effect.gen(function*() {
      const { child, parent } = yield* spawning(named("it", [1]))
      assert.deepStrictEqual(yield* heard(parent, 1), ["terminated Being: no start"])
      assert.strictEqual((yield* Effect.flip(child.ask("Heard")))._tag, "AskError")
    })
  ],
  [
    "such a child ends with its parent, also while it starts",
    Effect.gen(function*() {
      const args = named("it")
      const { child, parent } = yield* spawning(args)
      yield* ActorRef.kill(parent)
      assert.strictEqual(textOf(yield* ActorRef.await(child)), "ended")
    })
  ],
  [
    "such a child has an overseer that is told of its start too",
    Effect.gen(function*() {
      const { left, overseer, told } = yield* waiting
      const { child, parent } = yield* spawning(named("it", [1]), overseer)
      const event = yield* told
      assert.strictEqual(event.exit, "no start")
      assert.strictEqual(event.child.ref, child)
      yield* event.child.start
      assert.lengthOf(yield* child.ask("Heard"), 1)
      yield* child.tell("Fail", { how: "crashes" })
      assert.strictEqual((yield* told).exit, "spoiled for 3 days")
      yield* event.child.end
      assert.deepStrictEqual(yield* heard(parent, 1), ["terminated Being: spoiled for 3 days"])
      assert.strictEqual(yield* left, 0)
    })
  ]
]

const ends: ReadonlyArray<
  readonly [sentence: string, exit: string, act: (ref: Ref) => Effect.Effect<unknown>]
> = [
  ...failures.map(([how, text]) => [how, text, (ref: Ref) => ref.tell("Fail", { how })] as const),
  ["stops", "ended", (ref) => ref.tell("Stop")],
  ["is killed", "interrupted", ActorRef.kill],
  ["is stopped", "ended", ActorRef.stop],
  ["is stopped now", "ended", (ref) => ActorRef.stop(ref, { now: true })]
]

const overseeing: ReadonlyArray<Program> = [
  ...[Being, Bounded].flatMap((kind) =>
    ends.map(([sentence, exit, act]): Program => [
      `a ${kind.name} that ${sentence} is held; restarted, it handles what waited`,
      Effect.gen(function*() {
        const { overseer, told } = yield* waiting
        const args = named("it")
        const { ref } = yield* Overseer.spawn(kind as typeof Being, overseer, args)
        yield* ref.ask("Say", { line: "forgotten" })
        yield* act(ref)
        const held = yield* told
        assert.strictEqual(held.exit, exit)
        assert.strictEqual(held.child.ref, ref)
        for (const line of ["one", "two", "three"]) yield* ref.tell("Say", { line })
        assert.deepStrictEqual(yield* lines(args.journal), ["it starts"])
        yield* held.child.start
        assert.deepStrictEqual(yield* ref.ask("Heard"), ["one", "two", "three"])
        assert.deepStrictEqual(yield* lines(args.journal), ["it starts", "it ends", "it starts"])
        assert.strictEqual(yield* held.child.generation, 1)
      })
    ])
  ),
  ...[Being, Bounded].map((kind): Program => [
    `a ${kind.name} that refuses while it is down answers Restarting at once, and handles what waited (S106)`,
    Effect.gen(function*() {
      const { overseer, told } = yield* waiting
      const args = named("it", [2])
      const refusing: Overseer.Overseer = { ...overseer, refuses: true }
      const { ref } = yield* Overseer.spawn(kind as typeof Being, refusing, args)
      const refused = Effect.map(Effect.flip(ref.ask("Heard")), (error) => (error as AskError).reason._tag)
      const { gate, open } = yield* hang(ref)
      yield* ref.tell("Fail", { how: "crashes" })
      yield* ref.tell("Say", { line: "waited" })
      // They wait on its thread.
      yield* Effect.flatMap(Keyed.keyed(gate), (other) => other.ask("Ping"))
      yield* open
      const { child } = yield* told
      assert.strictEqual(yield* refused, "Restarting")
      const letter = yield* letters(1, ({ reason }) => reason === "Restarting")
      yield* ref.tell("Say", { line: "refused" })
      assert.deepInclude((yield* letter)[0], { actor: kind.name, tag: "Say" })
      yield* child.halt
      assert.strictEqual(yield* refused, "Restarting")
      // A start that fails leaves it down.
      yield* Effect.flip(child.start)
      assert.strictEqual(yield* refused, "Restarting")
      yield* child.start
      assert.deepStrictEqual(yield* ref.ask("Heard"), ["waited"])
      yield* ref.tell("Fail", { how: "throws" })
      yield* told
      assert.strictEqual(yield* refused, "Restarting")
      assert.isFalse(yield* child.resume.pipe(Effect.andThen(child.resume)))
      assert.deepStrictEqual(yield* ref.ask("Heard"), ["waited"])
    })
  ]),
  [
    "resumed, it keeps its state; the asker of what it had in hand is told",
    Effect.gen(function*() {
      const { overseer, told } = yield* waiting
      const args = named("it")
      const { ref } = yield* Overseer.spawn(Being, overseer, args)
      yield* ref.tell("Say", { line: "kept" })
      const error = yield* Effect.flip(ref.ask("Fail", { how: "crashes" }))
      assert.include(error.message, "spoiled for 3 days")
      const { child } = yield* told
      assert.isTrue(yield* child.resume)
      assert.isFalse(yield* child.resume)
      assert.deepStrictEqual(yield* ref.ask("Heard"), ["kept"])
      assert.deepStrictEqual(yield* lines(args.journal), ["it starts"])
      assert.strictEqual(yield* child.generation, 0)
    })
  ],
  [
    "ended, its messages are dead letters, and those that watch it hear what it was held with",
    Effect.gen(function*() {
      const { overseer, told } = yield* waiting
      const { ref } = yield* Overseer.spawn(Being, overseer, named("it"))
      const watcher = yield* Listener.spawn(tie("watch", ref))
      yield* ref.tell("Fail", { how: "throws" })
      const { child } = yield* told
      const asked = yield* Effect.forkChild(Effect.flip(ref.ask("Heard")), { startImmediately: true })
      yield* child.halt
      assert.deepStrictEqual(yield* watcher.ask("Heard"), [])
      yield* child.end
      assert.strictEqual((yield* Fiber.join(asked))._tag, "AskError")
      assert.deepStrictEqual(yield* heard(watcher, 1), ["terminated Being: thrown"])
    })
  ],
  [
    "halted whatever it does, it starts again when it is told to, if its initial does not fail",
    Effect.gen(function*() {
      const { left, overseer } = yield* waiting
      const args = named("it", [2])
      const child = yield* Overseer.spawn(Being, overseer, args)
      const { gate } = yield* hang(child.ref)
      yield* child.halt
      assert.deepStrictEqual(yield* lines(gate), ["interrupted"])
      yield* child.ref.tell("Say", { line: "waited" })
      const error = yield* Effect.flip(child.start)
      assert.instanceOf(error, SpawnError)
      assert.strictEqual(error.message, "Being did not start: no start")
      assert.isFalse(yield* child.resume)
      yield* child.start
      yield* child.start
      assert.deepStrictEqual(yield* child.ref.ask("Heard"), ["waited"])
      assert.deepStrictEqual(yield* lines(args.journal), [
        "it starts",
        "it ends",
        "it starts",
        "it ends",
        "it starts"
      ])
      assert.strictEqual(yield* left, 0)
    })
  ],
  [
    "a first start that fails is a SpawnError",
    Effect.gen(function*() {
      const { left, overseer } = yield* waiting
      const error = yield* Effect.flip(Overseer.spawn(Being, overseer, named("it", [1])))
      assert.instanceOf(error, SpawnError)
      assert.strictEqual(yield* left, 0)
    })
  ],
  [
    "with its scope it ends, whether it runs, is held or is halted, and nobody is asked",
    Effect.gen(function*() {
      const { left, overseer, told } = yield* waiting
      const args = named("it")
      const scope = yield* Scope.make()
      const spawn = Effect.provideService(Overseer.spawn(Being, overseer, args), Scope.Scope, scope)
      const [running, held, halted] = yield* Effect.all([spawn, spawn, spawn])
      yield* held.ref.tell("Fail", { how: "throws" })
      yield* told
      yield* halted.halt
      yield* Scope.close(scope, Exit.void)
      for (const { ref } of [running, held, halted]) {
        assert.strictEqual((yield* Effect.flip(ref.ask("Ping")))._tag, "AskError")
      }
      assert.strictEqual((yield* lines(args.journal)).filter((line) => line === "it ends").length, 3)
      assert.strictEqual(yield* left, 0)
    })
  ],
  ...(["resume", "restart"] as const).map((directive): Program => [
    `${directive} as a directive`,
    Effect.gen(function*() {
      const args = named("it")
      const { ref } = yield* Overseer.spawn(Being, Overseer.make(() => Effect.succeed(directive)), args)
      yield* ref.tell("Say", { line: "before" })
      for (const [how] of failures) yield* ref.tell("Fail", { how })
      yield* ref.tell("Say", { line: "after" })
      assert.deepStrictEqual(
        yield* ref.ask("Heard"),
        directive === "resume" ? ["before", "after"] : ["after"]
      )
      const all = yield* lines(args.journal)
      assert.lengthOf(all, directive === "resume" ? 1 : 1 + 2 * failures.length)
    })
  ]),
  [
    "escalate as a directive fails the parent",
    Effect.gen(function*() {
      const overseer = Overseer.make(() => Effect.succeed("escalate"))
      const parent = yield* Puppet.spawn(nothing)
      yield* parent.ask(
        "Do",
        deed(() =>
          Effect.flatMap(
            Overseer.spawn(Being, overseer, named("it")),
            ({ ref }) => ref.tell("Fail", { how: "dies" })
          )
        )
      )
      assert.strictEqual(textOf(yield* ActorRef.await(parent)), "died")
    })
  ]
]

everywhere([...watching, ...linking, ...ending, ...sprouting, ...overseeing])
