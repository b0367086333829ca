/** The command's scenarios: they hold, and on one thread a seed repeats a run. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import process from "node:process"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))

const faults = (...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ["--conditions=@troupe/source", main, ...args],
    { encoding: "utf8" }
  )
  return { status, stderr, stdout }
}

const run = (scenario: string, seed: number, seconds: number): string => {
  const { status, stderr, stdout } = faults(
    "--scenario",
    scenario,
    "--seed",
    String(seed),
    "--seconds",
    String(seconds)
  )
  assert.strictEqual(status, 0, stdout + stderr)
  assert.match(stdout, /holds +yes/)
  return stdout
}

describe("npm run faults", () => {
  for (const scenario of ["bank", "tree", "flights"]) {
    it(`${scenario}: a seed repeats a run to the letter, another one does not`, () => {
      const once = run(scenario, 3, 3)
      assert.strictEqual(run(scenario, 3, 3), once)
      assert.notStrictEqual(
        run(scenario, 4, 3).split("\n").slice(1).join("\n"),
        once.split("\n").slice(1).join("\n")
      )
    })
  }

  it("ring: threads end, and the ring goes on", () => {
    const [, threads] = /thread (\d+)/.exec(run("ring", 1, 3))!
    assert.isAtLeast(Number(threads), 2)
  })

  it("says what it takes, and refuses what it does not", () => {
    assert.include(faults("--help").stdout, "--scenario")
    assert.notStrictEqual(faults("--scenario", "none").status, 0)
    assert.notStrictEqual(faults("--seconds", "0").status, 0)
  })
})
