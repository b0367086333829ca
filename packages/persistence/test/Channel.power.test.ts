/** The power goes at any moment: what was confirmed is there, a prefix of what was appended, and nothing torn. */
import * as Channel from "@troupe/persistence/Channel"
import * as Format from "@troupe/persistence/Format"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it, vi } from "vitest"
import { files, readAll } from "./channels.ts"
import { Disk, type Mistakes, mulberry, power, PowerCut } from "./powerModel.ts"

// Factories run before this file's imports.
vi.mock(import("../src/internal/platform/node.ts"), async (original) => {
  const { observed } = await import("./powerModel.ts")
  return observed(await original())
})
vi.mock(import("../src/internal/hot/checksum.ts"), async (original) => {
  const { power } = await import("./powerModel.ts")
  const { checksum } = await original()
  return {
    checksum: (...args) =>
      power.disk?.mistakes.blindChecksum === true && args[2] >= 4096 ? 0 : checksum(...args)
  }
})

/** Cases for each durability. More of them: `TROUPE_CASES=2000 npx vitest run packages/persistence/test/Channel.power`. */
const CASES = Number(process.env["TROUPE_CASES"] ?? 40)
const TIMEOUT = 60_000 + CASES * 300

const valueOf = (n: number, random: () => number): string =>
  `${n}:`.padEnd(3 + Math.floor(random() ** 3 * 700), String(n % 10))

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "troupe-power-"))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

interface Outcome {
  readonly appended: ReadonlyArray<string>
  readonly confirmed: number
  readonly recovered: ReadonlyArray<string>
  readonly recovery: Channel.Recovery
  readonly after: ReadonlyArray<string>
}

/** Writes, loses power, comes back, goes on. */
const replay = Effect.fnUntraced(
  function*(seed: number, durability: Channel.Durability, mistakes: Mistakes = {}) {
    const random = mulberry(seed)
    const before = join(root, `before-${seed}`)
    const after = join(root, `after-${seed}`)
    for (const path of [before, after]) rmSync(path, { recursive: true, force: true })
    const options = { format: Format.text, capacity: 16_384, durability }
    const disk = power.disk = new Disk(before, mistakes)
    const appended: Array<string> = []
    let confirmed = 0
    const records = Math.floor(random() * 120)
    const writing = Effect.scoped(Effect.gen(function*() {
      const writer = yield* Channel.writer(before, options)
      if (random() < 0.7) disk.cutAfter = Math.floor(random() * (durability === "each" ? records : 12))
      while (appended.length < records) {
        const batch = random() < 0.1 ? 3 : 1
        const values = Array.from({ length: batch }, (_, i) => valueOf(appended.length + i, random))
        appended.push(...values)
        if (batch > 1) yield* writer.appendAll(values)
        else if (durability === "batch" && random() < 0.7) writer.appendUnsafe(values[0]!)
        else {
          yield* writer.append(values[0]!)
          if (durability === "batch") confirmed = appended.length
        }
        if (batch > 1 && durability === "batch" || durability === "each") confirmed = appended.length
        if (random() < 0.05) {
          yield* writer.flush
          confirmed = appended.length
        }
        if (random() < 0.2) disk.moment()
      }
      if (random() < 0.8) yield* writer.abandon
      else yield* Effect.die(new PowerCut("power"))
    }))
    const exit = yield* Effect.exit(writing)
    // Whatever else went wrong is thrown on.
    if (Exit.isFailure(exit) && !/power/i.test(Cause.pretty(exit.cause))) {
      return yield* Effect.failCause(exit.cause)
    }
    disk.cutAfter = Infinity
    disk.cut(random, after)
    // Now and then it goes again while the next writer takes over.
    for (let again = 0; again < 3 && random() < 0.4; again++) {
      const disk = power.disk = new Disk(after, mistakes)
      disk.isThere()
      disk.cutAfter = Math.floor(random() * 6)
      const taken = yield* Effect.exit(
        Effect.scoped(Effect.flatMap(Channel.writer(after, options), (writer) => writer.abandon))
      )
      if (Exit.isFailure(taken) && !/power/i.test(Cause.pretty(taken.cause))) {
        return yield* Effect.failCause(taken.cause)
      }
      disk.cut(random, `${after}-again`)
      rmSync(after, { recursive: true })
      renameSync(`${after}-again`, after)
    }
    // With the checksums of the one before, whatever they are.
    power.disk = new Disk("none", mistakes)
    const recovery = yield* Effect.scoped(Effect.gen(function*() {
      const writer = yield* Channel.writer(after, options)
      yield* writer.append("after")
      yield* writer.appendAll(["1", "2"])
      return writer.recovery
    }))
    const all = yield* readAll(after, options)
    const outcome: Outcome = {
      appended,
      confirmed,
      recovered: all.slice(0, -3),
      recovery,
      after: all.slice(-3)
    }
    power.disk = undefined
    for (const path of [before, after]) rmSync(path, { recursive: true, force: true })
    return outcome
  }
)

