/** What runs inside a worker thread: it waits for its welcome, builds its layers, and answers with what it hosts. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as WorkerRunner from "effect/workers/WorkerRunner"
import type { ActorSystem } from "../../ActorSystem.ts"
import type { Port } from "../bells.ts"
import * as Fabric from "../fabric.ts"
import type { Answer, Chunk, Successor, Welcome } from "../handshake.ts"
import type { Registry } from "../hot/parking.ts"
import { systemKey } from "../keys.ts"
import { Mesh } from "../mesh.ts"
import * as Swarms from "../swarmWorker.ts"
import * as internal from "../system.ts"

/** Serves until the thread that made the system says that it is over. */
export const serve = (
  layer: Layer.Layer<never, unknown, ActorSystem>,
  pin: (cores: ReadonlyArray<number>) => Effect.Effect<void, string>
) =>
  Effect.scopedWith(Effect.fnUntraced(function*(scope) {
    const platform = yield* WorkerRunner.WorkerRunnerPlatform
    const runner = yield* platform.start<Answer, Welcome | Successor>()
    const successors = new Successors()
    yield* runner.run((port, message) => {
      if (message._tag === "Successor") return successors.meet(message)
      return Effect.gen(function*() {
        yield* runner.send(port, { _tag: "Here" })
        if (message.cores !== undefined) {
          yield* Effect.catch(pin(message.cores), (problem) =>
            Effect.logWarning(`worker thread ${message.thread} runs on any core: ${problem}`))
        }
        const exit = yield* Effect.exit(join(layer, message, scope, successors))
        yield* runner.send(
          port,
          Exit.isSuccess(exit) ? exit.value : { _tag: "Failed", problem: Cause.pretty(exit.cause) }
        )
      })
    })
  }))

/** Those that come before the welcome wait for it. */
class Successors {
  private readonly early: Array<Successor> = []
  private mesh: Mesh | undefined = undefined

  meet(successor: Successor): void {
    if (this.mesh === undefined) this.early.push(successor)
    else this.mesh.revive(successor.thread, successor.port)
  }

  welcome(mesh: Mesh): void {
    this.mesh = mesh
    for (const { port, thread } of this.early) mesh.revive(thread, port)
  }
}

const registry = (port: Port): Registry => {
  const tell = (chunk: Chunk): void => port.postMessage(chunk)
  return { add: tell, remove: (id) => tell({ id }) }
}

const join = Effect.fnUntraced(function*(
  layer: Layer.Layer<never, unknown, ActorSystem>,
  welcome: Welcome,
  scope: Scope.Scope,
  successors: Successors
) {
  const { fabric, inheritance, observing, thread, validate } = welcome
  const system = yield* internal.make({ thread, validate, observing, counts: Fabric.counts(fabric, thread) })
  const mesh = new Mesh(system, fabric, { registry: registry(welcome.registry), inheritance })
  successors.welcome(mesh)
  yield* Scope.addFinalizer(scope, Effect.sync(() => mesh.close()))
  system.join(mesh)
  const swarms = welcome.swarms && Swarms.attach(system, welcome.swarms)
  yield* Layer.buildWithScope(Layer.provide(layer, Layer.succeed(systemKey, system)), scope)
  // Before the layers end: what the tasks use is still there.
  yield* Scope.addFinalizer(scope, system.close)
  const actors = Array.from(system.hosts.values(), (host) => ({
    name: host.name,
    fingerprint: host.wire.fingerprint
  }))
  const hosted = [...actors, ...swarms?.hosted ?? []]
  // Messages may have come before: they have waited for the layers that host their actors.
  mesh.open()
  swarms?.open()
  return { _tag: "Ready", hosted } as const
})
