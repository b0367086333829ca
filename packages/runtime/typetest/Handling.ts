/** What must and must not compile, of the steps that handlers give and of what their context can do. */
import * as Actor from "@troupe/runtime/Actor"
import type * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Message from "@troupe/runtime/Message"
import type { AskError } from "@troupe/runtime/AskError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type Equal, typed } from "./expect.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}
class Audit extends Context.Service<Audit, { note(text: string): Effect.Effect<void> }>()("Audit") {}
class Bank extends Context.Service<Bank, { readonly rate: Effect.Effect<number> }>()("Bank") {}

const Open = Rpc.make("Open", { payload: { by: Schema.String }, success: Schema.Int, error: Refused })
const Ping = Rpc.make("Ping")
const Door = Actor.make("Door", { protocol: RpcGroup.make(Open, Ping) })
const Window = Actor.make("Window", { protocol: RpcGroup.make(Ping) })

const state = Schema.Number
const initial = () => 0
const Opens = (s: number) => Actor.reply(s, 1)
const Pings = (s: number) => Actor.next(s)

// ---- Becoming another

const plain: Actor.HandlersOf<typeof Door, number, Audit> = {
  Open: Opens,
  Ping: (s) => Actor.become(s, auditing)
}
const auditing: Actor.HandlersOf<typeof Door, number, Audit> = {
  Open: (s) => Effect.flatMap(Audit, (audit) => Effect.as(audit.note("open"), Actor.become(s, plain, 1))),
  Ping: Pings
}
const needless: Actor.HandlersOf<typeof Door, number> = {
  Open: Opens,
  // @ts-expect-error: what it becomes needs services
  Ping: (s) => Actor.become(s, auditing)
}
void needless

const becoming = Door.toLayer({
  state,
  initial,
  handlers: { Open: (s) => Actor.become(s, auditing, 1), Ping: (s) => Actor.become(s, plain) }
})
typed<Equal<typeof becoming, Layer.Layer<Actor.Hosted<"Door">, never, ActorSystem.ActorSystem | Audit>>>()

const inline = Door.toLayer({
  state,
  initial,
  handlers: {
    Open: Opens,
    Ping: (s) =>
      Actor.become(s, {
        Open: (t, { by }) => Actor.reply(t, by.length),
        Ping: (t) => Effect.as(Bank, Actor.next(t))
      })
  }
})
typed<Equal<typeof inline, Layer.Layer<Actor.Hosted<"Door">, never, ActorSystem.ActorSystem | Bank>>>()

Door.toLayer({
  state,
  initial,
  handlers: {
    // @ts-expect-error: an answer is owed
    Open: (s) => Actor.become(s, plain),
    Ping: Pings
  }
})
Door.toLayer({
  state,
  initial,
  handlers: {
    Open: Opens,
    // @ts-expect-error: a handler is missing
    Ping: (s) => Actor.become(s, { Ping: Pings })
  }
})
declare const others: Actor.HandlersOf<typeof Window, number>
declare const ofText: Actor.HandlersOf<typeof Door, string>
Door.toLayer({
  state,
  initial,
  handlers: {
    Open: Opens,
    // @ts-expect-error: handlers of another protocol
    Ping: (s) => Actor.become(s, others)
  }
})
Door.toLayer({
  state,
  initial,
  handlers: {
    Open: Opens,
    // @ts-expect-error: handlers of another state
    Ping: (s) => Actor.become(s, ofText)
  }
})

// ---- Leaving the answer to somebody else

const forking = Door.toLayer({
  state,
  initial,
  handlers: {
    Open: (s) => Actor.fork(s, Effect.flatMap(Bank, ({ rate }) => rate)),
    Ping: (s) => Effect.as(Audit, Actor.fork(s, Effect.void))
  }
})
typed<
  Equal<typeof forking, Layer.Layer<Actor.Hosted<"Door">, never, ActorSystem.ActorSystem | Audit | Bank>>
>()

Door.toLayer({
  state,
  initial,
  handlers: { Open: (s) => Actor.stash(s), Ping: (s) => Actor.unhandled(s) }
})
Door.toLayer({
  state,
  initial,
  handlers: { Open: (s) => Actor.fork(s, Effect.fail(new Refused({ why: "" }))), Ping: Pings }
})
Door.toLayer({
  state,
  initial,
  handlers: {
    // @ts-expect-error: another answer
    Open: (s) => Actor.fork(s, Effect.succeed("1")),
    // @ts-expect-error: an error that is not declared
    Ping: (s) => Actor.fork(s, Effect.fail(new Refused({ why: "" })))
  }
})

// ---- Messages to itself

