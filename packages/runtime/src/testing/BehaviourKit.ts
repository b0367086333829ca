/**
 * A behaviour without a system: what its handlers make of messages, as data.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type * as Actor from "../Actor.ts"
import type { ActorRef, TellArgs } from "../ActorRef.ts"
import { isBatch } from "../internal/aside.ts"
import { Stranger } from "../internal/stranger.ts"
import * as kernel from "../internal/hot/step.ts"
import type * as Signal from "../Signal.ts"

/**
 * The step that a handler took.
 *
 * | step | by |
 * | --- | --- |
 * | `Next`, `Reply`, `Fail`, `Later`, `Stop`, `Crash`, `Unhandled`, `Stash` | the function of that name |
 * | `Become` | `Actor.become`: the messages after it go to the other handlers |
 * | `Fork`, `Stream` | the functions of these names; what they were given is not run |
 * | `Effect` | an Effect of a step, not run: `resume` goes on with its Exit |
 * | `Die` | a handler that threw, or whose Effect died: `defect` |
 *
 * @category models
 * @since 0.1.0
 */
export type StepTaken =
  | { readonly _tag: "Next" | "Later" | "Unhandled" | "Stash" }
  | { readonly _tag: "Reply" | "Stop" | "Become"; readonly answer: unknown }
  | { readonly _tag: "Fail" | "Crash"; readonly error: unknown }
  | { readonly _tag: "Die"; readonly defect: unknown }
  | { readonly _tag: "Effect"; readonly effect: Effect.Effect<unknown, unknown> }
  | { readonly _tag: "Fork"; readonly effect: Effect.Effect<unknown, unknown> }
  | { readonly _tag: "Stream"; readonly stream: Stream.Stream<unknown, unknown> }

/**
 * What a handler did by its context.
 *
 * @category models
 * @since 0.1.0
 */
export type Deed =
  | { readonly _tag: "Send"; readonly to: ActorRef<never>; readonly tag: string; readonly payload: unknown }
  | {
    readonly _tag: "StartOnce" | "StartEvery"
    readonly key: unknown
    readonly millis: number
    readonly tag: string
    readonly payload: unknown
  }
  | { readonly _tag: "Cancel"; readonly key: unknown }
  | { readonly _tag: "Spawn"; readonly child: ActorRef<never>; readonly args: unknown }
  | { readonly _tag: "Stop" | "Watch" | "Unwatch" | "Link" | "Unlink"; readonly ref: ActorRef<never> }
  | {
    readonly _tag: "PipeToSelf"
    readonly effect: Effect.Effect<unknown, unknown>
    readonly onExit: (exit: Exit.Exit<unknown, unknown>) => readonly [tag: string, payload?: unknown]
  }
  /** An answer by a `ctx.replier`, to the message with this number; the first one is 0. */
  | { readonly _tag: "Succeed"; readonly message: number; readonly value: unknown }
  | { readonly _tag: "Fail"; readonly message: number; readonly error: unknown }
  | { readonly _tag: "UnstashAll" }

/**
 * What came of a message.
 *
 * @category models
 * @since 0.1.0
 */
export interface Taken<out S> {
  readonly step: StepTaken
  /** The state afterwards. */
  readonly state: S
  /** What the handler did besides, in order. */
  readonly deeds: ReadonlyArray<Deed>
}

/**
 * A behaviour, its state, and what it has started.
 *
 * @category models
 * @since 0.1.0
 */
export interface BehaviourKit<in out Rpcs extends Rpc.Any, out S> {
  /** The state now. */
  readonly state: S
  /** Whether it has stopped, crashed or died. It takes no more messages then. */
  readonly ended: boolean
  /** What `ctx.self` is. */
  readonly self: ActorRef<Rpcs>
  /** What is stashed, the oldest first. */
  readonly stashed: ReadonlyArray<Envelope>
  /** What was put back, and waits to be handled: `next` does it. */
  readonly waiting: ReadonlyArray<Envelope>
  /** The keys of the timers that run. */
  readonly timers: ReadonlyArray<unknown>

