/** Groups, broadcasts to them and to whole kinds, and a router over a group. */
import { ActorSystem, Ask, Broadcast, Group, Router } from "@troupe/runtime"
import { Console, Effect, Layer } from "effect"
import { Closing, Customs, DesksLive, Open, Registrar } from "./Desk.ts"

const program = Effect.gen(function*() {
  const desks = [
    yield* Customs.spawn({ name: "north" }),
    yield* Customs.spawn({ name: "south" }),
    yield* Registrar.spawn({ name: "hall" })
  ]
  yield* Effect.forEach(desks, (desk) => Group.join(Open, desk))

  // Each in turn.
  const any = yield* Router.group(Open, { strategy: Router.roundRobin })
  for (const paper of ["a", "b", "c", "d"]) yield* Console.log(yield* any.ask("Stamp", { paper }))
  // => a: north
  // => b: south
  // => c: hall
  // => d: north

  // All of them, as one.
  const members = yield* Group.members(Open)
  const stamps = yield* Ask.all(members.map((desk) => desk.ask("Stamp", { paper: "e" })))
  yield* Console.log(stamps.join("; ")) // => e: north; e: south; e: hall

  // Or of whoever would hear a broadcast, of a whole kind here.
  const hearers = yield* Broadcast.audience(yield* Broadcast.toActors(Customs))
  const asked = yield* Ask.all(hearers.map((desk) => desk.ask("Stamp", { paper: "g" })))
  yield* Console.log(asked.toSorted().join("; ")) // => g: north; g: south

  // Telling all actors of a kind, and all that understand something.
  const customs = yield* Broadcast.toActors(Customs)
  yield* customs.tell("Close")
  yield* Effect.repeat(Group.members(Open), { until: ({ length }) => length === 1 })
  yield* Console.log(yield* any.ask("Stamp", { paper: "f" })) // => f: hall
  const everyone = yield* Broadcast.toProtocol(Closing)
  yield* everyone.tell("Close")
  yield* Effect.repeat(Group.members(Open), { until: ({ length }) => length === 0 })
  yield* Console.log("good night") // => good night
})

Effect.runPromise(
  program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(DesksLive, ActorSystem.layer)))
)
