/** Full disks, limits, permissions: what the system refuses is typed, and nothing that was confirmed is lost. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { temporary } from "./temporary.ts"

const child = fileURLToPath(new URL("./fixtures/system.ts", import.meta.url))

/** Runs shell commands in which `$node SCENE DIRECTORY` is a scene of fixtures/system.ts; the last line is its result. */
const shell = (script: string, directory: string, ...prefix: ReadonlyArray<string>) =>
  Effect.sync(() => {
    const [command, ...args] = [...prefix, "sh", "-e", "-c", script, "sh", directory]
    const said = execFileSync(command!, args, {
      encoding: "utf8",
      env: { ...process.env, node: `${process.execPath} --conditions=@troupe/source ${child}` }
    })
    return JSON.parse(said.trim().split("\n").at(-1)!) as unknown
  })

// A namespace in which anybody may mount.
const mounting = ["unshare", "--map-root-user", "--mount"]

describe("Channel, MappedMemory and DiskStorage, and a system that refuses", () => {
  it.effect(
    "a full disk: typed, nothing lost, and on it goes when there is room (S90, S94, S111, S116)",
    () =>
      temporary((directory) =>
        Effect.gen(function*() {
          const script = `mount -t tmpfs -o size=400k tmpfs "$1"; $node full "$1"`
          assert.deepStrictEqual(yield* shell(script, directory, ...mounting), {
            refused: "NoSpace ENOSPC",
            kept: true,
            again: "NoSpace ENOSPC",
            left: 0,
            region: "there is no space for 1048576 bytes (ENOSPC)",
            after: true,
            journal: {
              asked: "AskError",
              written: "Unavailable NoSpace",
              kept: true,
              keptWhenOpened: true,
              after: true
            }
          })
        })
      ),
    30_000
  )

  it.effect(
    "a limit of the process: typed, and no signal (S90)",
    () =>
      temporary((directory) =>
        Effect.gen(function*() {
          // In blocks of 512 bytes.
          const script = `ulimit -f 2048; $node limited "$1"`
          assert.deepStrictEqual(yield* shell(script, directory), {
            before: 0,
            refused: "NoSpace EFBIG",
            left: [],
            records: 1
          })
        })
      ),
    30_000
  )

  it.effect(
    "a file system that is mounted to be read: readers read, writers are refused",
    () =>
      temporary((directory) =>
        Effect.gen(function*() {
          const script =
            `$node prepare "$1/d"; mount --bind "$1/d" "$1/d"; mount -o remount,ro,bind "$1/d"; $node readOnly "$1/d"`
          assert.deepStrictEqual(yield* shell(script, directory, ...mounting), {
            written: "Refused EROFS",
            made: "Refused EROFS",
            opened: "Refused EROFS",
            read: 1
          })
        })
      ),
    30_000
  )

  it.effect(
    "a directory and files of somebody else: readers read while they may, the rest is refused",
    () =>
      temporary((directory) =>
        Effect.gen(function*() {
          assert.deepStrictEqual(
            yield* shell(`mkdir "$1/d"; chmod 755 "$1"; $node forbidden "$1/d"`, directory),
            {
              made: "Refused EACCES",
              written: "Refused EACCES",
              opened: "Refused EACCES",
              read: 1,
              waits: "None",
              memory: "Refused",
              refused: "Refused EACCES"
            }
          )
        })
      ),
    30_000
  )

  for (const missing of ["koffi", "platform"]) {
    it.effect(
      `a platform without ${missing}: typed, with its name, and only when it is asked for`,
      () =>
        temporary((directory) =>
          Effect.sync(() => {
            const entry = fileURLToPath(new URL("./fixtures/unsupported.ts", import.meta.url))
            const said = execFileSync(process.execPath, [
              "--conditions=@troupe/source",
              entry,
              missing,
              directory
            ], {
              encoding: "utf8"
            })
            const reasons = JSON.parse(said) as ReadonlyArray<
              { _tag: string; platform: string; detail: string }
            >
            assert.strictEqual(reasons.length, 3)
            for (const { _tag, detail, platform } of reasons) {
              assert.strictEqual(_tag, "Unsupported")
              assert.strictEqual(
                platform,
                missing === "koffi" ? `${process.platform}-${process.arch}` : `win32-${process.arch}`
              )
              assert.match(
                detail,
                missing === "koffi" ? /koffi does not load: .*no binary/ : /it has no mmap/
              )
            }
          })
        ),
      30_000
    )
  }
})