  /** Handles a message that nobody waits for. */
  tell<const Tag extends Rpcs["_tag"]>(tag: Tag, ...payload: TellArgs<Rpc.ExtractTag<Rpcs, Tag>>): Taken<S>
  /** Handles a message whose answer somebody awaits. */
  ask<const Tag extends Rpcs["_tag"]>(tag: Tag, ...payload: TellArgs<Rpc.ExtractTag<Rpcs, Tag>>): Taken<S>
  /** Handles several messages of one kind at once, by a handler of batches. */
  batch<const Tag extends Rpcs["_tag"]>(
    tag: Tag,
    payloads: ReadonlyArray<Rpc.PayloadConstructor<Rpc.ExtractTag<Rpcs, Tag>>>
  ): Taken<S>
  /** Handles the signal that an actor has ended. */
  signal(tag: "Terminated" | "LinkBroken", ended: Signal.Ended): Taken<S>
  /** Has a timer run off. */
  fire(key: unknown): Taken<S>
  /** Handles the first of what was put back; undefined when there is nothing. */
  next(): Taken<S> | undefined
  /** Goes on with what the Effect of the last message came to. Until then no other message is handled. */
  resume(exit: Exit.Exit<unknown, unknown>): Taken<S>
}

/**
 * A message as a value.
 *
 * @category models
 * @since 0.1.0
 */
export interface Envelope {
  readonly tag: string
  readonly payload: unknown
  readonly asked: boolean
}

/**
 * Runs a behaviour on messages, one after the other, without a system: no Effect is run, no message sent, no time passes.
 *
 * **Details**
 *
 * Payloads are made, with their defaults, and checked against their schemas. A state can be given instead of that of
 * `initial`, and has to be where `initial` gives an Effect.
 *
 * **Example** (What becomes of a withdrawal)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor } from "@troupe/runtime"
 * import * as BehaviourKit from "@troupe/runtime/testing/BehaviourKit"
 *
 * const Account = Actor.make("Account", {
 *   protocol: RpcGroup.make(Rpc.make("Withdraw", { payload: { amount: Schema.Int }, success: Schema.Int }))
 * })
 *
 * const behaviour = Account.of({
 *   state: Schema.Int,
 *   initial: () => 0,
 *   handlers: { Withdraw: (balance, { amount }) => Actor.reply(balance - amount, balance - amount) }
 * })
 *
 * const account = BehaviourKit.make(Account, behaviour, { state: 100 })
 * const { deeds, state, step } = account.ask("Withdraw", { amount: 30 })
 * // state: 70, step: { _tag: "Reply", answer: 70 }, deeds: []
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  S,
  H,
  RI,
  G
>(
  contract: Actor.Actor<Name, Rpcs, Args>,
  behaviour: Actor.Behaviour<Rpcs, Args, S, H, RI, G>,
  options?: {
    /** What the actor is spawned with. (Default: nothing) */
    readonly args?: Args["~type.make.in"] | undefined
    /** The state to begin with. (Default: what `initial` gives) */
    readonly state?: NoInfer<S> | undefined
    /** The actor's key. (Default: none) */
    readonly key?: string | undefined
  }
): BehaviourKit<Rpcs, S> => new Kit(contract as never, behaviour as never, options ?? {}) as never

/**
 * A reference for behaviours without a system: it can be sent to by a context, and that is all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ref = <Name extends string, Rpcs extends Rpc.Any, Args extends Schema.Top>(
  contract: Actor.Actor<Name, Rpcs, Args>,
  key?: string
): ActorRef<Rpcs> => new Stranger(contract, key) as never

/**
 * What `ctx.spawn` takes, for behaviours without a system.
 *
 * @category constructors
 * @since 0.1.0
 */
export const spawner = <Name extends string, Rpcs extends Rpc.Any, Args extends Schema.Top>(
  contract: Actor.Actor<Name, Rpcs, Args>
): Actor.Spawner<Rpcs, Args> => ({ contract }) as never

type Handler = (state: unknown, payload: unknown, ctx: unknown) => unknown

interface AnyBehaviour {
  readonly initial: (args: unknown, ctx: unknown) => unknown
  readonly handlers: Readonly<Record<string, unknown>>
  readonly signals?: Readonly<Record<string, Handler>>
  readonly stash?: number
}

/** What a timer says. */
interface Timer {
  readonly tag: string
  readonly payload: unknown
  readonly once: boolean
}