Door.toLayer({
  state,
  initial,
  handlers: {
    Open: (s, _, ctx) => {
      ctx.pipeToSelf(
        Effect.succeed(1),
        (exit) => Exit.isSuccess(exit) ? ["Open", { by: `${exit.value}` }] : ["Ping"]
      )
      // @ts-expect-error: no such message
      ctx.pipeToSelf(Effect.void, () => ["Close"])
      // @ts-expect-error: a payload of another type
      ctx.pipeToSelf(Effect.void, () => ["Open", { by: 1 }])
      // @ts-expect-error: services are given where the behaviour is made
      ctx.pipeToSelf(Bank, () => ["Ping"])
      ctx.timers.startOnce("key", "1 second", "Ping")
      ctx.timers.startEvery({ any: "key" }, 10, "Open", { by: "clock" })
      // @ts-expect-error: no payload
      ctx.timers.startOnce("key", "1 second", "Open")
      // @ts-expect-error: no such message
      ctx.timers.startEvery("key", "1 second", "Close")
      // @ts-expect-error: a duration that is none
      ctx.timers.startOnce("key", "soon", "Ping")
      ctx.timers.cancel("key") satisfies boolean
      ctx.timers.isActive("key") satisfies boolean
      ctx.unstashAll()
      return Actor.reply(s, ctx.stashed)
    },
    Ping: Pings
  }
})

// ---- Streamed answers

const Count = Rpc.make("Count", {
  payload: { from: Schema.Int },
  success: Schema.Int,
  error: Refused,
  stream: true
})
const Counter = Actor.make("Counter", { protocol: RpcGroup.make(Count, Ping) })
declare const counter: Actor.Ref<typeof Counter>

const counted = counter.stream("Count", { from: 1 })
typed<Equal<typeof counted, Stream.Stream<number, Refused | AskError>>>()
void [counter.tell("Count", { from: 1 }), counter.ask("Ping")]
// @ts-expect-error: it has many answers
counter.ask("Count", { from: 1 })
// @ts-expect-error: it has one answer
counter.stream("Ping")
// @ts-expect-error: no payload
counter.stream("Count")

const counting = Counter.toLayer({
  state,
  initial,
  handlers: {
    Count: (s, { from }, { replier }) => {
      typed<Equal<Parameters<NonNullable<typeof replier>["fail"]>, [error: Refused]>>()
      return Actor.stream(s, Stream.mapEffect(Stream.make(from), () => Effect.as(Bank, 1)))
    },
    Ping: Pings
  }
})
typed<Equal<typeof counting, Layer.Layer<Actor.Hosted<"Counter">, never, ActorSystem.ActorSystem | Bank>>>()
void [
  Counter.toLayer({
    state,
    initial,
    handlers: {
      Count: (s) => Effect.succeed(Actor.stream(s, Stream.fail(new Refused({ why: "" })))),
      Ping: Pings
    }
  }),
  Counter.toLayer({
    state,
    initial,
    handlers: { Count: (s) => Actor.fail(s, new Refused({ why: "" })), Ping: Pings }
  }),
  Counter.toLayer({
    state,
    initial,
    handlers: {
      // @ts-expect-error: elements of another type
      Count: (s) => Actor.stream(s, Stream.make("1")),
      Ping: Pings
    }
  }),
  Counter.toLayer({
    state,
    initial,
    handlers: {
      // @ts-expect-error: an element is no stream
      Count: (s) => Actor.reply(s, 1),
      Ping: Pings
    }
  })
]

// ---- Many messages at once, and what a contract says of them

const batching = Door.toLayer({
  state,
  initial,
  handlers: {
    Open: {
      batch: (s, opens, { replier }) => {
        typed<Equal<typeof s, number>>()
        typed<Equal<typeof opens, ReadonlyArray<{ readonly by: string }>>>()
        replier?.fail(new Refused({ why: "" }))
        return Effect.as(Bank, Actor.reply(s, opens.length))
      },
      max: 10
    },
    Ping: { batch: (s) => Actor.fork(s, Effect.asVoid(Audit)) }
  }
})
typed<
  Equal<typeof batching, Layer.Layer<Actor.Hosted<"Door">, never, ActorSystem.ActorSystem | Audit | Bank>>
>()
Door.toLayer({
  state,
  initial,
  handlers: {
    // @ts-expect-error: an answer of another type
    Open: { batch: (s) => Actor.reply(s, "1") },
    Ping: Pings
  }
})

const Tick = Rpc.make("Tick", { payload: { symbol: Schema.String } }).pipe(
  Message.coalesceBy(({ symbol }) => symbol),
  Message.priority(1),
  Message.interleave,
  Message.essential
)
typed<Equal<Rpc.Payload<typeof Tick>, { readonly symbol: string }>>()
// @ts-expect-error: no such field
Message.coalesceBy(Tick, ({ price }) => price)
// @ts-expect-error: a key that is no primitive
Message.coalesceBy(Tick, (payload) => payload)
// @ts-expect-error: a priority that is no number
Tick.pipe(Message.priority("high"))

// ---- Contracts that stay on their thread

const Handle = Schema.declare((u): u is () => void => typeof u === "function")
const Local = Actor.make("Local", {
  protocol: RpcGroup.make(Rpc.make("Take", { payload: { it: Handle } })),
  local: true
})
declare const local: Actor.Ref<typeof Local>
local.tellUnsafe("Take", { it: () => {} }) satisfies boolean
