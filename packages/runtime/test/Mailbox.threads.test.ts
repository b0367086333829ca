import { assert, describe, it } from "@effect/vitest"
import type { Hosted, HostedOf } from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import type { AskError } from "@troupe/runtime/AskError"
import type { DeadLetter } from "@troupe/runtime/DeadLetter"
import * as Mailbox from "@troupe/runtime/Mailbox"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  capacity,
  type Face,
  flood,
  Flooder,
  type Receiver,
  type ReceiverRef,
  receivers
} from "./mailboxActors.ts"

type Services = ActorSystem.ActorSystem | HostedOf<Receiver> | Hosted<"Flooder"> | Scope.Scope

/** Runs with two workers, and small links: what floods an actor fills them. */
const inPool = <A, E>(
  program: Effect.Effect<A, E, Services>,
  options?: { readonly mailboxes?: number }
) =>
  program.pipe(
    Effect.scoped,
    Effect.provide(ActorSystem.layerWorkers({
      entry: new URL("./mailboxWorker.ts", import.meta.url),
      hosts: [...Object.values(receivers), Flooder],
      workers: 2,
      linkBytes: 4096,
      ...options
    }))
  )

const keyed = (overflow: Mailbox.Overflow, key: string) =>
  (receivers[overflow] as typeof receivers.suspend).keyed(key)

const spawned = (overflow: Mailbox.Overflow) => (receivers[overflow] as typeof receivers.suspend).spawn()

/** A flooder on each worker. */
const flooders = Effect.gen(function*() {
  const found = new Map<number, string>()
  for (let n = 0; found.size < 2; n++) {
    const key = `flooder-${n}`
    const thread = yield* Effect.flatMap(Flooder.keyed(key), (flooder) => flooder.ask("Thread"))
    if (!found.has(thread)) found.set(thread, key)
  }
  return yield* Effect.forEach(found.values(), (key) => Flooder.keyed(key))
})

/** Waits until it holds. */
const until = (what: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (what() ? Effect.void : Effect.andThen(Effect.sleep(1), until(what))))

/** Asks until there is room for the question. */
const seen = (ref: ReceiverRef) => Effect.eventually(ref.ask("Seen"))

/** The numbers of each sender, which must be in the order in which they were sent. */
const inOrder = (messages: ReadonlyArray<{ readonly from: number; readonly n: number }>): void => {
  const last = new Map<number, number>()
  for (const { from, n } of messages) {
    assert.isAbove(n, last.get(from) ?? 0, `order of sender ${from}`)
    last.set(from, n)
  }
}

const messages = 2000

