/** Finding actors by name, by what they understand, and following who is there. */
import { ActorRef, ActorSystem, Registry } from "@troupe/runtime"
import { Console, Effect, Layer, Option, Schema, Stream } from "effect"
import { Customs, DesksLive, Registrar, Stamping } from "./Desk.ts"

const program = Effect.gen(function*() {
  const customs = yield* Customs.spawn({ name: "north" })
  const registrar = yield* Registrar.spawn({ name: "hall" })
  yield* Registry.register(customs, "border")
  yield* Registry.register(registrar, "town")

  const found = yield* Registry.lookup(Customs, "border")
  const stamped = yield* Option.getOrThrow(found).ask("Stamp", { paper: "passport" })
  yield* Console.log(stamped) // => passport: north

  // Whoever stamps, whatever else it does.
  const desks = yield* Registry.all(Stamping)
  yield* Console.log(desks.map(({ name }) => name).join(", ")) // => Customs, Registrar

  // Each element is all who are there. One that ends is not.
  yield* Effect.forkScoped(customs.tell("Close"))
  const last = yield* Registry.changes(Stamping).pipe(
    Stream.takeUntil(({ length }) => length === 1),
    Stream.runLast
  )
  yield* Console.log(Option.getOrThrow(last).map(({ name }) => name).join(", ")) // => Registrar

  // A reference is kept as text, and read back.
  const Kept = Schema.fromJsonString(Schema.toCodecJson(ActorRef.ActorRef(Stamping)))
  const text = yield* Schema.encodeEffect(Kept)(registrar)
  const read = yield* Schema.decodeEffect(Kept)(text)
  yield* Console.log(yield* read.ask("Stamp", { paper: "licence" })) // => licence: hall
})

Effect.runPromise(
  program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(DesksLive, ActorSystem.layer)))
)
