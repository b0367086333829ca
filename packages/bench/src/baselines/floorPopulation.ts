/** Many actors of the floor, each with a state of its own; afterwards each must handle a message. */
import * as Effect from "effect/Effect"
import type * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import * as Floor from "./Floor.ts"

const handlers: Floor.Handlers<Tally.Tally> = { Add: (state, { n }) => Tally.add(state, n) }

export const floorPopulation: Scenario.Subject<ReadonlyArray<Floor.Actor<Tally.Tally>>> = {
  run: (count) =>
    Effect.sync(() =>
      Array.from({ length: count }, () => Floor.spawn<Tally.Tally>({ ...Tally.zero }, handlers))
    ),
  check: (actors, count) => {
    const queue = new Floor.RunQueue<Tally.Tally>()
    for (const actor of actors) queue.send(actor, "Add", { n: 1 })
    queue.drain()
    return Tally.check(actors.map((actor) => actor.state), { received: count, sum: count })
  }
}
