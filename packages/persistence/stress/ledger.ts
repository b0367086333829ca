/**
 * What is kept in a storage that is killed: events as they are, and actors that keep theirs in it.
 *
 * A number in the notes is written when it was confirmed, and only so many are begun before. So what is there is that
 * number, or one of those that were on their way.
 */
import * as DiskStorage from "@troupe/persistence/DiskStorage"
import * as DurableState from "@troupe/persistence/DurableState"
import * as EventSourced from "@troupe/persistence/EventSourced"
import * as Journal from "@troupe/persistence/Journal"
import * as Outbox from "@troupe/persistence/Outbox"
import * as SnapshotPolicy from "@troupe/persistence/SnapshotPolicy"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { bodyOf } from "./channelCase.ts"
import type { Job } from "./kills.ts"

/** Places in the notes. */
const BUSY = 0
const WRITTEN = 1
/** Up to where events were to be discarded, and up to where they were. */
const DISCARDING = 2
const DISCARDED = 3
export const COUNTED = 4
const SET = 5
const SENT = 6

/** Bytes: small, so that files roll and are compacted all the time. */
const CAPACITY = 16_384

/** Counts that are asked for at a time. */
const OPEN = 4

/** Parcels that may be on their way. */
const UNDERWAY = 10

/** What a count comes to that left out nothing, and took nothing twice. */
const hashOf = (hash: number, n: number): number => Math.imul(hash, 31) + n | 0

const Counter = Actor.make("Counter", {
  protocol: RpcGroup.make(
    Rpc.make("Count", { payload: { n: Schema.Int }, success: Schema.Int }),
    Rpc.make("Get", { success: Schema.Struct({ count: Schema.Int, hash: Schema.Int }) })
  )
})

const CounterLive = EventSourced.toLayer(Counter, {
  state: Schema.Struct({ count: Schema.Int, hash: Schema.Int }),
  events: Schema.Struct({ n: Schema.Int }),
  initial: () => ({ count: 0, hash: 0 }),
  apply: ({ count, hash }, { n }) => ({ count: count + 1, hash: hashOf(hash, n) }),
  commands: {
    Count: (_, { n }) => EventSourced.persist({ n }, ({ count }) => count),
    Get: (state) => EventSourced.reply(state)
  },
  snapshots: SnapshotPolicy.every(20).pipe(SnapshotPolicy.keeping(1, { discardEvents: true }))
})

const Setting = Actor.make("Setting", {
  protocol: RpcGroup.make(
    Rpc.make("Set", { payload: { n: Schema.Int } }),
    Rpc.make("Get", { success: Schema.Struct({ n: Schema.Int, body: Schema.Uint8Array }) })
  )
})

const SettingLive = DurableState.toLayer(Setting, {
  state: Schema.Struct({ n: Schema.Int, body: Schema.Uint8Array }),
  initial: () => ({ n: 0, body: bodyOf(0) }),
  commands: {
    Set: (_, { n }) => DurableState.save({ n, body: bodyOf(n) }),
    Get: (state) => DurableState.reply(state)
  }
})

const Post = Schema.Struct({ sent: Schema.Int, arrived: Schema.Int, outOfTurn: Schema.Int })

/** Sends numbers to the office beside it, which are to arrive once each, and in order. */
const Office = Actor.make("Office", {
  protocol: RpcGroup.make(
    Rpc.make("Send"),
    Rpc.make("Arrive", { payload: { n: Schema.Int, delivery: Outbox.Delivery } }),
    Rpc.make("Get", { success: Post })
  )
})

const OfficeLive = EventSourced.toLayer(Office, {
  state: Post,
  events: Schema.Union([
    Schema.TaggedStruct("Sent", { n: Schema.Int }),
    Schema.TaggedStruct("Arrived", { n: Schema.Int })
  ]),
  initial: () => ({ sent: 0, arrived: 0, outOfTurn: 0 }),
  apply: (post, event) =>
    event._tag === "Sent"
      ? { ...post, sent: event.n }
      : event.n === post.arrived + 1
      ? { ...post, arrived: event.n }
      : { ...post, outOfTurn: post.outOfTurn + 1 },
  commands: {
    Send: ({ sent }) => EventSourced.persist({ _tag: "Sent", n: sent + 1 }),
    Arrive: (_, { n }) => EventSourced.persist({ _tag: "Arrived", n }),
    Get: (post) => EventSourced.reply(post)
  },
  outbox: (event) =>
    event._tag === "Arrived" ? [] : Effect.map(Office.byKey, (office) => [
      Outbox.send(office("there"), "Arrive", { n: event.n })
    ]),
  snapshots: SnapshotPolicy.every(20).pipe(SnapshotPolicy.keeping(1, { discardEvents: true }))
})

/** Everything of a job, over its storage. */
export const layer = ({ durability, path }: Job) =>
  Layer.mergeAll(CounterLive, SettingLive, OfficeLive).pipe(
    Layer.provide(ActorSystem.layer),
    Layer.provideMerge(DiskStorage.layer({ directory: path, durability, capacity: CAPACITY }))
  )

/** Both ends of the post when all that was sent has arrived. */
const settled = Effect.gen(function*() {
  const here = yield* Effect.flatMap(Office.keyed("here"), (office) => office.ask("Get"))
  const there = yield* Effect.flatMap(Office.keyed("there"), (office) => office.ask("Get"))
  return { sent: here.sent, arrived: there.arrived, outOfTurn: there.outOfTurn }
})

