/** A handler of many messages at once: what came while rows are written is written together. */
import { Actor, ActorSystem } from "@troupe/runtime"
import { Console, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Writer = Actor.make("Writer", {
  protocol: RpcGroup.make(
    /** Answers when the row is written: with how many others. */
    Rpc.make("Write", { payload: { row: Schema.String }, success: Schema.Int })
  )
})

const insert = (rows: ReadonlyArray<string>) =>
  Effect.delay(Console.log(`insert ${rows.length}`), "10 millis")

const WriterLive = Writer.toLayer({
  state: Schema.Void,
  initial: () => undefined,
  handlers: {
    Write: {
      batch: (state, writes) =>
        Effect.as(insert(writes.map(({ row }) => row)), Actor.reply(state, writes.length)),
      max: 500
    }
  }
})

const program = Effect.gen(function*() {
  const writer = yield* Writer.spawn()
  const rows = Array.from({ length: 1000 }, (_, i) => `row ${i}`)
  const written = yield* Effect.forEach(rows, (row) => writer.ask("Write", { row }), {
    concurrency: "unbounded"
  })
  // => insert 1
  // => insert 500
  // => insert 499
  yield* Console.log(written.length, Math.max(...written)) // => 1000 500
})

Effect.runPromise(
  program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(WriterLive, ActorSystem.layer)))
)
