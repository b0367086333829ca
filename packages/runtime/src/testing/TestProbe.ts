/**
 * An actor that a test plays: it hands what it is sent to the test, which expects, and answers.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcSchema from "effect/rpc/RpcSchema"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Actor from "../Actor.ts"
import type { ActorContext, Replier } from "../ActorContext.ts"
import type { ActorRef, Element, Failure, StreamTag, TellArgs } from "../ActorRef.ts"
import { ActorSystem } from "../ActorSystem.ts"
import * as Step from "../Step.ts"
import { settle } from "../internal/quiet.ts"
import type { System } from "../internal/system.ts"

/** How long a test waits for what it does not say how long it may take. */
const PATIENCE = Duration.seconds(3)

/**
 * A message that a probe was sent. Who asked waits until the test answers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Message<in out R extends Rpc.Any> {
  readonly _tag: "Message"
  readonly tag: R["_tag"]
  readonly payload: Rpc.Payload<R>
  /** Whether somebody waits for an answer. */
  readonly asked: boolean
  /** Answers: with a stream, where the message is declared with `stream: true`. The first answer counts. */
  reply(answer: AnswerOf<R>): Effect.Effect<void>
  /** Answers with the declared error. */
  fail(error: Failure<R>): Effect.Effect<void>
}

/**
 * An actor that the probe watches has ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface Terminated {
  readonly _tag: "Terminated"
  readonly ref: ActorRef<never>
  readonly exit: Exit.Exit<void, unknown>
}

/**
 * An actor that the probe is linked with has ended. The probe lives on.
 *
 * @category models
 * @since 0.1.0
 */
export interface LinkBroken {
  readonly _tag: "LinkBroken"
  readonly ref: ActorRef<never>
  readonly exit: Exit.Exit<void, unknown>
}

/**
 * What comes to a probe.
 *
 * @category models
 * @since 0.1.0
 */
export type Received<R extends Rpc.Any> = (R extends Rpc.Any ? Message<R> : never) | Terminated | LinkBroken

/**
 * What a test answers a message with.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type AnswerOf<R extends Rpc.Any> = R["_tag"] extends StreamTag<R> ?
  Stream.Stream<Element<R>, Failure<R>>
  : Rpc.Success<R>

/**
 * Something came, and it is not what was expected.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unexpected extends Schema.TaggedError<Unexpected>()("Unexpected", {
  /** The probe's name. */
  probe: Schema.String,
  expected: Schema.String,
  /** What came instead: a `Received`. */
  received: Schema.Unknown
}) {
  override get message(): string {
    return `${this.probe} expected ${this.expected}, got ${describe(this.received as Received<Rpc.Any>)}`
  }
}

/**
 * Nothing came in time.
 *
 * @category errors
 * @since 0.1.0
 */
export class NothingCame extends Schema.TaggedError<NothingCame>()("NothingCame", {
  /** The probe's name. */
  probe: Schema.String,
  expected: Schema.String,
  /** How long it waited, in milliseconds. */
  millis: Schema.Number
}) {
  override get message(): string {
    return `${this.probe} expected ${this.expected}, and nothing came in ${this.millis} ms`
  }
}

/**
 * How long an expectation waits.
 *
 * @category models
 * @since 0.1.0
 */
export interface Patience {
  /** By the test's `Clock`, which may be a virtual one. (Default: 3 seconds of real time, whatever the `Clock`) */
  readonly within?: Duration.Input | undefined
}

/**
 * A probe: a reference for others, and what the test may expect of it, in the order in which it comes. What is expected
 * is taken, also by an expectation that fails.
 *
 * @category models
 * @since 0.1.0
 */
export interface TestProbe<in out Rpcs extends Rpc.Any> {
  /** What others send to. It can be sent to other threads, watched, linked and stopped as any. */
  readonly ref: ActorRef<Rpcs>

  /** What comes next. */
  receive(options?: Patience): Effect.Effect<Received<Rpcs>, NothingCame>

  /** The next to come is a message with this tag, and an equal payload if one is given. */
  expect<const Tag extends Rpcs["_tag"]>(
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<Rpcs, Tag>> | readonly []
  ): Effect.Effect<Message<Rpc.ExtractTag<Rpcs, Tag>>, Unexpected | NothingCame>

  /** The same with a deadline, and whatever the payload is. */
  expectWithin<const Tag extends Rpcs["_tag"]>(
    within: Duration.Input,
    tag: Tag
  ): Effect.Effect<Message<Rpc.ExtractTag<Rpcs, Tag>>, Unexpected | NothingCame>

  /** The first that is a message with this tag; what comes before it is dropped. */
  fish<const Tag extends Rpcs["_tag"]>(
    tag: Tag,
    options?: Patience
  ): Effect.Effect<Message<Rpc.ExtractTag<Rpcs, Tag>>, NothingCame>

  /** Nothing has come, and nothing will unless the clock moves or the test does something: all is quiet. */
  readonly expectNothing: Effect.Effect<void, Unexpected>

  /** The next to come is the end of this actor, which the probe watches; how it ended. */
  expectTerminated(
    ref: ActorRef<never>,
    options?: Patience
  ): Effect.Effect<Exit.Exit<void, unknown>, Unexpected | NothingCame>

