import { assert, describe } from "@effect/vitest"
import { SpawnError } from "@troupe/runtime/SpawnError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { everywhere, fresh, type Program, reasonOf } from "./fixtures/places.ts"
import { Gate, Journal, Resource, Vault } from "./fixtures/Subject.ts"

/** What is noted in a journal. */
const lines = (journal: string) => Effect.flatMap(Journal.keyed(journal), (journal) => journal.ask("Lines"))

const spawning: ReadonlyArray<Program> = [
  [
    "spawn arguments arrive, with their defaults filled in",
    Effect.gen(function*() {
      const journal = fresh("journal")
      const one = yield* Resource.spawn({ journal, name: "one" })
      const two = yield* Resource.spawn({ journal, name: "two", start: "plain", size: 9 })
      assert.deepInclude(yield* one.ask("Args"), { name: "one", start: "effect", size: 1 })
      assert.deepInclude(yield* two.ask("Args"), { name: "two", start: "plain", size: 9 })
    })
  ],
  [
    "a spawn is over when the actor has started (S21)",
    Effect.gen(function*() {
      const journal = fresh("journal")
      yield* Resource.spawn({ journal, name: "it", start: "slow" })
      assert.deepStrictEqual(yield* lines(journal), ["it opens"])
    })
  ],
  ...(["throws", "dies", "dies slowly"] as const).map((start): Program => [
    `an actor whose start ${start} is a SpawnError, and releases what it had acquired`,
    Effect.gen(function*() {
      const journal = fresh("journal")
      const error = yield* Effect.flip(Effect.scoped(Resource.spawn({ journal, name: "it", start })))
      assert.instanceOf(error, SpawnError)
      assert.strictEqual(error.actor, "Resource")
      assert.strictEqual(error.message, "Resource did not start: no start")
      assert.deepStrictEqual(yield* lines(journal), start === "throws" ? [] : ["it opens", "it closes"])
    })
  ]),
  [
    "a spawn into a scope that is closed is a SpawnError",
    Effect.gen(function*() {
      const journal = fresh("journal")
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      const spawn = Resource.spawn({ journal, name: "it" })
      const error = yield* Effect.flip(Effect.provideService(spawn, Scope.Scope, scope))
      assert.instanceOf(error, SpawnError)
      assert.include(error.message, "closed")
      assert.deepStrictEqual(yield* lines(journal), [])
    })
  ],
  [
    "an interrupted spawn leaves no actor behind (S21)",
    Effect.gen(function*() {
      const journal = fresh("journal")
      const start = yield* Gate.keyed(`${journal}/start`)
      const spawn = yield* Effect.forkChild(Resource.spawn({ journal, name: "it", start: "waits" }), {
        startImmediately: true
      })
      yield* start.ask("Reached")
      yield* Fiber.interrupt(spawn)
      assert.deepStrictEqual(yield* lines(journal), ["it opens", "it closes"])
    })
  ],
  [
    "a scope that closes while its actor starts ends the actor",
    Effect.gen(function*() {
      const journal = fresh("journal")
      const scope = yield* Scope.make()
      const start = yield* Gate.keyed(`${journal}/start`)
      const spawn = Resource.spawn({ journal, name: "it", start: "waits" })
      const spawning = yield* Effect.forkChild(
        Effect.flip(Effect.provideService(spawn, Scope.Scope, scope)),
        { startImmediately: true }
      )
      yield* start.ask("Reached")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* start.tell("Open")
      assert.instanceOf(yield* Fiber.join(spawning), SpawnError)
      yield* Fiber.join(closing)
      assert.deepStrictEqual(yield* lines(journal), ["it opens", "it closes"])
    })
  ]
]

const wholeLife = [
  "it opens",
  "it acquires a",
  "it acquires b",
  "it releases b",
  "it releases a",
  "it closes"
]

