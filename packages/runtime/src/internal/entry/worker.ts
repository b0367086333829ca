/** What runs inside a worker thread: it waits for its welcome, builds its layers, and answers with what it hosts. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as WorkerRunner from "effect/workers/WorkerRunner"
import type { ActorSystem } from "../../ActorSystem.ts"
import type { Answer, Welcome } from "../handshake.ts"
import { systemKey } from "../keys.ts"
import { Mesh } from "../mesh.ts"
import * as internal from "../system.ts"

/** Serves until the thread that made the system says that it is over. */
export const serve = (layer: Layer.Layer<never, unknown, ActorSystem>) =>
  Effect.scopedWith(Effect.fnUntraced(function*(scope) {
    const platform = yield* WorkerRunner.WorkerRunnerPlatform
    const runner = yield* platform.start<Answer, Welcome>()
    yield* runner.run((port, welcome) =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(join(layer, welcome, scope))
        yield* runner.send(
          port,
          Exit.isSuccess(exit) ? exit.value : { _tag: "Failed", problem: Cause.pretty(exit.cause) }
        )
      })
    )
  }))

const join = Effect.fnUntraced(function*(
  layer: Layer.Layer<never, unknown, ActorSystem>,
  welcome: Welcome,
  scope: Scope.Scope
) {
  const system = yield* internal.make(welcome)
  const mesh = new Mesh(system, welcome.fabric, welcome.ports)
  yield* Scope.addFinalizer(scope, Effect.sync(() => mesh.close()))
  system.join(mesh)
  yield* Layer.buildWithScope(Layer.provide(layer, Layer.succeed(systemKey, system)), scope)
  const hosted = Array.from(system.hosts.values(), (host) => ({
    name: host.name,
    fingerprint: host.wire.fingerprint
  }))
  // Messages may have come before: they have waited for the layers that host their actors.
  mesh.open()
  return { _tag: "Ready", hosted } as const
})
