/**
 * An ask as an Effect: what is to be asked of whom. A value of its own, so that whoever asks many can send them all
 * and wait for them without a fiber each.
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Fiber from "effect/Fiber"
import type { AskOptions } from "../ActorRef.ts"
import { PendingAsk } from "./ask.ts"
import { overflow, Waiter } from "./mailbox.ts"
import type { Target } from "./ref.ts"

// What runs when a fiber comes to it.
const proto = Effectable.Prototype<Question>({
  label: "Ask",
  evaluate(fiber) {
    return this.ask(fiber)
  }
})

const Base = function() {} as unknown as new() => Effect.Effect<any, any>
Base.prototype = proto

export class Question extends Base {
  readonly target: Target
  readonly tag: string
  private readonly payload: unknown
  readonly options: AskOptions | undefined

  constructor(target: Target, tag: string, payload: unknown, options: AskOptions | undefined) {
    super()
    this.target = target
    this.tag = tag
    this.payload = payload
    this.options = options
  }

  /** Sends it. What is refused is answered at once. */
  send(context: Context.Context<never>): PendingAsk {
    const { tag, target } = this
    const { observer } = target.system
    if (observer === undefined) return this.sendAs(new PendingAsk(target.name, tag))
    const pending = observer.ask(target, tag, context)
    this.sendAs(pending)
    if (pending.exit === undefined) observer.cycles?.sent(pending)
    return pending
  }

  private sendAs(pending: PendingAsk): PendingAsk {
    const { payload, tag, target } = this
    const refusal = target.deliver(tag, payload, pending)
    if (refusal === undefined) return pending
    if (refusal.mailbox?.bounds.overflow === "suspend") {
      const { mailbox } = refusal
      const waiter = new Waiter(target, tag, payload, pending, undefined)
      mailbox.wait(waiter)
      pending.onGivenUp ??= () => mailbox.leave(waiter)
    } else if (!overflow(target, refusal, tag, payload, pending)) {
      pending.abandon(refusal.askReason)
    }
    return pending
  }

  ask(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown> {
    const pending = this.send(fiber.context)
    // The caller waits anyway: unless a slice runs, the actors run now, and most answers are there at once.
    if (pending.exit === undefined) this.target.system.dispatcher.runFor(pending)
    return pending.exit ?? pending.wait(fiber, this.options?.timeout)
  }
}
