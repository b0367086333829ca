/** A population, as a worker that runs its handlers sees it: it can be addressed, and is elsewhere. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ActorId } from "../ActorId.ts"
import type { AskOptions } from "../ActorRef.ts"
import { SwarmError } from "../SwarmError.ts"
import type { Ref } from "./ref.ts"
import type { SwarmWorker } from "./swarmWorker.ts"

interface Telling extends Ref {
  tell(tag: string, payload?: unknown): Effect.Effect<void>
  ask(tag: string, payload?: unknown, options?: AskOptions): Effect.Effect<any, any>
}

export class RemotePopulation {
  private readonly worker: SwarmWorker
  private readonly elsewhere: Effect.Effect<never, SwarmError>
  readonly failures: Stream.Stream<never>

  constructor(worker: SwarmWorker) {
    this.worker = worker
    this.elsewhere = Effect.fail(
      new SwarmError({
        swarm: worker.name,
        reason: "Elsewhere",
        problem: "its instances are the thread's that made the pool; a worker can address them"
      })
    )
    this.failures = Stream.never
  }

  get name(): string {
    return this.worker.name
  }

  get count(): number {
    return this.worker.count
  }

  get byteLength(): number {
    return this.worker.byteLength
  }

  ref(id: ActorId): Telling {
    return this.worker.ref(id.instance, this.worker.version(id)) as Telling
  }

  tell(id: ActorId, tag: string, payload?: unknown): Effect.Effect<void> {
    return this.ref(id).tell(tag, payload)
  }

  tellUnsafe(id: ActorId, tag: string, payload?: unknown): boolean {
    return this.ref(id).tellUnsafe(tag, payload)
  }

  tellMany(ids: Iterable<ActorId>, tag: string, payload?: unknown): Effect.Effect<number> {
    return Effect.sync(() => {
      let told = 0
      for (const id of ids) if (this.tellUnsafe(id, tag, payload)) told++
      return told
    })
  }

  ask(id: ActorId, tag: string, payload?: unknown, options?: AskOptions): Effect.Effect<any, any> {
    return this.ref(id).ask(tag, payload, options)
  }

  broadcast(tag: string, payload?: unknown): Effect.Effect<void> {
    return Effect.sync(() => this.worker.say("broadcast", tag, payload))
  }

  // What needs the instances themselves is for the thread that has them.

  spawn(): Effect.Effect<never, SwarmError> {
    return this.elsewhere
  }

  spawnMany(): Effect.Effect<never, SwarmError> {
    return this.elsewhere
  }

  end(): Effect.Effect<never> {
    return Effect.orDie(this.elsewhere)
  }

  get(): Effect.Effect<never> {
    return Effect.orDie(this.elsewhere)
  }

  tellWhere(): Effect.Effect<never> {
    return Effect.orDie(this.elsewhere)
  }

  get ids(): Effect.Effect<never> {
    return Effect.orDie(this.elsewhere)
  }

  get stats(): Effect.Effect<never> {
    return Effect.orDie(this.elsewhere)
  }

  get columnStats(): Effect.Effect<never> {
    return Effect.orDie(this.elsewhere)
  }

  get flush(): Effect.Effect<never> {
    return Effect.orDie(this.elsewhere)
  }

  quiesce(): Effect.Effect<never, SwarmError> {
    return this.elsewhere
  }

  get step(): Effect.Effect<never, SwarmError> {
    return this.elsewhere
  }

  get awaitEnd(): Effect.Effect<never, SwarmError> {
    return Effect.never
  }
}
