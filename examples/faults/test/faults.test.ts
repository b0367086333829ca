/** The command's scenarios: they hold, what is wrong on purpose does not, and on one thread a seed repeats a run. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Console, Effect, Exit } from "effect"
import { spawn } from "node:child_process"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { faults, scenarios, Unusable } from "../faults.ts"
import * as Ring from "../ring.ts"
import { type Options, type Summary, Violation } from "../Scenario.ts"

/** Runs the command on this thread; what it prints. */
const ran = (...args: ReadonlyArray<string>) =>
  Effect.suspend(() => {
    const out: Array<string> = []
    const err: Array<string> = []
    const console: Console.Console = {
      ...globalThis.console,
      log: (...parts: ReadonlyArray<unknown>) => out.push(parts.join(" ")),
      error: (...parts: ReadonlyArray<unknown>) => err.push(parts.join(" "))
    }
    return faults(args).pipe(
      Effect.provide(NodeServices.layer),
      Effect.provideService(Console.Console, console),
      Effect.exit,
      Effect.map((exit) => ({ exit, out: out.join("\n"), err: err.join("\n") }))
    )
  })

/** A run with all that was done to the system. */
const logged = (name: string, options: Options) =>
  Effect.suspend(() => {
    const decisions: Array<string> = []
    const decided = (line: string): number => decisions.push(line)
    return Effect.map(scenarios[name]!.run({ ...options, decided }), (summary) => ({ summary, decisions }))
  })

const value = (summary: Summary, label: string) => summary.find(([own]) => own === label)?.[1]

/** What a run that must not hold says. */
const violation = (run: Effect.Effect<Summary, Violation>) =>
  Effect.map(Effect.flip(run), (error) => {
    assert.instanceOf(error, Violation)
    return error.message
  })

const onOneThread = ["bank", "vault", "tree", "flights"] as const