  /** Watches an actor: its end comes as `Terminated`. */
  watch(ref: ActorRef<never>): Effect.Effect<void>
  unwatch(ref: ActorRef<never>): Effect.Effect<void>

  /** Is linked with an actor: its end comes as `LinkBroken`, and that one's overseer hears of the probe's. */
  link(ref: ActorRef<never>): Effect.Effect<void>
  unlink(ref: ActorRef<never>): Effect.Effect<void>

  /** All that has come when nothing happens any more; it is taken. */
  readonly drain: Effect.Effect<ReadonlyArray<Received<Rpcs>>>
}

/**
 * Makes a probe that understands a protocol, or what an actor with this contract understands. It ends with the scope.
 *
 * **Details**
 *
 * It is an actor as any other: what it is sent counts, and its end is heard of. Made of a contract that this thread does
 * not host, it has the contract's name too, so that it passes for one in schemas such as `Account.ref`.
 *
 * **Example** (A test plays the bank)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { ActorSystem } from "@troupe/runtime"
 * import * as TestProbe from "@troupe/runtime/testing/TestProbe"
 *
 * const Bank = RpcGroup.make(
 *   Rpc.make("Withdraw", { payload: { amount: Schema.Int }, success: Schema.Int })
 * )
 *
 * const test = Effect.gen(function*() {
 *   const bank = yield* TestProbe.make(Bank)
 *   const asking = yield* Effect.forkChild(bank.ref.ask("Withdraw", { amount: 30 }))
 *   const asked = yield* bank.expect("Withdraw", { amount: 30 })
 *   yield* asked.reply(70)
 *   yield* bank.expectNothing
 *   return asking
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  <Rpcs extends Rpc.Any>(
    protocol: RpcGroup.RpcGroup<Rpcs>,
    options?: { readonly name?: string | undefined }
  ): Effect.Effect<TestProbe<Rpcs>, never, ActorSystem | Scope.Scope>
  <Name extends string, Rpcs extends Rpc.Any, Args extends Schema.Top>(
    contract: Actor.Actor<Name, Rpcs, Args>,
    options?: { readonly name?: string | undefined }
  ): Effect.Effect<TestProbe<Rpcs>, never, ActorSystem | Scope.Scope>
} = Effect.fnUntraced(function*(
  given: RpcGroup.RpcGroup<Rpc.Any> | Actor.Actor<string, Rpc.Any, Schema.Top>,
  options?: { readonly name?: string | undefined }
) {
  const system = (yield* ActorSystem) as System
  const contract = Actor.TypeId in given
  const protocol = contract ? given.protocol : given
  const name = free(system, options?.name ?? (contract ? given.name : "TestProbe"))
  const probe = new Probe(name, protocol as unknown as RpcGroup.RpcGroup<AnyRpc>, system)
  const actor = Actor.make(name, { protocol, local: true })
  const hosted = yield* Layer.build(actor.toLayer(probe.behaviour as never))
  probe.ref = (yield* Effect.orDie(Effect.provideContext(actor.spawn(), hosted))) as ActorRef<AnyRpc>
  return probe
}) as never

/** A name that no other actor of the thread has. */
const free = (system: System, wanted: string): string => {
  let name = wanted
  for (let n = 2; system.hosts.has(name); n++) name = `${wanted} ${n}`
  return name
}

type AnyRpc = Rpc.AnyWithProps

class Probe {
  ref!: ActorRef<AnyRpc>
  private readonly name: string
  private readonly protocol: RpcGroup.RpcGroup<AnyRpc>
  private readonly system: System
  private readonly came = Effect.runSync(Queue.unbounded<Received<AnyRpc>>())
  private ctx!: ActorContext<AnyRpc>

  constructor(name: string, protocol: RpcGroup.RpcGroup<AnyRpc>, system: System) {
    this.name = name
    this.protocol = protocol
    this.system = system
  }

  get behaviour() {
    const put = (received: Received<AnyRpc>): void => {
      Queue.offerUnsafe(this.came, received)
    }
    const signal =
      (_tag: "Terminated" | "LinkBroken") => (state: undefined, ended: Omit<Terminated, "_tag">) => {
        put({ _tag, ref: ended.ref, exit: ended.exit })
        return Step.next(state)
      }
    return {
      state: Actor.opaque<undefined>(),
      initial: (_: unknown, ctx: ActorContext<AnyRpc>): undefined => {
        this.ctx = ctx
      },
      handlers: Object.fromEntries(
        Array.from(this.protocol.requests.values(), (rpc) => [rpc._tag, handler(rpc, put)])
      ),
      signals: { Terminated: signal("Terminated"), LinkBroken: signal("LinkBroken") }
    }
  }

  receive(options?: Patience) {
    return this.next("something", options)
  }

  expect(tag: string, ...payload: ReadonlyArray<unknown>) {
    return this.message(tag, payload.length > 0 ? { payload: payload[0] } : undefined, undefined)
  }

  expectWithin(within: Duration.Input, tag: string) {
    return this.message(tag, undefined, { within })
  }

