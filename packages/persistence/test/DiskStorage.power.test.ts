/**
 * The power goes at any moment while events, snapshots and states are written, files roll and are compacted: what is there
 * is what there was after one of the writes, and not before the last one that was confirmed.
 */
import * as DiskStorage from "@troupe/persistence/DiskStorage"
import type { Durability } from "@troupe/persistence/Channel"
import { Journal } from "@troupe/persistence/Journal"
import { SnapshotStore } from "@troupe/persistence/SnapshotStore"
import { StateStore } from "@troupe/persistence/StateStore"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it, vi } from "vitest"
import { Disk, type Mistakes, mulberry, power, PowerCut } from "./powerModel.ts"

// The factory runs before this file's imports.
vi.mock(import("../src/internal/platform/node.ts"), async (original) => {
  const { observed } = await import("./powerModel.ts")
  return observed(await original())
})

/** Cases for each durability. More of them: `TROUPE_CASES=2000 npx vitest run packages/persistence/test/DiskStorage.power`. */
const CASES = Number(process.env["TROUPE_CASES"] ?? 25)
const TIMEOUT = 60_000 + CASES * 300

const CAPACITY = 16_384
const IDS = ["a", "b", "c"]

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "troupe-power-"))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** What an id has; values are told by their lengths. */
interface Kept {
  last: number
  discarded: number
  events: Array<number>
  snapshots: Array<readonly [sequence: number, length: number]>
  state: readonly [revision: number, length: number] | undefined
}

const copy = (kept: ReadonlyMap<string, Kept>): string =>
  JSON.stringify(Array.from(kept, ([id, { discarded, events, last, snapshots, state }]) => ({
    id,
    last,
    events: events.slice(discarded),
    snapshots,
    state
  })))

/** The same, from a storage. */
const stored = Effect.gen(function*() {
  const journal = yield* Journal
  const snapshots = yield* SnapshotStore
  const states = yield* StateStore
  const kept = new Map<string, Kept>()
  for (const id of IDS) {
    const last = yield* journal.last(id)
    const events = Array.from(yield* Stream.runCollect(journal.read(id)))
    assert.deepStrictEqual(
      events.map(({ sequence }) => sequence),
      events.map((_, i) => last - events.length + 1 + i)
    )
    for (const { bytes } of events) assert.isTrue(bytes.every((byte) => byte === bytes.length % 256))
    const sequences = yield* snapshots.sequences(id)
    const latest = yield* snapshots.latest(id)
    const state = yield* states.load(id)
    kept.set(id, {
      last,
      discarded: 0,
      events: events.map(({ bytes }) => bytes.length),
      snapshots: sequences.map((sequence) => [
        sequence,
        // Of the others only the sequences can be asked for.
        Option.isSome(latest) && latest.value.sequence === sequence ? latest.value.bytes.length : 0
      ]),
      state: Option.isSome(state) ? [state.value.revision, state.value.bytes.length] : undefined
    })
  }
  return copy(kept)
})

interface Outcome {
  /** What there was after each write, nothing first. */
  readonly moments: ReadonlyArray<string>
  /** How many writes were confirmed. */
  readonly confirmed: number
  readonly recovered: string
}

