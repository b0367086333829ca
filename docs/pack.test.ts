/** The packages as a stranger gets them: packed, installed into an empty project, type-checked and run there. */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"
import { command, type Ended } from "./command.ts"
import * as Fences from "./fences.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const packages = ["runtime", "supervision", "persistence"]
const directory = mkdtempSync(join(tmpdir(), "troupe-pack-"))
/** A copy of what the packages are made of, so that packing them disturbs nobody who works in this one. */
const workspace = join(directory, "workspace")
const tarballs = join(directory, "tarballs")
const project = join(directory, "project")

const npm = (at: string, ...args: ReadonlyArray<string>): Effect.Effect<Ended> => {
  const cli = process.env["npm_execpath"]
  return cli === undefined ? command(at, "npm", args) : command(at, process.execPath, [cli, ...args])
}

const succeed = (running: Effect.Effect<Ended>): Effect.Effect<string> =>
  Effect.map(running, ({ code, said, stdout }) => {
    assert.strictEqual(code, 0, said)
    return stdout
  })

const bin = (at: string, path: string): string => join(at, "node_modules", path)
const node = (at: string, ...args: ReadonlyArray<string>) => command(at, process.execPath, args)

/** The versions that the workspace uses. */
const version = (name: string): string =>
  `${name}@${JSON.parse(readFileSync(bin(root, `${name}/package.json`), "utf8")).version}`

const pack = Effect.gen(function*() {
  mkdirSync(tarballs)
  mkdirSync(join(workspace, "node_modules", "@troupe"), { recursive: true })
  cpSync(join(root, "tsconfig.base.json"), join(workspace, "tsconfig.base.json"))
  for (const name of packages) {
    for (const part of ["src", "package.json", "tsconfig.json", "README.md", "LICENSE"]) {
      cpSync(join(root, "packages", name, part), join(workspace, "packages", name, part), { recursive: true })
    }
    symlinkSync(join(workspace, "packages", name), join(workspace, "node_modules", "@troupe", name))
  }
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name === "@troupe" || name === ".cache") continue
    symlinkSync(join(root, "node_modules", name), join(workspace, "node_modules", name))
  }
  for (const name of packages) {
    yield* succeed(npm(join(workspace, "packages", name), "pack", "--silent", "--pack-destination", tarballs))
  }
})

/** The README's code, and modules that import what they may and what they may not. */
const examples = Fences.examples(
  Fences.inMarkdown("README.md", readFileSync(join(root, "README.md"), "utf8"))
)

const install = Effect.gen(function*() {
  mkdirSync(join(project, "src"), { recursive: true })
  writeFileSync(join(project, "package.json"), `{ "private": true, "type": "module" }`)
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "ES2024",
        module: "NodeNext",
        strict: true,
        skipLibCheck: false,
        types: ["node"],
        allowImportingTsExtensions: true,
        noEmit: true
      },
      include: ["src"]
    })
  )
  for (const example of examples) writeFileSync(join(project, "src", example.file), Fences.source(example))
  for (const name of packages) {
    const modules = globSync("*.ts", { cwd: join(root, "packages", name, "src") }).map((file) =>
      file.slice(0, -".ts".length)
    )
    writeFileSync(
      join(project, "src", `every-module-of-${name}.ts`),
      ["", ...modules.filter((module) => module !== "index").map((module) => `/${module}`)]
        .map((module) => `import "@troupe/${name}${module}"\n`).join("")
    )
  }
  yield* succeed(npm(
    project,
    "install",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    ...globSync("*.tgz", { cwd: tarballs }).map((file) => join(tarballs, file)),
    ...["effect", "@effect/platform-node", "typescript", "tsx", "@types/node"].map(version)
  ))
})

describe("packed packages", () => {
  beforeAll(() => Effect.runPromise(Effect.andThen(pack, install)), 300_000)
  afterAll(() => rmSync(directory, { recursive: true }))

  it("hold what they are to hold and nothing else", () => {
    for (const name of packages) {
      const installed = join(project, "node_modules", "@troupe", name)
      const files = globSync("**/*.*", { cwd: installed, exclude: ["src/**", "dist/**"] }).sort()
      assert.deepStrictEqual(files, ["README.md", "package.json"])
      const license = readFileSync(join(root, "LICENSE"), "utf8")
      assert.strictEqual(readFileSync(join(installed, "LICENSE"), "utf8"), license)
      const sources = globSync("**/*.ts", { cwd: join(root, "packages", name, "src") }).sort()
      assert.deepStrictEqual(globSync("**/*.*", { cwd: join(installed, "src") }).sort(), sources)
      assert.deepStrictEqual(
        globSync("**/{.*,*.*}", { cwd: join(installed, "dist") }).sort(),
        sources.flatMap((file) => {
          const stem = file.slice(0, -".ts".length)
          return [`${stem}.d.ts`, `${stem}.d.ts.map`, `${stem}.js`, `${stem}.js.map`]
        }).sort()
      )
    }
  })

  for (const name of packages) {
    it.effect(`are found without fault by publint and attw: ${name}`, () =>
      Effect.gen(function*() {
        const tarball = globSync(join(tarballs, `troupe-${name}-*.tgz`))[0]!
        yield* succeed(node(root, bin(root, "publint/src/cli.js"), "--strict", tarball))
        const attw = bin(root, "@arethetypeswrong/cli/dist/index.js")
        yield* succeed(node(root, attw, "--profile", "esm-only", tarball))
      }))
  }

  it.effect("type-check in a stranger's project, libraries included", () =>
    succeed(node(project, bin(project, "typescript/bin/tsc"), "-p", ".")))

  it.effect("can be imported, module by module", () =>
    Effect.forEach(packages, (name) => succeed(node(project, `src/every-module-of-${name}.ts`))))

  it.effect("keep their internals to themselves", () =>
    Effect.gen(function*() {
      for (const path of ["internal/system", "internal/hot/link", "internal/platform/node", "src/index.ts"]) {
        const { code, said } = yield* node(project, "--eval", `import("@troupe/runtime/${path}")`)
        assert.strictEqual(code, 1, path)
        assert.match(said, /ERR_PACKAGE_PATH_NOT_EXPORTED|ERR_MODULE_NOT_FOUND/, path)
      }
    }))

  for (const { file, output, run } of examples) {
    if (!run) continue
    for (const [runner, args] of [["node", []], ["tsx", [bin(project, "tsx/dist/cli.mjs")]]] as const) {
      it.effect(`run the README's ${file}, by ${runner}`, () =>
        Effect.gen(function*() {
          assert.strictEqual(yield* succeed(node(project, ...args, `src/${file}`)), output)
        }))
    }
  }

  it.effect("run the README's workers compiled to JavaScript", () =>
    Effect.gen(function*() {
      const main = join(project, "src", "main.ts")
      writeFileSync(main, readFileSync(main, "utf8").replace(`"./worker.ts"`, `"./worker.js"`))
      const emit = "-p . --noEmit false --rewriteRelativeImportExtensions --rootDir src --outDir built"
      yield* succeed(node(project, bin(project, "typescript/bin/tsc"), ...emit.split(" ")))
      const { output } = examples.find(({ file }) => file === "main.ts")!
      assert.strictEqual(yield* succeed(node(project, "built/main.js")), output)
    }))
})
