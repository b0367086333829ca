/** An overseer of one's own: a child that fails is halted, and starts again after a pause that doubles. */
import { Actor, ActorSystem, Overseer } from "@troupe/runtime"
import { Console, Effect, Exit, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Printer = Actor.make("Printer", {
  protocol: RpcGroup.make(
    Rpc.make("Print", { payload: { page: Schema.String } }),
    Rpc.make("Printed", { success: Schema.Array(Schema.String) })
  )
})
const PrinterLive = Printer.toLayer({
  state: Schema.Array(Schema.String),
  initial: () => Effect.as(Console.log("warms up"), []),
  handlers: {
    Print: (printed, { page }) => page === "jam" ? Actor.crash("jam") : Actor.next([...printed, page]),
    Printed: (printed) => Actor.reply(printed, printed)
  }
})

const patient: Overseer.Overseer = {
  held: Effect.fnUntraced(function*(child, exit) {
    if (Exit.isSuccess(exit)) return yield* child.end
    // What it has is released now, not when it starts.
    yield* child.halt
    const pause = 2 ** (yield* child.generation)
    yield* Console.log(`pauses for ${pause} ms`)
    yield* Effect.sleep(pause)
    yield* Effect.ignore(child.start)
  })
}

const program = Effect.gen(function*() {
  const { ref } = yield* Overseer.spawn(Printer, patient)
  for (const page of ["one", "jam", "two", "jam", "three"]) yield* ref.tell("Print", { page })
  yield* Console.log(`printed ${yield* ref.ask("Printed")}`)
})

program.pipe(
  Effect.scoped,
  Effect.provide(Layer.provideMerge(PrinterLive, ActorSystem.layer)),
  Effect.runPromise
)

// => warms up
// => pauses for 1 ms
// => warms up
// => pauses for 2 ms
// => warms up
// => printed three
