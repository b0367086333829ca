/**
 * A directory of scenarios. Every file in it is one, named as the file is, so
 * that the names are known without importing anything.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import { isScenario, type Scenario } from "./Scenario.ts"

/** The scenarios of this package. */
export const defaultDirectory = new URL("./suites/", import.meta.url)

export class UnknownScenario extends Schema.TaggedError<UnknownScenario>()("UnknownScenario", {
  pattern: Schema.String
}) {
  override get message(): string {
    return `No scenario is called '${this.pattern}'; --list names them.`
  }
}

export class BadSuite extends Schema.TaggedError<BadSuite>()("BadSuite", {
  directory: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `Cannot read scenarios from ${this.directory}: ${this.reason}`
  }
}

/** The suite runs as TypeScript in the workspace and as JavaScript once compiled. */
const extension = /(?<!\.d)\.[tj]s$/

/** The names in `directory`, in order. */
export const names = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const files = yield* Effect.mapError(
    fs.readDirectory(directory),
    (error) => new BadSuite({ directory, reason: error.reason._tag })
  )
  return files.filter((file) => extension.test(file)).map((file) => file.replace(extension, "")).sort()
})

/**
 * The names that the patterns ask for, each once, in the suite's order. No
 * pattern asks for all. `*` stands for any characters and `?` for one.
 */
export const select = Effect.fnUntraced(function*(
  available: ReadonlyArray<string>,
  patterns: ReadonlyArray<string>
) {
  if (patterns.length === 0) {
    return available
  }
  const chosen = new Set<string>()
  for (const pattern of patterns) {
    const matches = available.filter(matcher(pattern))
    if (matches.length === 0) {
      return yield* new UnknownScenario({ pattern })
    }
    matches.forEach((name) => chosen.add(name))
  }
  return available.filter((name) => chosen.has(name))
})

/** Imports the scenario `name` of `directory`. */
export const load = Effect.fnUntraced(function*(directory: string, name: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const source = path.join(directory, `${name}.ts`)
  const file = (yield* fs.exists(source)) ? source : path.join(directory, `${name}.js`)
  const url = yield* path.toFileUrl(file)
  const module: { readonly default?: unknown } = yield* Effect.tryPromise({
    try: () => import(url.href),
    catch: (cause) => new BadSuite({ directory, reason: `${name}: ${String(cause)}` })
  })
  return isScenario(module.default)
    ? module.default satisfies Scenario
    : yield* new BadSuite({ directory, reason: `${name} does not export a scenario as its default` })
})

const matcher = (pattern: string): (name: string) => boolean => {
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")
  const expression = new RegExp(`^${source}$`)
  return (name) => expression.test(name)
}