class Kit {
  readonly self: ActorRef<never>
  readonly key: string | undefined
  state: unknown
  ended = false
  stashed: Array<Envelope> = []
  waiting: Array<Envelope> = []
  private readonly contract: Actor.Actor<string, Rpc.AnyWithProps, Schema.Top>
  private readonly behaviour: AnyBehaviour
  private handlers: Readonly<Record<string, unknown>>
  private readonly running = new Map<unknown, Timer>()
  private deeds: Array<Deed> = []
  private children: Array<ActorRef<never>> = []
  /** How many messages were handled. */
  private handled = 0
  /** The message whose Effect is not run; undefined where none is. */
  private hand: Envelope | undefined = undefined

  constructor(
    contract: Actor.Actor<string, Rpc.AnyWithProps, Schema.Top>,
    behaviour: AnyBehaviour,
    options: { readonly args?: unknown; readonly state?: unknown; readonly key?: string | undefined }
  ) {
    this.contract = contract
    this.behaviour = behaviour
    this.handlers = behaviour.handlers
    this.key = options.key
    this.self = new Stranger(contract, options.key) as never
    this.state = "state" in options ? options.state : this.initial(options.args)
  }

  private initial(args: unknown): unknown {
    const state = this.behaviour.initial(this.contract.args.make(args), this.context(undefined))
    if (!Effect.isEffect(state)) return state
    throw new TypeError(`${this.contract.name} begins with an Effect: give the kit a state to begin with`)
  }

  get timers(): ReadonlyArray<unknown> {
    return Array.from(this.running.keys())
  }

  tell(tag: string, payload?: unknown) {
    return this.handle({ tag, payload: this.made(tag, payload), asked: false })
  }

  ask(tag: string, payload?: unknown) {
    return this.handle({ tag, payload: this.made(tag, payload), asked: true })
  }

  batch(tag: string, payloads: ReadonlyArray<unknown>) {
    const handler = this.handlers[tag]
    if (!isBatch(handler)) throw new TypeError(`the handler of ${tag} takes no batches`)
    const made = payloads.map((payload) => this.made(tag, payload))
    return this.run({ tag, payload: made, asked: false }, (ctx) => handler.batch(this.state, made, ctx))
  }

  signal(tag: string, ended: Signal.Ended) {
    const handler = this.behaviour.signals?.[tag]
    const message = { tag, payload: ended, asked: false }
    return this.run(message, (ctx) =>
      handler === undefined
        ? new kernel.Step(kernel.NEXT, this.state, undefined)
        : handler(this.state, ended, ctx))
  }

  fire(key: unknown) {
    const timer = this.running.get(key)
    if (timer === undefined) throw new TypeError(`no timer ${String(key)} runs`)
    if (timer.once) this.running.delete(key)
    return this.tell(timer.tag, timer.payload)
  }

  next() {
    const message = this.waiting.shift()
    return message && this.handle(message)
  }

  resume(exit: Exit.Exit<unknown, unknown>) {
    const { hand } = this
    if (hand === undefined) throw new TypeError("no Effect waits to be resumed")
    this.hand = undefined
    if (Exit.isSuccess(exit)) return this.taken(hand, exit.value)
    const error = Cause.findError(exit.cause)
    return error._tag === "Success"
      ? this.taken(hand, new kernel.Step(kernel.FAIL, this.state, error.success))
      : this.died(Cause.squash(exit.cause))
  }

  private made(tag: string, payload: unknown): unknown {
    const rpc = this.contract.protocol.requests.get(tag)
    if (rpc === undefined) throw new TypeError(`${this.contract.name} has no message ${tag}`)
    return rpc.payloadSchema.make(payload as never)
  }

  private handle(message: Envelope) {
    const handler = this.handlers[message.tag]
    return this.run(message, (ctx) =>
      isBatch(handler)
        ? handler.batch(this.state, [message.payload], ctx)
        : (handler as Handler)(this.state, message.payload, ctx))
  }

  private run(message: Envelope, handler: (ctx: unknown) => unknown) {
    if (this.ended) throw new TypeError(`${this.contract.name} has ended`)
    if (this.hand !== undefined) throw new TypeError(`the Effect of ${this.hand.tag} has not been resumed`)
    this.deeds = []
    const number = this.handled++
    let result: unknown
    try {
      result = handler(this.context(message.asked ? number : undefined))
    } catch (defect) {
      return this.died(defect)
    }
    return this.taken(message, result)
  }

