/** A channel between processes: one writes, another one reads, a third is refused. */
import { assert, describe, it } from "@effect/vitest"
import * as Channel from "@troupe/persistence/Channel"
import * as Format from "@troupe/persistence/Format"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync } from "node:fs"
import process from "node:process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { inChannel, reasonOf } from "./channels.ts"

const entry = fileURLToPath(new URL("./fixtures/process.ts", import.meta.url))
const text = { format: Format.text }

/** A writer in another process, that is there when this succeeds. */
const elsewhere = (path: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = spawn(process.execPath, ["--conditions=@troupe/source", entry, path], {
        stdio: ["pipe", "pipe", "inherit"]
      })
      const lines = createInterface({ input: child.stdout })
      const [line] = await once(lines, "line") as [string]
      assert.strictEqual(line, `ready ${child.pid}`)
      return {
        pid: child.pid!,
        tell: (command: string) => child.stdin.write(`${command}\n`),
        append: (n: number) =>
          Effect.promise(async () => {
            child.stdin.write(`${n}\n`)
            await once(lines, "line")
          }),
        kill: Effect.promise(async () => {
          child.kill("SIGKILL")
          if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
        })
      }
    }),
    ({ kill }) => kill
  )

describe("Channel between processes", () => {
  it.live("a reader follows a writer over its files, asleep when nothing comes, to the end", () =>
    inChannel((path) =>
      Effect.gen(function*() {
        const writer = yield* elsewhere(path)
        const reader = yield* Channel.reader(path, text)
        const all = yield* Effect.forkChild(Stream.runCollect(Channel.stream(reader)))
        let n = 0
        for (const more of [1, 1, 1, 3000, 1, 500, 1]) {
          // Each time it is asleep again, or about to be.
          yield* writer.append(more)
          n += more
        }
        writer.tell("close")
        assert.deepStrictEqual(yield* Fiber.join(all), Array.from({ length: n }, (_, i) => `record ${i}`))
        assert.isAbove(readdirSync(path).filter((name) => name.endsWith(".channel")).length, 3)
      }).pipe(Effect.scoped)
    ))

  it.live("a sleeping reader is woken by the other process, and not by looking (S96)", () =>
    inChannel((path) =>
      Effect.gen(function*() {
        const writer = yield* elsewhere(path)
        const reader = yield* Channel.reader(path, text)
        for (let i = 0; i < 5; i++) {
          const waiting = yield* Effect.forkChild(reader.ready)
          yield* Effect.yieldNow
          // One that is asleep has a pipe; whoever looks from time to time has none.
          assert.strictEqual(readdirSync(path).filter((name) => name.startsWith("bell-")).length, 1)
          yield* writer.append(1)
          assert.isTrue(yield* Fiber.join(waiting))
          assert.strictEqual(reader.pollUnsafe(() => {}), 1)
        }
      }).pipe(Effect.scoped)
    ))

  it.live("a second writer is refused while the first lives, and takes over when it was killed (S96)", () =>
    inChannel((path) =>
      Effect.gen(function*() {
        const first = yield* elsewhere(path)
        yield* first.append(10)
        const refused = yield* reasonOf(Effect.scoped(Channel.writer(path, { ...text, capacity: 16_384 })))
        assert.deepInclude(refused, { _tag: "WriterAlive", pid: first.pid })
        yield* first.kill
        const writer = yield* Channel.writer(path, { ...text, capacity: 16_384 })
        assert.deepStrictEqual(writer.recovery, { _tag: "TakenOver", position: 160, damage: undefined })
        yield* writer.append("after")
        const reader = yield* Channel.reader(path, text)
        assert.deepStrictEqual(Array.from(reader), [
          ...Array.from({ length: 10 }, (_, i) => `record ${i}`),
          "after"
        ])
      }).pipe(Effect.scoped)
    ))
})