describe("npm run faults", () => {
  for (const name of onOneThread) {
    it.live(`${name}: a seed repeats a run decision by decision, another one does not`, () =>
      Effect.gen(function*() {
        const once = yield* logged(name, { seed: 3, seconds: 2 })
        assert.isAbove(once.decisions.length, 15)
        assert.match(String(value(once.summary, "digest")), /^[0-9a-f]{8}$/)
        assert.deepStrictEqual(yield* logged(name, { seed: 3, seconds: 2 }), once)
        const other = yield* logged(name, { seed: 4, seconds: 2 })
        assert.notDeepEqual(other.decisions, once.decisions)
        assert.notStrictEqual(value(other.summary, "digest"), value(once.summary, "digest"))
      }))
  }

  const mistakes: ReadonlyArray<readonly [scenario: string, mistake: string, says: RegExp]> = [
    ["bank", "settles-unheard", /^the total is 1[01]\d{3}, and was 12000$/],
    ["bank", "credits-twice", /^the total is 1[2-9]\d{3}, and was 12000$/],
    ["bank", "sends-once", /^\d+ transfers are not confirmed at rest$/],
    ["vault", "stores-twice", /^\w+ has a deposit twice$/],
    ["vault", "asks-once", /^\w+ acknowledged deposit \d+, and has it not$/],
    ["tree", "temporary", /^the tree is\n.*and was declared as\n/s],
    ["tree", "outlives", /^[2-9] incarnations of .* live$/],
    ["flights", "unheard", /^\w+ kept its state, and its figures are not exact$/],
    ["flights", "counts-on", /^counted again, and not exact: \w+/]
  ]
  for (const [scenario, mistake, says] of mistakes) {
    it.live(`${scenario} finds a mistake: ${scenarios[scenario]!.mistakes[mistake]}`, () =>
      Effect.gen(function*() {
        const said = yield* violation(scenarios[scenario]!.run({ seed: 1, seconds: 2, mistake }))
        assert.match(said, says)
      }))
  }

  it.live("bank: it is messages that are dropped that lose the careless one its money", () =>
    Effect.gen(function*() {
      const { run } = scenarios["bank"]!
      const careless = { seed: 1, seconds: 2, mistake: "settles-unheard" }
      assert.match(yield* violation(run({ ...careless, rates: { drop: 0.1 } })), /^the total is 1[01]\d{3}/)
      assert.strictEqual(value(yield* run({ ...careless, rates: {} }), "total"), 12_000)
      assert.strictEqual(value(yield* run({ ...careless, rates: { throw: 0 } }), "faults"), "")
    }))

  it.live("vault: storage that fails is enough to find what is told once, and what is told again is stored", () =>
    Effect.gen(function*() {
      const { run } = scenarios["vault"]!
      const failing = { seed: 2, seconds: 2, rates: { storage: 0.2 } }
      const summary = yield* run(failing)
      assert.isAbove(Number(value(summary, "failures of the storage")), 10)
      assert.isAbove(Number(value(summary, "told")), Number(value(summary, "deposits")))
      assert.match(yield* violation(run({ ...failing, mistake: "asks-once" })), /acknowledged/)
      const sound = yield* run({ ...failing, rates: { storage: 0 }, mistake: "asks-once" })
      assert.strictEqual(value(sound, "failures of the storage"), 0)
      assert.strictEqual(value(sound, "told"), value(sound, "deposits"))
    }))

  it.live("ring: threads end, and the ring goes on", () =>
    Effect.gen(function*() {
      const summary = yield* Ring.run({ seed: 1, seconds: 1 }, { every: 250, patience: 20_000 })
      const [, threads] = /^thread (\d+)$/.exec(String(value(summary, "faults")))!
      assert.isAtLeast(Number(threads), 2)
      assert.isAbove(Number(value(summary, "laps")), 4)
    }))

  it.live("ring finds its mistakes: nodes that are passed by, threads that are gone for good", () =>
    Effect.gen(function*() {
      const mistaken = (mistake: string, patience: number) =>
        violation(Ring.run({ seed: 1, seconds: 1, mistake }, { every: 100, patience }))
      assert.strictEqual(yield* mistaken("skips", 20_000), "a lap passed 7 of 8 nodes")
      assert.strictEqual(yield* mistaken("no-successors", 1000), "the ring stood still for 1 seconds")
      const lost = { sent: 10, handled: 7, deadLettered: 1, lost: 1 }
      assert.include(yield* Effect.map(Effect.flip(Ring.account(lost)), ({ what }) => what), "10 sent, but 7")
      yield* Ring.account({ ...lost, handled: 8 })
    }))

  it.live("says what it takes", () =>
    Effect.gen(function*() {
      const { exit, out } = yield* ran("--help")
      assert.isTrue(Exit.isSuccess(exit))
      for (const flag of ["--scenario", "--seed", "--seconds", "--rate", "--decisions", "--mistake"]) {
        assert.include(out, flag)
      }
      for (const [name, { description, mistakes }] of Object.entries(scenarios)) {
        assert.include(out, `${name}: ${description}`)
        for (const mistake of Object.keys(mistakes)) assert.include(out, `--mistake ${mistake}:`)
      }
    }))

  const refused: ReadonlyArray<readonly [args: string, says: RegExp]> = [
    ["--scenario none", /"bank" \| "vault" \| "ring" \| "tree" \| "flights" \| "all"/],
    ["--seconds 0", /an integer from 1/],
    ["--seconds -3", /an integer from 1/],
    ["--seconds soon", /--seconds/],
    ["--seed 1.5", /integer/],
    ["--seeds 1", /--seeds/],
    ["bank", /bank/],
    ["--scenario bank --rate drop=2", /from 0 to 1/],
    ["--scenario bank --rate drop=", /--rate/],
    ["--scenario bank --rate flood=0.1", /the kinds are throw, .*full/],
    ["--scenario tree --rate drop=0.1", /means nothing to tree/],
    ["--rate drop=0.1", /means nothing to ring/],
    ["--scenario bank --rate storage=0.1", /its kinds are throw, /],
    ["--scenario bank --mistake other", /those of bank are settles-unheard/]
  ]
  for (const [args, says] of refused) {
    it.live(`refuses ${args}, and says why`, () =>
      Effect.gen(function*() {
        const { err, exit, out } = yield* ran(...args.split(" "))
        assert.isTrue(Exit.isFailure(exit) && (!(Cause.squash(exit.cause) instanceof Unusable) || out === ""))
        assert.match(err, says)
      }))
  }

  it.live("prints a summary, with the decisions if they are wanted; and how to have a violation again", () =>
    Effect.gen(function*() {
      const held = yield* ran("--scenario", "bank", "--seconds", "1", "--rate", "drop=0.1", "--decisions")
      assert.isTrue(Exit.isSuccess(held.exit))
      assert.match(held.out, /^bank, seed 1, 1 s\n {2}drop Account \w+\n/)
      assert.match(held.out, / {2}rounds +10\n.* {2}faults +drop \d+\n.* {2}holds +yes$/s)
      const broken = yield* ran("--scenario", "bank", "--seconds", "1", "--mistake", "credits-twice")
      assert.isTrue(Exit.isFailure(broken.exit))
      assert.notInclude(broken.out, "holds")
      assert.match(
        broken.err,
        /DOES NOT HOLD: .*\n {2}again: npm run faults -- --scenario bank --seed 1 --seconds 1 --mistake credits-twice$/
      )
    }))

  // The process itself: signals, exit codes.
  const process_ = (args: ReadonlyArray<string>, onOutput: (pid: number, text: string) => void) =>
    Effect.callback<{ readonly status: number | null; readonly output: string }>((resume) => {
      const main = fileURLToPath(new URL("../main.ts", import.meta.url))
      const child = spawn(process.execPath, ["--conditions=@troupe/source", main, ...args])
      let output = ""
      child.stdout.on("data", (data) => {
        output += data
        onOutput(child.pid!, output)
      })
      child.on("close", (status) => resume(Effect.succeed({ status, output })))
    })

  it.live("ends with its summary on Ctrl-C, and fails where something does not hold", () =>
    Effect.gen(function*() {
      let interrupted = false
      const [stopped, broken] = yield* Effect.all([
        process_(["--scenario", "tree", "--seconds", "1000000"], (pid, text) => {
          if (interrupted || !text.includes("seed 1")) return
          interrupted = true
          process.kill(pid, "SIGINT")
        }),
        process_(["--scenario", "tree", "--seconds", "1", "--mistake", "temporary"], () => {})
      ], { concurrency: "unbounded" })
      assert.match(stopped.output, /stopped early\n {2}rounds +\d+\n.* {2}holds +yes\n$/s)
      assert.strictEqual(stopped.status, 130)
      assert.strictEqual(broken.status, 1)
    }))
})