  fish(tag: string, options?: Patience) {
    const next = this.next(tag, options)
    const loop: Effect.Effect<Message<AnyRpc>, NothingCame> = Effect.flatMap(
      next,
      (received) => received._tag === "Message" && received.tag === tag ? Effect.succeed(received) : loop
    )
    return loop
  }

  readonly expectNothing = Effect.suspend(() =>
    Effect.andThen(
      settle(this.system),
      Effect.flatMap(Queue.poll(this.came), (received) =>
        received._tag === "None" ? Effect.void : Effect.fail(this.unexpected("nothing", received.value)))
    )
  )

  expectTerminated(ref: ActorRef<never>, options?: Patience) {
    const expected = `the end of ${String(ref)}`
    return Effect.flatMap(
      this.next(expected, options),
      (received) =>
        received._tag === "Terminated" && Equal.equals(received.ref, ref)
          ? Effect.succeed(received.exit)
          : Effect.fail(this.unexpected(expected, received))
    )
  }

  watch(ref: ActorRef<never>) {
    return Effect.sync(() => this.ctx.watch(ref))
  }

  unwatch(ref: ActorRef<never>) {
    return Effect.sync(() => this.ctx.unwatch(ref))
  }

  link(ref: ActorRef<never>) {
    return Effect.sync(() => this.ctx.link(ref))
  }

  unlink(ref: ActorRef<never>) {
    return Effect.sync(() => this.ctx.unlink(ref))
  }

  readonly drain = Effect.suspend(() =>
    Effect.andThen(settle(this.system), Effect.orDie(Queue.clear(this.came)))
  )

  private message(
    tag: string,
    wanted: { readonly payload: unknown } | undefined,
    options: Patience | undefined
  ) {
    return Effect.suspend(() => {
      // As the message would be sent, with its defaults.
      const payload = wanted && this.protocol.requests.get(tag)!.payloadSchema.make(wanted.payload as never)
      const expected = wanted === undefined ? tag : `${tag} ${text(payload)}`
      return Effect.flatMap(
        this.next(expected, options),
        (received) =>
          received._tag === "Message" && received.tag === tag &&
            (wanted === undefined || Equal.equals(received.payload, payload))
            ? Effect.succeed(received)
            : Effect.fail(this.unexpected(expected, received))
      )
    })
  }

  private next(expected: string, options: Patience | undefined) {
    const { name } = this
    const within = Duration.fromInputUnsafe(options?.within ?? PATIENCE)
    const sleep = Effect.sleep(within)
    // Nobody moves a virtual clock while the test waits: it would wait for ever.
    const patience = options?.within === undefined
      ? Effect.provideService(sleep, Clock.Clock, Clock.Clock.defaultValue())
      : sleep
    const nothing = Effect.andThen(
      patience,
      Effect.suspend(() =>
        Effect.fail(new NothingCame({ probe: name, expected, millis: Duration.toMillis(within) }))
      )
    )
    return Effect.flatMap(
      Queue.poll(this.came),
      (received) =>
        received._tag === "Some"
          ? Effect.succeed(received.value)
          : Effect.raceFirst(Queue.take(this.came), nothing)
    )
  }

  private unexpected(expected: string, received: Received<AnyRpc>): Unexpected {
    return new Unexpected({ probe: this.name, expected, received })
  }
}

/** Hands a message to the test, and waits with the answer for it. */
const handler = (rpc: AnyRpc, put: (received: Received<AnyRpc>) => void) => {
  const streamed = RpcSchema.isStreamSchema(rpc.successSchema)
  const message = (
    payload: unknown,
    asked: boolean,
    reply: (answer: unknown) => void,
    fail: (error: unknown) => void
  ): void =>
    put({
      _tag: "Message",
      tag: rpc._tag,
      payload,
      asked,
      reply: (answer: unknown) => Effect.sync(() => reply(answer)),
      fail: (error: unknown) => Effect.sync(() => fail(error))
    } as Message<AnyRpc>)
  return (
    state: undefined,
    payload: unknown,
    ctx: { readonly replier: Replier<unknown, unknown> | undefined }
  ) => {
    const { replier } = ctx
    if (streamed && replier !== undefined) {
      const answer = Deferred.makeUnsafe<Stream.Stream<unknown, unknown>>()
      const give = (stream: Stream.Stream<unknown, unknown>): void => {
        Deferred.doneUnsafe(answer, Effect.succeed(stream))
      }
      message(
        payload,
        true,
        (stream) => give(stream as Stream.Stream<unknown>),
        (error) => give(Stream.fail(error))
      )
      return Step.stream(state, Stream.unwrap(Deferred.await(answer)))
    }
    message(
      payload,
      replier !== undefined,
      (answer) => replier?.succeed(answer),
      (error) => replier?.fail(error)
    )
    return replier === undefined ? Step.next(state) : Step.later(state)
  }
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_, value) => typeof value === "bigint" ? `${value}n` : value) ?? ""

const describe = (received: Received<Rpc.Any>): string =>
  received._tag === "Message"
    ? `${received.tag} ${text(received.payload)}`.trimEnd()
    : `${received._tag} of ${String(received.ref)}`