  private taken(message: Envelope, result: unknown): Taken<unknown> {
    if (result instanceof kernel.Step) return this.after(this.apply(message, result))
    if (!Effect.isEffect(result)) {
      return this.died(new TypeError(`the handler ${message.tag} gave neither a step nor an Effect of one`))
    }
    this.hand = message
    return this.after({ _tag: "Effect", effect: result as Effect.Effect<unknown, unknown> })
  }

  private died(defect: unknown): Taken<unknown> {
    this.ended = true
    return this.after({ _tag: "Die", defect })
  }

  private after(step: StepTaken): Taken<unknown> {
    return { step, state: this.state, deeds: this.deeds }
  }

  private apply(message: Envelope, step: kernel.Step): StepTaken {
    const { kind, value } = step
    if (kind === kernel.STOP || kind === kernel.CRASH) {
      this.ended = true
      return kind === kernel.STOP ? { _tag: "Stop", answer: value } : { _tag: "Crash", error: value }
    }
    this.state = step.state
    switch (kind) {
      case kernel.NEXT:
        return { _tag: "Next" }
      case kernel.REPLY:
        return { _tag: "Reply", answer: value }
      case kernel.FAIL:
        return { _tag: "Fail", error: value }
      case kernel.LATER:
        return { _tag: "Later" }
      case kernel.UNHANDLED:
        return { _tag: "Unhandled" }
      case kernel.STASH:
        this.stashed.push(message)
        return { _tag: "Stash" }
      case kernel.FORK:
        return { _tag: "Fork", effect: value as Effect.Effect<unknown, unknown> }
      case kernel.STREAM:
        return { _tag: "Stream", stream: value as Stream.Stream<unknown, unknown> }
      default: {
        const { answer, handlers } = value as kernel.Becoming
        this.handlers = handlers as Readonly<Record<string, unknown>>
        return { _tag: "Become", answer }
      }
    }
  }

  /** What a handler is given; with the number of its message where somebody awaits the answer. */
  private context(asked: number | undefined): object {
    const did = (deed: Deed): void => {
      this.deeds.push(deed)
    }
    const about = (_tag: "Stop" | "Watch" | "Unwatch" | "Link" | "Unlink") => (ref: ActorRef<never>): void =>
      did({ _tag, ref })
    const start =
      (_tag: "StartOnce" | "StartEvery") =>
      (key: unknown, delay: Duration.Input, tag: string, payload?: unknown): void => {
        did({ _tag, key, millis: Duration.toMillis(delay), tag, payload })
        this.running.set(key, { tag, payload, once: _tag === "StartOnce" })
      }
    const cancel = (key: unknown): boolean => {
      did({ _tag: "Cancel", key })
      return this.running.delete(key)
    }
    return {
      self: this.self,
      key: this.key,
      parent: undefined,
      children: this.children.slice(),
      stashed: this.stashed.length,
      replier: asked === undefined ? undefined : {
        succeed: (value: unknown) => did({ _tag: "Succeed", message: asked, value }),
        fail: (error: unknown) => did({ _tag: "Fail", message: asked, error })
      },
      send: (to: ActorRef<never>, tag: string, payload?: unknown): boolean => {
        did({ _tag: "Send", to, tag, payload })
        return true
      },
      spawn: ({ contract }: { readonly contract: Actor.Any }, args?: unknown) => {
        const child = new Stranger(contract, undefined) as unknown as ActorRef<never>
        this.children.push(child)
        did({ _tag: "Spawn", child, args })
        return child
      },
      stop: about("Stop"),
      watch: about("Watch"),
      unwatch: about("Unwatch"),
      link: about("Link"),
      unlink: about("Unlink"),
      pipeToSelf: (effect: never, onExit: never) => did({ _tag: "PipeToSelf", effect, onExit }),
      unstashAll: () => {
        did({ _tag: "UnstashAll" })
        this.waiting.unshift(...this.stashed)
        this.stashed = []
      },
      timers: {
        startOnce: start("StartOnce"),
        startEvery: start("StartEvery"),
        cancel,
        cancelAll: () => this.timers.forEach(cancel),
        isActive: (key: unknown) => this.running.has(key)
      }
    }
  }
}
