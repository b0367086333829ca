/**
 * Stress for as long as you like: `npm run stress -- --help`.
 *
 * The minutes are shared out between what `--only` leaves: rings, links between threads, pools whose threads are killed
 * and resized, bounded mailboxes, the codec's fuzz. Whatever fails prints the command that shows it again, and the exit
 * code is 1.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import process from "node:process"
import { fuzz } from "./codecFuzz.ts"
import * as Gauge from "./gauge.ts"
import * as Link from "./link.ts"
import * as Pool from "./pool.ts"
import * as Rings from "./rings.ts"

interface Options {
  readonly minutes: number
  readonly seed: number
  readonly scale: number
}

interface Outcome {
  readonly cases: number
  readonly failure?: { readonly seed: number; readonly what: string } | undefined
}

/** Cases that each follow from a seed, which count up from the given one. */
const seeded = (kind: string, run: (options: Options) => Promise<Outcome>) => async (options: Options) => {
  const { cases, failure } = await run(options)
  console.log(`${kind}: ${cases} cases from seed ${options.seed}`)
  if (failure === undefined) return true
  console.log(
    `${kind} FAILED: ${failure.what}\n  again: npm run stress -- --only ${kind} --seed ${failure.seed} --minutes 0`
  )
  return false
}

const kinds: Readonly<Record<string, (options: Options) => Promise<boolean>>> = {
  rings: Rings.run,
  links: seeded("links", Link.run),
  pools: seeded("pools", Pool.run),
  mailboxes: seeded("mailboxes", Gauge.run),
  codec: seeded("codec", ({ minutes, seed }) => {
    const ends = performance.now() + minutes * 60_000
    const { accepted, failure, records } = fuzz({
      seed,
      isOver: (round) => round > 0 && performance.now() > ends
    })
    if (failure === undefined) {
      console.log(`codec: ${accepted} records accepted`)
      return Promise.resolve({ cases: records })
    }
    const what = `${failure.what}\nschema ${failure.schema}\nbytes ${failure.bytes}`
    return Promise.resolve({ cases: records, failure: { seed: failure.seed, what } })
  })
}

const stress = Command.make(
  "stress",
  {
    minutes: Flag.Finite("minutes").pipe(
      Flag.withDescription("For how long, all kinds together; each runs at least one case (default: 1)"),
      Flag.filter((minutes) => minutes >= 0, () => "a number from 0"),
      Flag.withDefault(1)
    ),
    seed: Flag.Int("seed").pipe(
      Flag.withDescription("What the cases are made from (default: 1)"),
      Flag.withDefault(1)
    ),
    only: Flag.Literals("only", Object.keys(kinds)).pipe(
      Flag.withDescription("One kind of stress"),
      Flag.optional
    ),
    ring: Flag.Int("case").pipe(
      Flag.withDescription("One case of a ring, by the number that was printed"),
      Flag.optional
    ),
    scale: Flag.Finite("scale").pipe(
      Flag.withDescription("How long a ring's case is (default: 3)"),
      Flag.filter((scale) => scale > 0, () => "a number above 0"),
      Flag.withDefault(3)
    )
  },
  ({ minutes, only, ring, scale, seed }) =>
    Effect.promise(async () => {
      if (Option.isSome(ring)) {
        if (!(await Rings.runCase(ring.value, scale))) process.exitCode = 1
        return
      }
      const chosen = Option.match(only, { onNone: () => Object.keys(kinds), onSome: (kind) => [kind] })
      for (const kind of chosen) {
        if (!(await kinds[kind]!({ minutes: minutes / chosen.length, seed, scale }))) process.exitCode = 1
      }
    })
).pipe(
  Command.withDescription(
    "Rings, links, pools, mailboxes and the codec under random load; 1 if anything happens that must not."
  ),
  Command.withExamples([
    { command: "npm run stress -- --minutes 10", description: "All of it, two minutes each" },
    { command: "npm run stress -- --only links --seed 7 --minutes 0", description: "One case again" }
  ])
)

stress.pipe(Command.run({ version: "0.1.0" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
