/** The code in the pages and in the doc comments: extracted, type-checked, and run where it says so. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"
import { command } from "./command.ts"
import * as Fences from "./fences.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const published = "packages/{runtime,supervision,persistence}"

const read = (pattern: string, fencesIn: typeof Fences.inMarkdown): ReadonlyArray<Fences.Fence> =>
  globSync(pattern, { cwd: root }).sort().flatMap((page) =>
    fencesIn(page, readFileSync(join(root, page), "utf8"))
  )

const markdown = read(`{README.md,docs/*.md,${published}/README.md}`, Fences.inMarkdown)
const docComments = read(`${published}/src/*.ts`, Fences.inDocComments)

/** The examples of each page, in a folder of its own. */
const folders = Map.groupBy(
  Fences.examples([...markdown, ...docComments]),
  ({ fence }) => fence.page.replaceAll("/", "-")
)
// Doc comments may refer to the README's files, as to those of their reader.
const named = folders.get("README.md")!.filter(({ fence }) =>
  fence.marks !== "" && !fence.marks.endsWith("run")
)

/** A project of its own, in which the packages' sources stand for them. */
const directory = mkdtempSync(join(tmpdir(), "troupe-examples-"))
afterAll(() => rmSync(directory, { recursive: true }))

symlinkSync(join(root, "node_modules"), join(directory, "node_modules"))
writeFileSync(join(directory, "package.json"), `{ "type": "module" }`)
writeFileSync(
  join(directory, "tsconfig.json"),
  JSON.stringify({
    extends: join(root, "tsconfig.base.json"),
    compilerOptions: {
      composite: false,
      incremental: false,
      declaration: false,
      declarationMap: false,
      noEmit: true,
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
      // An example may declare what its reader will use.
      noUnusedLocals: false
    },
    include: ["*/*.ts"]
  })
)
for (const [folder, examples] of folders) {
  mkdirSync(join(directory, folder))
  for (const example of [...named, ...examples]) {
    writeFileSync(join(directory, folder, example.file), Fences.source(example))
  }
}

const bin = (path: string): string => join(root, "node_modules", path)

describe("examples", () => {
  it("are all of a kind that is checked", () => {
    assert.deepStrictEqual([...markdown, ...docComments].flatMap((fence) => Fences.problem(fence) ?? []), [])
  })

  it("have a name of their own each", () => {
    for (const [folder, examples] of folders) {
      const files = examples.map(({ file }) => file)
      assert.deepStrictEqual(files, Array.from(new Set(files)), folder)
    }
  })

  it.effect("type-check", () =>
    Effect.gen(function*() {
      const checked = yield* command(directory, process.execPath, [bin("typescript/bin/tsc"), "-p", "."])
      assert.strictEqual(checked.code, 0, checked.said)
    }))

  it("show what they print where they run", () => {
    for (const [folder, examples] of folders) {
      for (const { file, output, run } of examples) {
        assert.strictEqual(output !== undefined, run, `${folder}/${file}`)
      }
    }
  })

  for (const [folder, examples] of folders) {
    for (const { file, fence, output, run } of examples) {
      if (!run) continue
      // That tsx runs such code is seen on one page; what it starts takes longer than Node's own type stripping.
      const byTsx = fence.page === "README.md" ? [["tsx", [bin("tsx/dist/cli.mjs")]]] as const : []
      for (const [runner, args] of [["node", []] as const, ...byTsx]) {
        it.effect(`${fence.page}: ${file} prints what the page says, by ${runner}`, () =>
          Effect.gen(function*() {
            const ran = yield* command(join(directory, folder), process.execPath, [
              ...args,
              "--conditions=@troupe/source",
              file
            ])
            assert.deepStrictEqual([ran.code, ran.stdout], [0, output], ran.said)
          }))
      }
    }
  }

  it("run no npm script that does not exist", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
    for (const { code, language, line, page } of markdown) {
      if (language !== "sh") continue
      for (const [, script] of code.matchAll(/^npm (?:run )?([\w:-]+)/gm)) {
        if (script === "install" || script === "pack") continue
        assert.property(scripts, script!, `${page}:${line}`)
      }
    }
  })
})
