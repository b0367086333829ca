/** The pages against the tree: links lead somewhere, every file has its line, rules are numbered and counted right. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { command } from "./command.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), "utf8")
const pages = globSync("{README.md,CONTRIBUTING.md,docs/**/*.md,{examples,packages/*}/README.md}", {
  cwd: root
}).sort()

describe("pages", () => {
  it("link to what exists", () => {
    for (const page of pages) {
      const text = read(page).replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "")
      for (const [, target] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (target!.includes("://")) continue
        assert.isTrue(existsSync(join(root, dirname(page), target!)), `${page} links to ${target}`)
      }
    }
  })
})

describe("README", () => {
  it("leads to every page", () => {
    const text = read("README.md")
    for (const page of globSync("docs/*.md", { cwd: root })) assert.include(text, `](${page})`)
  })

  it("of the examples leads to each that says what it prints", () => {
    const text = read("examples/README.md")
    for (const file of globSync("*/*.ts", { cwd: join(root, "examples") })) {
      if (read(`examples/${file}`).includes("// => ")) assert.include(text, `](${file})`)
    }
  })

  for (const name of ["runtime", "supervision", "persistence"]) {
    it(`of ${name} names its modules`, () => {
      const text = read(`packages/${name}/README.md`)
      const modules = globSync(["*.ts", "testing/*.ts"], { cwd: join(root, `packages/${name}/src`) })
        .map((file) => file.replace(".ts", "")).filter((module) => module !== "index")
      for (const module of modules) assert.include(text, `\`${module}\``)
    })
  }
})

/** A name that a module exports, and the doc comment before it. */
const EXPORTED =
  /^(?:\/\*\*((?:[^*]|\*(?!\/))*)\*\/\n)?export (?:declare )?(?:const|function|class|interface|type|namespace) (\w+)/gm

describe("public names", () => {
  it("have a doc comment that says what they are and since when", () => {
    const missing: Array<string> = []
    for (
      const file of globSync("packages/{runtime,supervision,persistence}/src/{,testing/}*.ts", { cwd: root })
    ) {
      const described = new Set<string>()
      const text = read(file).replace(/^\/\/ .*\n/gm, "")
      for (const [, comment, name] of text.matchAll(EXPORTED)) {
        if (comment !== undefined && /@since|@internal/.test(comment)) described.add(name!)
        // A type and a value of one name, or overloads, are described once.
        else if (!described.has(name!)) missing.push(`${file}: ${name}`)
      }
    }
    assert.deepStrictEqual(missing, [])
  })
})