/** Writes, loses power, comes back, goes on. */
const replay = Effect.fnUntraced(function*(seed: number, durability: Durability, mistakes: Mistakes = {}) {
  const random = mulberry(seed)
  const before = join(root, `before-${seed}`)
  const after = join(root, `after-${seed}`)
  for (const path of [before, after]) rmSync(path, { recursive: true, force: true })
  const disk = power.disk = new Disk(before, mistakes)
  const kept = new Map(
    IDS.map((
      id
    ): [string, Kept] => [id, { last: 0, discarded: 0, events: [], snapshots: [], state: undefined }])
  )
  const moments = [copy(kept)]
  let confirmed = 0
  const below = (n: number) => Math.floor(random() * n)
  const bytes = () => {
    const length = Math.floor(random() ** 3 * 700)
    return new Uint8Array(length).fill(length % 256)
  }

  /** One write, of which there is a trace in the model before it is begun. */
  const step = Effect.gen(function*() {
    const journal = yield* Journal
    const snapshots = yield* SnapshotStore
    const states = yield* StateStore
    const id = IDS[below(IDS.length)]!
    const one = kept.get(id)!
    const roll = random()
    if (roll < 0.5) {
      const events = Array.from({ length: 1 + below(3) }, bytes)
      const { last } = one
      one.last += events.length
      one.events.push(...events.map(({ length }) => length))
      moments.push(copy(kept))
      const { stored } = yield* journal.writeUnsafe(id, last, events)
      // Nobody waits for it now and then.
      if (random() < 0.3) return durability === "each"
      yield* stored
    } else if (roll < 0.65) {
      const upTo = below(one.last + 1)
      if (upTo <= one.discarded) return false
      one.discarded = upTo
      moments.push(copy(kept))
      yield* journal.discard(id, upTo)
    } else if (roll < 0.75) {
      const { length } = bytes()
      one.snapshots = one.snapshots.filter(([sequence]) => sequence < one.last).map((
        [sequence]
      ) => [sequence, 0])
      one.snapshots.push([one.last, length])
      moments.push(copy(kept))
      yield* snapshots.save(id, one.last, new Uint8Array(length))
    } else if (roll < 0.8) {
      const upTo = one.last - below(3)
      if (!one.snapshots.some(([sequence]) => sequence <= upTo)) return false
      one.snapshots = one.snapshots.filter(([sequence]) => sequence > upTo)
      moments.push(copy(kept))
      yield* snapshots.discard(id, upTo)
    } else if (roll < 0.95 || one.state === undefined) {
      const { length } = bytes()
      const revision = one.state?.[0] ?? 0
      one.state = [revision + 1, length]
      moments.push(copy(kept))
      yield* states.save(id, revision, new Uint8Array(length))
    } else {
      const [revision] = one.state
      one.state = undefined
      moments.push(copy(kept))
      yield* states.remove(id, revision)
    }
    return durability === "each" || durability === "batch"
  })

  const writes = below(300)
  const writing = Effect.gen(function*() {
    if (random() < 0.7) disk.cutAfter = below(durability === "each" ? writes : 12)
    while (moments.length <= writes) {
      if (yield* step) confirmed = moments.length - 1
      if (random() < 0.03) {
        yield* (yield* Journal).sync
        confirmed = moments.length - 1
      }
      if (random() < 0.1) disk.moment()
    }
    return yield* Effect.die(new PowerCut("power"))
  })
  const open = (directory: string) =>
    Effect.provide(DiskStorage.layer({ directory, durability, capacity: CAPACITY }))
  const lost = (exit: Exit.Exit<unknown, unknown>) =>
    Exit.isSuccess(exit) || /power/i.test(Cause.pretty(exit.cause))
      ? Effect.void
      : Effect.failCause(exit.cause)
  yield* Effect.flatMap(Effect.exit(open(before)(writing)), lost)
  disk.cutAfter = Infinity
  disk.cut(random, after)
  // Now and then it goes again while the next one takes over, and compacts.
  for (let again = 0; again < 3 && random() < 0.4; again++) {
    const disk = power.disk = new Disk(after, mistakes)
    disk.isThere()
    disk.cutAfter = below(8)
    yield* Effect.flatMap(Effect.exit(open(after)(Effect.die(new PowerCut("power")))), lost)
    disk.cutAfter = Infinity
    rmSync(`${after}-again`, { recursive: true, force: true })
    disk.cut(random, `${after}-again`)
    rmSync(after, { recursive: true })
    renameSync(`${after}-again`, after)
  }
  power.disk = undefined
  const recovered = yield* open(after)(stored)
  // It goes on there, and is the same when it is opened once more.
  const again = yield* open(after)(Effect.gen(function*() {
    const journal = yield* Journal
    const all = yield* stored
    for (const id of IDS) {
      const last = yield* journal.last(id)
      yield* Effect.flatMap(journal.writeUnsafe(id, last, [new Uint8Array(1)]), ({ stored }) => stored)
    }
    return all
  }))
  assert.strictEqual(again, recovered)
  for (const path of [before, after]) rmSync(path, { recursive: true, force: true })
  const outcome: Outcome = { moments, confirmed, recovered }
  return outcome
}, Effect.provideService(References.MinimumLogLevel, "None"))

/** What is wrong with an outcome; undefined when nothing is. */
const wrong = ({ confirmed, moments, recovered }: Outcome): string | undefined => {
  const found = moments.lastIndexOf(recovered)
  if (found < 0) return `what was there at no moment: ${recovered}`
  return found < confirmed ? `${found} writes of ${confirmed} that were confirmed` : undefined
}

describe("DiskStorage, when the power goes", () => {
  for (const durability of ["none", "async", "batch", "each"] as const) {
    it(`under ${durability} keeps what it promises (S93, S116)`, async () => {
      let lost = 0
      for (let seed = 1; seed <= CASES; seed++) {
        const outcome = await Effect.runPromise(replay(seed, durability))
        assert.isUndefined(wrong(outcome), `${durability}, seed ${seed}`)
        lost += outcome.moments.length - 1 - outcome.moments.lastIndexOf(outcome.recovered)
      }
      // The cuts do cut: something was on its way.
      assert.isAbove(lost, 0)
    }, TIMEOUT)
  }

  const mistakes: ReadonlyArray<readonly [Mistakes, Durability]> = [
    [{ blindSync: true }, "each"],
    [{ blindSync: true }, "batch"],
    [{ shortSync: true }, "batch"]
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
})
