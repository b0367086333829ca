/** The examples that say what they print, by `// =>`, print that. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

const folder = fileURLToPath(new URL(".", import.meta.url))

const promised = (source: string): ReadonlyArray<string> =>
  Array.from(source.matchAll(/\/\/ => (.*)$/gm), ([, line]) => line!)

describe("examples", () => {
  for (const file of globSync("*/*.ts", { cwd: folder }).sort()) {
    const lines = promised(readFileSync(join(folder, file), "utf8"))
    if (lines.length === 0) continue
    it(`${file} prints what it says`, () => {
      const { status, stderr, stdout } = spawnSync(
        process.execPath,
        ["--conditions=@troupe/source", join(folder, file)],
        { encoding: "utf8" }
      )
      assert.strictEqual(status, 0, stderr)
      assert.deepStrictEqual(stdout.trimEnd().split("\n"), lines)
    })
  }
})