const resources: ReadonlyArray<Program> = [
  ...(["Stop", "Crash"] as const).map((tag): Program => [
    `an actor that ends by ${tag} releases what it has, the last first, before its scope has closed`,
    Effect.gen(function*() {
      const journal = fresh("journal")
      yield* Effect.scoped(Effect.gen(function*() {
        const it = yield* Resource.spawn({ journal, name: "it" })
        yield* it.ask("Acquire", { what: "a" })
        yield* it.tell("Acquire", { what: "b" })
        // The scope closes while the finalizers run.
        yield* Effect.exit(it.ask(tag))
      }))
      assert.deepStrictEqual(yield* lines(journal), wholeLife)
    })
  ]),
  [
    "an actor whose scope closes releases what it has, the last first",
    Effect.gen(function*() {
      const journal = fresh("journal")
      yield* Effect.scoped(Effect.gen(function*() {
        const it = yield* Resource.spawn({ journal, name: "it" })
        yield* it.ask("Acquire", { what: "a" })
        yield* it.ask("Acquire", { what: "b" })
      }))
      assert.deepStrictEqual(yield* lines(journal), wholeLife)
    })
  ],
  [
    "the actors of a scope end in reverse order, each after the one before",
    Effect.gen(function*() {
      const journal = fresh("journal")
      yield* Effect.scoped(Effect.gen(function*() {
        for (const name of ["one", "two", "three"]) {
          const it = yield* Resource.spawn({ journal, name })
          yield* it.ask("Acquire", { what: "a" })
        }
      }))
      const ends = (yield* lines(journal)).slice(6)
      assert.deepStrictEqual(
        ends,
        ["three", "two", "one"].flatMap((name) => [`${name} releases a`, `${name} closes`])
      )
    })
  ],
  [
    "an effect in flight is interrupted when the scope closes, before resources are released",
    Effect.gen(function*() {
      const journal = fresh("journal")
      const gate = yield* Gate.keyed(journal)
      const asked = yield* Effect.scoped(Effect.gen(function*() {
        const it = yield* Resource.spawn({ journal, name: "it" })
        const asked = yield* Effect.forkDetach(reasonOf(it.ask("Hang", { gate: journal })), {
          startImmediately: true
        })
        yield* gate.ask("Reached")
        return asked
      }))
      assert.strictEqual((yield* Fiber.join(asked))._tag, "ActorEnded")
      assert.deepStrictEqual(yield* lines(journal), ["it opens", "it is interrupted", "it closes"])
    })
  ],
  [
    "what an actor was told before its scope closes, and has not handled, is not handled",
    Effect.gen(function*() {
      const journal = fresh("journal")
      const gate = yield* Gate.keyed(journal)
      yield* Effect.scoped(Effect.gen(function*() {
        const it = yield* Resource.spawn({ journal, name: "it" })
        yield* it.tell("Hang", { gate: journal })
        yield* it.tell("Tell", { line: "handled" })
        yield* gate.ask("Reached")
      }))
      assert.deepStrictEqual(yield* lines(journal), ["it opens", "it is interrupted", "it closes"])
    })
  ]
]

const incarnations: ReadonlyArray<Program> = [
  [
    "a key is made on its first message, not before, and not for a message that it does not have",
    Effect.gen(function*() {
      const journal = fresh("journal")
      const vault = yield* Vault.keyed(`${journal}/it`)
      assert.deepStrictEqual(yield* lines(journal), [])
      yield* Effect.exit(
        (vault.ask as unknown as (this: unknown, tag: string) => Effect.Effect<void>).call(vault, "None")
      )
      assert.deepStrictEqual(yield* lines(journal), [])
      assert.strictEqual(yield* vault.ask("Ping"), "pong")
      assert.deepStrictEqual(yield* lines(journal), ["it starts"])
    })
  ],
  ...(["Stop", "Crash"] as const).map((tag): Program => [
    `after ${tag} the old incarnation's finalizers end before the new one starts (S24)`,
    Effect.gen(function*() {
      const journal = fresh("journal")
      const vault = yield* Vault.keyed(`${journal}/it`)
      for (let life = 0; life < 3; life++) {
        assert.strictEqual(yield* vault.ask("Ping"), "pong")
        yield* Effect.exit(vault.ask(tag))
      }
      assert.strictEqual(yield* vault.ask("Ping"), "pong")
      assert.deepStrictEqual(yield* lines(journal), [
        ...Array.from({ length: 3 }, () => ["it starts", "it ended"]).flat(),
        "it starts"
      ])
    })
  ])
]

describe("Actor", () => everywhere({ spawning, resources, incarnations }))
