/**
 * Strategy x restart type x end x directive: what becomes of the child that ends, of its siblings, and of their
 * supervisor. The fates are written down by hand; the rows are all combinations.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { Child, RestartPolicy, Supervisor } from "../src/index.ts"
import { journal, listen, type Ref, reset, system, Worker } from "./fixtures/Worker.ts"

/** What becomes of `b`, between `a` and `c`. */
type Fate =
  | "goes on"
  | "restarts"
  | "stays ended"
  | "is removed"
  | "stops with its group"
  | "takes the supervisor along"

const ends = {
  "stops": (b: Ref) => b.tell("Stop"),
  "crashes with an error": (b: Ref) => b.tell("Crash", { kind: "test" }),
  "throws": (b: Ref) => b.tell("Throw"),
  "dies": (b: Ref) => b.tell("Die"),
  "is interrupted": (b: Ref) => b.tell("Interrupt")
} as const

type End = keyof typeof ends

const strategies = ["one_for_one", "one_for_all", "rest_for_one"] as const
const restarts = ["permanent", "transient", "temporary"] as const
const directives = ["resume", "restart", "stop", "escalate"] as const

const fate = (restart: typeof restarts[number], end: End, directive: RestartPolicy.Directive): Fate => {
  const started = { permanent: "restarts", transient: "restarts", temporary: "is removed" } as const
  const stopped = { permanent: "restarts", transient: "stays ended", temporary: "is removed" } as const
  if (end === "stops") return stopped[restart]
  const fates = {
    // Nobody knows what the state of one that threw is worth: the default restarts it.
    resume: end === "crashes with an error" ? "goes on" : started[restart],
    restart: started[restart],
    stop: "stops with its group",
    escalate: "takes the supervisor along"
  } as const
  return fates[directive]
}

const group = { one_for_one: ["b"], one_for_all: ["a", "b", "c"], rest_for_one: ["b", "c"] } as const

/** What the three do then: the group ends in reverse, and starts in order. */
const deeds = (strategy: typeof strategies[number], fate: Fate): ReadonlyArray<string> => {
  const down = group[strategy].toReversed().map((name) => `-${name}`)
  switch (fate) {
    case "goes on":
      return []
    case "restarts":
      return [...down, ...group[strategy].map((name) => `+${name}`)]
    case "stays ended":
    case "is removed":
      return ["-b"]
    case "stops with its group":
      return down
    case "takes the supervisor along":
      return ["-c", "-b", "-a"]
  }
}

describe("Supervisor", () => {
  for (const strategy of strategies) {
    describe(strategy, () => {
      for (const restart of restarts) {
        for (const end of Object.keys(ends) as ReadonlyArray<End>) {
          for (const directive of directives) {
            const expected = fate(restart, end, directive)
            it.effect(`a ${restart} child that ${end}, under ${directive}, ${expected}`, () =>
              Effect.gen(function*() {
                yield* reset
                const supervisor = Supervisor.make("Root", {
                  strategy,
                  policy: RestartPolicy.make(() => directive),
                  children: [
                    Child.actor("a", Worker, { args: "a" }),
                    Child.actor("b", Worker, { args: "b", restart }),
                    Child.actor("c", Worker, { args: "c" })
                  ]
                })
                yield* Effect.gen(function*() {
                  const running = yield* Supervisor.running(supervisor)
                  const heard = yield* listen(running)
                  const b = yield* Supervisor.child(supervisor, "b")
                  yield* b.tell("Add", { n: 7 })
                  journal.length = 0
                  yield* ends[end](b)
                  yield* heard.until(end === "stops" ? "ChildEnded Root/b" : "ChildFailed Root/b")
                  // What is asked next is answered when the end has been dealt with.
                  const asked = yield* Effect.flip(running.delete("nobody"))
                  assert.deepStrictEqual(journal, deeds(strategy, expected))
                  if (expected === "takes the supervisor along") {
                    assert.strictEqual(asked.reason, "Ending")
                    const exit = yield* running.await
                    assert.isTrue(
                      Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause) || end === "is interrupted"
                    )
                    return
                  }
                  assert.strictEqual(asked.reason, "NotFound")
                  const info = (yield* running.which).find(({ id }) => id === "b")
                  if (expected === "is removed") return assert.isUndefined(info)
                  if (expected === "stays ended") return assert.strictEqual(info!.status, "down")
                  if (expected === "stops with its group") {
                    return assert.strictEqual(info?.status, restart === "temporary" ? undefined : "down")
                  }
                  assert.strictEqual(info!.status, "up")
                  assert.strictEqual(yield* b.ask("Total"), expected === "goes on" ? 7 : 0)
                }).pipe(Effect.scoped, Effect.provide(Supervisor.layer(supervisor)))
              }).pipe(Effect.provide(system)))
          }
        }
      }
    })
  }
})