/** What is wrong with an outcome; undefined when nothing is. */
const wrong = ({ after, appended, confirmed, recovered }: Outcome): string | undefined => {
  if (after.join() !== "after,1,2") return `what came after is ${after.join()}`
  const torn = recovered.findIndex((value, i) => value !== appended[i])
  if (torn >= 0) return `record ${torn} is ${JSON.stringify(recovered[torn]!.slice(0, 20))}`
  if (recovered.length < confirmed) return `${recovered.length} records of ${confirmed} that were confirmed`
  return undefined
}

describe("Channel, when the power goes", () => {
  for (const durability of ["none", "async", "batch", "each"] as const) {
    it(`under ${durability} keeps what it promises (S93)`, async () => {
      const tags = new Set<string>()
      let lost = 0
      for (let seed = 1; seed <= CASES; seed++) {
        const outcome = await Effect.runPromise(replay(seed, durability))
        assert.isUndefined(wrong(outcome), `${durability}, seed ${seed}`)
        tags.add(outcome.recovery._tag)
        lost += outcome.appended.length - outcome.recovered.length
      }
      // The cuts do cut: something was on its way, and writers took over.
      assert.isAbove(lost, 0)
      assert.include(Array.from(tags), "TakenOver")
    }, TIMEOUT)
  }

  const mistakes: ReadonlyArray<readonly [Mistakes, Channel.Durability]> = [
    [{ blindSync: true }, "each"],
    [{ shortSync: true }, "each"],
    [{ blindSync: true }, "batch"],
    [{ blindChecksum: true }, "none"]
  ]
  for (const [mistake, durability] of mistakes) {
    it(`finds ${Object.keys(mistake).join()} under ${durability}`, async () => {
      let found = 0
      for (let seed = 1; seed <= 60 && found === 0; seed++) {
        const exit = await Effect.runPromiseExit(replay(seed, durability, mistake))
        if (Exit.isFailure(exit) || wrong(exit.value) !== undefined) found = seed
      }
      assert.isAbove(found, 0)
    }, TIMEOUT)
  }

  /** Trims most of a channel, loses power meanwhile, and reads what is there from its beginning. */
  const trimmed = Effect.fnUntraced(function*(seed: number, mistakes: Mistakes) {
    const random = mulberry(seed)
    const [before, after] = [join(root, "trimmed-before"), join(root, "trimmed-after")]
    for (const path of [before, after]) rmSync(path, { recursive: true, force: true })
    const options = { format: Format.text, capacity: 4096, durability: "batch" } as const
    const disk = power.disk = new Disk(before, mistakes)
    yield* Effect.scoped(Effect.gen(function*() {
      const writer = yield* Channel.writer(before, options)
      const values = Array.from({ length: 100 }, (_, n) => `record ${n}`.padEnd(200))
      yield* Effect.forEach(values, (value) => writer.append(value), { discard: true })
      disk.cutAfter = Math.floor(random() * 12)
      yield* Effect.exit(writer.trim(writer.position))
      disk.cutAfter = Infinity
      disk.cut(random, after)
      yield* writer.abandon
    }))
    power.disk = undefined
    return yield* Effect.exit(readAll(after, options))
  })

  it("leaves no gap where files were removed", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const exit = await Effect.runPromise(trimmed(seed, {}))
      assert.isTrue(Exit.isSuccess(exit) && exit.value.at(-1)?.trim() === "record 99", `seed ${seed}`)
    }
    let found = 0
    for (let seed = 1; seed <= 60 && found === 0; seed++) {
      if (Exit.isFailure(await Effect.runPromise(trimmed(seed, { blindDirectory: true })))) found = seed
    }
    assert.isAbove(found, 0)
  }, TIMEOUT)

  it("leaves no file behind that nobody reads", async () => {
    const path = join(root, "clean")
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const writer = yield* Channel.writer(path, { format: Format.text, capacity: 4096 })
      for (let n = 0; n < 500; n++) yield* writer.append(String(n))
    })))
    assert.isAbove(files(path).length, 1)
  })
})