describe("semantics", () => {
  const text = read("docs/semantics.md")
  const ids = Array.from(text.matchAll(/^- \*\*S(\d+)\*\* /gm), ([, id]) => Number(id))

  it("numbers its rules in their order, each once", () => {
    assert.isNotEmpty(ids)
    assert.deepStrictEqual(ids, Array.from(new Set(ids)).sort((a, b) => a - b))
  })

  it("has the rules that other pages and tests cite", () => {
    const citing = globSync("{README.md,{docs,packages/*}/**/*.{md,test.ts}}", {
      cwd: root,
      exclude: (path) => path.includes("node_modules")
    })
    for (const page of citing) {
      for (const [cited, id] of read(page).matchAll(/(?<![\w"<.])S([1-9]\d{0,2})(?![\w>.])/g)) {
        assert.include(ids, Number(id), `${page} cites ${cited}`)
      }
    }
  })

  it("has no rule that no test cites", () => {
    const tests = globSync("{packages,examples}/**/*.test.ts", {
      cwd: root,
      exclude: (path) => path.includes("node_modules")
    })
    const cited = new Set(
      tests.flatMap((test) =>
        Array.from(read(test).matchAll(/(?<![\w<.])S([1-9]\d{0,2})\b/g), ([, id]) => Number(id))
      )
    )
    assert.deepStrictEqual(ids.filter((id) => !cited.has(id)), [])
  })

  // Each pattern has one group: the number.
  const numbers: ReadonlyArray<readonly [rule: RegExp, file: string, constant: RegExp]> = [
    [/at most (\d+) messages\./, "hot/dispatcher.ts", /^const TURN_MESSAGES = (\d+)$/m],
    [/After about (\d+) ms of turns/, "hot/dispatcher.ts", /^const SLICE_MILLIS = (\d+)$/m],
    [/or (\d+) messages\s+are handled/, "hot/dispatcher.ts", /^const INLINE_MESSAGES = (\d+)$/m],
    [/Up to (\d+) messages beyond/, "mailbox.ts", /^const AHEAD = (\d+)$/m],
    [/at most (\d+) wait for the one who asked/, "streaming.ts", /^export const WINDOW = (\d+)$/m],
    [/are stashed, (\d+) unless/, "localHost.ts", /^const STASH_CAPACITY = (\d+)$/m],
    [/at most `max`, (\d+) unless/, "aside.ts", /^const BATCH_MESSAGES = (\d+)$/m],
    [/oldest beyond\s+([\d,]+)\./, "system.ts", /^const DEAD_LETTERS_KEPT = (\d+)$/m]
  ]
  for (const [rule, file, constant] of numbers) {
    it(`counts as the source does: ${constant.source}`, () => {
      const [, said] = rule.exec(text)!
      const [, is] = constant.exec(read(`packages/runtime/src/internal/${file}`))!
      assert.strictEqual(Number(said!.replace(",", "")), Number(is))
    })
  }

  it("has the reasons that the source has", () => {
    const reasonsIn = (rule: string): Array<string> =>
      Array.from(
        text.slice(text.indexOf(`**${rule}**`), text.indexOf(`**S${Number(rule.slice(1)) + 1}**`)).matchAll(
          /^ {2}\| `(\w+)`/gm
        ),
        ([, reason]) => reason!
      ).sort()
    const deadLetters = /type Reason =((?:\s+\|? ?"\w+")+)/.exec(
      read("packages/runtime/src/DeadLetter.ts")
    )![1]!
    assert.deepStrictEqual(reasonsIn("S8"), Array.from(deadLetters.matchAll(/"(\w+)"/g), (m) => m[1]!).sort())
    const asks = /Reason = Schema\.Union\(\[([^\]]*)\]\)/.exec(read("packages/runtime/src/AskError.ts"))![1]!
    assert.deepStrictEqual(reasonsIn("S15"), Array.from(asks.matchAll(/\w+/g), ([name]) => name).sort())
  })
})

describe("architecture", () => {
  const source = join(root, "packages/runtime/src")
  const page = read("docs/architecture.md")
  const tables = page.slice(page.indexOf("## Which file"), page.indexOf("## What may"))
  const named = Array.from(tables.matchAll(/`([\w/*]+\.ts)`/g), ([, path]) => path!)

  it("says of every file of the runtime what it has", () => {
    const described = new Set(named.flatMap((path) => globSync(path, { cwd: source })))
    const files = globSync("**/*.ts", { cwd: source })
    assert.deepStrictEqual(files.filter((file) => !described.has(file)).sort(), [])
  })

  it("names no file that is not there, and none twice", () => {
    assert.deepStrictEqual(named.filter((path) => globSync(path, { cwd: source }).length === 0), [])
    assert.deepStrictEqual(named, Array.from(new Set(named)))
  })

  it.effect("draws arrows that the linter holds", () =>
    Effect.gen(function*() {
      const directory = mkdtempSync(join(tmpdir(), "troupe-arrows-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true })))
      cpSync(join(root, ".oxlintrc.json"), join(directory, ".oxlintrc.json"))
      const forbidden = [
        ["src/Barrel.ts", "effect"],
        ["src/OurBarrel.ts", "./index.ts"],
        ["src/Node.ts", "node:fs"],
        ["src/internal/platformNode.ts", "@effect/platform-node/NodeWorker"],
        ["src/internal/hot/effect.ts", "effect/Effect"],
        ["src/internal/hot/node.ts", "node:worker_threads"],
        ["src/internal/hot/up.ts", "../localRef.ts"]
      ] as const
      const allowed = [
        ["src/Public.ts", "effect/Effect"],
        ["src/internal/down.ts", "./hot/cell.ts"],
        ["src/internal/hot/beside.ts", "./cell.ts"],
        ["src/internal/platform/node.ts", "node:os"]
      ] as const
      for (const [file, imported] of [...forbidden, ...allowed]) {
        const path = join(directory, "packages/runtime", file)
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, `import * as Imported from "${imported}"\nexport const it = Imported\n`)
      }
      const oxlint = join(root, "node_modules/oxlint/bin/oxlint")
      const { said, stdout } = yield* command(directory, process.execPath, [oxlint, "--format", "unix"])
      for (const [file, imported] of forbidden) assert.include(stdout, file, `${imported}\n${said}`)
      for (const [file, imported] of allowed) assert.notInclude(stdout, file, `${imported}\n${said}`)
    }))
})