const arriving = (upTo: number) =>
  settled.pipe(
    Effect.repeat({ until: ({ arrived }) => arrived >= upTo, schedule: Schedule.spaced("1 millis") }),
    Effect.timeoutOrElse({ duration: "10 seconds", orElse: () => settled })
  )

/** What is there, and what of it should not be. What was on its way when they were killed is confirmed by this. */
export const look = Effect.fnUntraced(function*(noted: Int32Array) {
  const forbidden: Array<string> = []
  /** That it is what was confirmed, or what came next. */
  const within = (what: string, slot: number, found: number, step = 1) => {
    const confirmed = noted[slot]!
    if (found < confirmed || found > confirmed + step) {
      forbidden.push(`${what}: found ${found}, confirmed were ${confirmed}`)
    }
    noted[slot] = found
  }
  const same = (what: string, found: number, expected: number) => {
    if (found !== expected) forbidden.push(`${what}: found ${found}, expected ${expected}`)
  }
  const whole = (what: string, found: Uint8Array, n: number) => {
    const expected = bodyOf(n)
    if (found.length !== expected.length || !expected.every((byte, i) => byte === found[i])) {
      forbidden.push(`${what}: ${n} is not whole`)
    }
  }

  const journal = yield* Journal.Journal
  let sequence = -1
  yield* Stream.runForEach(journal.read("raw"), (event) =>
    Effect.sync(() => {
      if (sequence !== -1) same("a sequence", event.sequence, sequence + 1)
      else {
        // Nothing is left of what was discarded, and no more is gone than was to be.
        const { [DISCARDED]: done = 0, [DISCARDING]: asked = 0 } = noted
        if (event.sequence <= done || event.sequence > asked + 1) {
          forbidden.push(`the first event: found ${event.sequence}, discarded were ${done} of ${asked}`)
        }
      }
      sequence = event.sequence
      whole("an event", event.bytes, sequence)
    }))
  const last = yield* journal.last("raw")
  if (sequence !== -1) same("the last event", sequence, last)
  within("events", WRITTEN, last, 3)
  if (last % 7 === 0 && last > 0 || last % 7 === 1 && last > 7) {
    forbidden.push(`events: a write in part, up to ${last}`)
  }

  const { count, hash } = yield* Effect.flatMap(Counter.keyed("one"), (counter) => counter.ask("Get"))
  within("the count", COUNTED, count, OPEN)
  same("what was counted", hash, Array.from({ length: count }, (_, i) => i + 1).reduce(hashOf, 0))

  const { body, n } = yield* Effect.flatMap(Setting.keyed("one"), (setting) => setting.ask("Get"))
  within("the setting", SET, n)
  whole("the setting", body, n)

  const { sent } = yield* settled
  within("what was sent", SENT, sent)
  const { arrived, outOfTurn } = yield* arriving(sent)
  same("what has arrived", arrived, sent)
  same("what arrived twice or out of turn", outOfTurn, 0)

  return { forbidden, records: last + count + n + sent + arrived }
})

/** Writes for ever, and notes what was confirmed. */
export const write = Effect.fnUntraced(function*(noted: Int32Array) {
  const confirm = (slot: number, n: number) => {
    noted[slot] = n
    noted[BUSY] = (noted[BUSY]! + 1) | 0
  }
  const journal = yield* Journal.Journal
  const counter = yield* Counter.keyed("one")
  const setting = yield* Setting.keyed("one")
  const here = yield* Office.keyed("here")

  const writing = Effect.suspend(() => {
    const before = noted[WRITTEN]!
    const events = Array.from({ length: (before + 1) % 7 === 0 ? 3 : 1 }, (_, i) => bodyOf(before + 1 + i))
    return Effect.map(Journal.append("raw", before, events), (last) => confirm(WRITTEN, last))
  })
  const discarding = Effect.suspend(() => {
    const upTo = noted[WRITTEN]! - 20
    if (upTo < noted[DISCARDED]! + 20) return Effect.void
    noted[DISCARDING] = upTo
    return Effect.map(journal.discard("raw", upTo), () => confirm(DISCARDED, upTo))
  })
  // Some at a time, which may share a sync.
  const counting = Effect.suspend(() => {
    const before = noted[COUNTED]!
    return Effect.forEach(
      Array.from({ length: OPEN }, (_, i) => before + 1 + i),
      (n) => Effect.map(counter.ask("Count", { n }), (count) => confirm(COUNTED, count)),
      { concurrency: "unbounded", discard: true }
    )
  })
  const replacing = Effect.suspend(() => {
    const n = noted[SET]! + 1
    return Effect.map(setting.ask("Set", { n }), () => confirm(SET, n))
  })
  const sending = Effect.suspend(() =>
    Effect.andThen(
      Effect.map(here.ask("Send"), () => confirm(SENT, noted[SENT]! + 1)),
      arriving(noted[SENT]! - UNDERWAY)
    )
  )
  const forever = <E, R>(effect: Effect.Effect<unknown, E, R>) =>
    Effect.forever(Effect.andThen(effect, Effect.yieldNow))
  return yield* Effect.all(
    [forever(Effect.andThen(writing, discarding)), forever(counting), forever(replacing), forever(sending)],
    { concurrency: "unbounded" }
  )
})