describe("Mailbox between threads", () => {
  const cases: ReadonlyArray<readonly [Mailbox.Overflow, Face]> = [
    ["suspend", "tell"],
    ["suspend", "ask"],
    ["suspend", "offer"],
    ["fail", "tell"],
    ["fail", "offer"],
    ["fail", "ask"],
    ["dropNewest", "tellUnsafe"],
    ["dropOldest", "tell"],
    ["dropOldest", "tellUnsafe"],
    ["dropOldest", "ask"]
  ]
  it.live.each(cases)(
    "%s: three threads flood one key by %s",
    ([overflow, face]) =>
      inPool(Effect.gen(function*() {
        const system = yield* ActorSystem.ActorSystem
        const letters: Array<DeadLetter> = []
        yield* Effect.forkScoped(
          Stream.runForEach(system.deadLetters, (letter) => Effect.sync(() => letters.push(letter)))
        )
        const ref = yield* keyed(overflow, "flooded")
        const senders = yield* flooders
        const before = yield* system.stats
        const accepted = yield* Effect.all([
          flood(ref, 0, messages, face),
          ...senders.map((sender, index) =>
            sender.ask("Flood", { overflow, key: "flooded", from: index + 1, messages, face })
          )
        ], { concurrency: "unbounded" })
        const sum = accepted.reduce((all, one) => all + one, 0)
        yield* until(() => Mailbox.depth(ref)!.now === 0)
        const { high, messages: got } = yield* seen(ref)
        const after = yield* system.stats
        const total = (key: "accepted" | "handled" | "deadLettered"): number =>
          after.reduce((all, one) => all + one[key], 0) - before.reduce((all, one) => all + one[key], 0)
        assert.isAtMost(high, capacity)
        assert.isAtMost(Mailbox.depth(ref)!.high, capacity)
        inOrder(got)
        const sent = 3 * messages
        const dropped = letters.filter(({ reason }) => reason === "MailboxFull").length
        assert.strictEqual(dropped, letters.length)
        if (overflow === "suspend" && face !== "offer") assert.strictEqual(got.length, sent)
        // Every message is handled, or a dead letter, or was not accepted and its sender knows.
        if (face === "ask" || face === "offer") assert.strictEqual(got.length, sum)
        if (face !== "offer") assert.strictEqual(got.length + total("deadLettered"), sent)
        // The questions of the test itself and the floods, two, are messages too.
        const own = total("handled") - got.length
        assert.isAtLeast(own, 3)
        // Under dropOldest some are dropped before they are accepted there, by a sender that was too far ahead.
        if (overflow === "dropOldest") {
          assert.isAtMost(total("accepted"), total("handled") + total("deadLettered"))
        } else assert.strictEqual(total("accepted"), total("handled"))
      }))
  )

  it.live("a spawned actor is bounded, and its sender on another thread waits", () =>
    inPool(Effect.gen(function*() {
      const ref = yield* spawned("suspend")
      yield* ref.tell("Hold", { millis: 20 })
      assert.strictEqual(yield* flood(ref, 0, messages, "tell"), messages)
      assert.isAtMost(Mailbox.depth(ref)!.high, capacity)
      const { messages: got } = yield* ref.ask("Seen")
      assert.strictEqual(got.length, messages)
      inOrder(got)
    })))

  it.live("an interrupted sender on another thread leaves nothing behind (S35)", () =>
    inPool(Effect.gen(function*() {
      const ref = yield* spawned("suspend")
      yield* ref.tell("Hold", { millis: 50 })
      const fiber = yield* Effect.forkChild(flood(ref, 0, 100, "tell"))
      yield* until(() => Mailbox.depth(ref)!.now === capacity)
      yield* Fiber.interrupt(fiber)
      const { messages: got } = yield* ref.ask("Seen")
      assert.isAtMost(got.length, capacity + 1)
      inOrder(got)
      yield* until(() => Mailbox.depth(ref)!.now === 0)
      assert.strictEqual(yield* flood(ref, 1, 100, "tell"), 100)
    })))

  it.live("the actor's end wakes and fails who waits on another thread (S35)", () =>
    inPool(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const ref = yield* Effect.provideService(spawned("suspend"), Scope.Scope, scope)
      yield* ref.tell("Hold", { millis: 600_000 })
      for (let n = 1; n <= capacity; n++) yield* ref.tell("Put", { from: 0, n })
      const telling = yield* Effect.forkChild(flood(ref, 0, 100, "tell"))
      const asking = yield* Effect.forkChild(Effect.flip(ref.ask("Put", { from: 0, n: 0 })))
      yield* until(() => Mailbox.depth(ref)!.now === capacity)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Fiber.join(telling), 100)
      assert.strictEqual(((yield* Fiber.join(asking)) as AskError).reason._tag, "DeadRef")
      assert.isFalse(yield* ref.offer("Put", { from: 0, n: 0 }))
      // Its place is another one's now, and has nothing of it.
      const next = yield* spawned("suspend")
      assert.deepStrictEqual(Mailbox.depth(next), { now: 0, high: 0 })
      assert.strictEqual(yield* flood(next, 0, 100, "tell"), 100)
    })))

  it.live("the end of the actor's thread fails who waits", () =>
    inPool(Effect.gen(function*() {
      const refs = yield* Effect.all([spawned("suspend"), spawned("suspend"), spawned("suspend")])
      const threads = yield* Effect.forEach(refs, (ref) => ref.ask("Thread"))
      const ref = refs[0]
      const neighbour = refs[threads.indexOf(threads[0]!, 1)]!
      yield* ref.tell("Hold", { millis: 600_000 })
      yield* until(() => Mailbox.depth(ref)!.now === 0)
      for (let n = 1; n <= capacity; n++) yield* ref.tell("Put", { from: 0, n })
      const telling = yield* Effect.forkChild(flood(ref, 0, 100, "tell"))
      const asking = yield* Effect.forkChild(Effect.flip(ref.ask("Put", { from: 0, n: 0 })))
      yield* until(() => Mailbox.depth(ref)!.now === capacity)
      yield* neighbour.tell("Exit")
      assert.strictEqual(yield* Fiber.join(telling), 100)
      assert.strictEqual(((yield* Fiber.join(asking)) as AskError).reason._tag, "DeadRef")
    })))

  it.live("a key's mailbox outlives its incarnations", () =>
    inPool(Effect.gen(function*() {
      const ref = yield* keyed("suspend", "stops")
      for (let round = 0; round < 20; round++) {
        yield* ref.tell("Stop")
        yield* flood(ref, 0, 20, "tell")
      }
      yield* until(() => Mailbox.depth(ref)!.now === 0)
      assert.isAtMost(Mailbox.depth(ref)!.high, capacity)
      yield* ref.ask("Seen")
    })))

  it.live("a message that cannot be encoded takes no place", () =>
    inPool(Effect.gen(function*() {
      const ref = yield* spawned("fail")
      for (let n = 0; n < 10; n++) assert.isFalse(ref.tellUnsafe("Put", { from: 0, n: "no number" as never }))
      assert.deepStrictEqual(Mailbox.depth(ref)!.now, 0)
    })))

  it.live("a table that is full says so", () =>
    inPool(
      Effect.gen(function*() {
        const refs = yield* Effect.forEach(["a", "b", "c"], (key) => keyed("suspend", key))
        const answers = yield* Effect.forEach(refs, (ref) =>
          Effect.catch(ref.ask("Put", { from: 0, n: 7 }), (error) => Effect.succeed(error.reason._tag)))
        assert.deepStrictEqual(answers, [7, 7, "MailboxesExhausted"])
        assert.isFalse(yield* refs[2]!.offer("Put", { from: 0, n: 7 }))
        // Both workers have two places each.
        for (let n = 0; n < 4; n++) {
          yield* spawned("suspend")
        }
        assert.include((yield* Effect.flip(spawned("suspend"))).message, "mailboxes")
        // A place is given back when its actor ends.
        yield* Effect.scoped(Effect.ignore(spawned("suspend")))
      }),
      { mailboxes: 2 }
    ))
})
