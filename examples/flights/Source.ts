/**
 * Where flights come from: a Parquet or a CSV file, read a group of rows at a time.
 *
 * `inspect` looks at a file once and gives a `Plan`: plain data that says which groups of rows there are. A
 * plan can be cut, shared out, and sent to another thread; `open` makes a reader of it on whichever thread
 * the rows are wanted, and each group can be read there on its own, in any order.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Columns from "./Columns.ts"
import * as Csv from "./Csv.ts"
import * as InputFile from "./InputFile.ts"
import * as Parquet from "./Parquet.ts"

/** A run of rows that is read at once. */
export const Group = Schema.Struct({
  /** The position in the file of the first row, counted from 0. */
  firstRow: Schema.Int,
  rows: Schema.Int,
  /** Where in the file its bytes begin. */
  start: Schema.Int,
  /** Where in the file its bytes end; the byte there is no longer part of it. */
  end: Schema.Int
})

export interface Group extends Schema.Schema.Type<typeof Group> {}

export const Plan = Schema.Struct({
  path: Schema.String,
  format: Schema.Literals(["parquet", "csv"]),
  /** The names of the file's columns, in its order. */
  header: Schema.Array(Schema.String),
  rows: Schema.Int,
  groups: Schema.Array(Group)
})

export interface Plan extends Schema.Schema.Type<typeof Plan> {}

/** A row that is no flight, when none may be skipped. */
export class BadRow extends Schema.TaggedError<BadRow>()("BadRow", {
  path: Schema.String,
  /** Counted from 1; in a CSV file the header does not count. */
  row: Schema.Int,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.path}: row ${this.row}: ${this.reason}`
  }
}

export interface Reader {
  /** The flights of one group of the plan. */
  readonly read: (group: Group) => Effect.Effect<Columns.Columns, InputFile.InputError | BadRow>
}

const parquetMagic = "PAR1"

/** Looks at a file: which format it is, by its content, and which groups of rows it has. */
export const inspect = (path: string): Effect.Effect<Plan, InputFile.InputError> =>
  Effect.scoped(Effect.gen(function*() {
    const file = yield* InputFile.open(path)
    const magic = yield* file.read(0, parquetMagic.length)
    const isParquet = new TextDecoder("latin1").decode(magic) === parquetMagic
    const { groups, header } = yield* (isParquet ? Parquet.inspect(file) : Csv.inspect(file))
    const rows = groups.reduce((rows, group) => rows + group.rows, 0)
    return { path, format: isParquet ? "parquet" as const : "csv" as const, header, rows, groups }
  }))

/** The plan for the first `rows` rows only. */
export const take = (plan: Plan, rows: number): Plan => {
  const groups = plan.groups
    .filter((group) => group.firstRow < rows)
    .map((group) => ({ ...group, rows: Math.min(group.rows, rows - group.firstRow) }))
  return { ...plan, rows: Math.min(plan.rows, rows), groups }
}

/** A reader of a plan's groups, on the thread that opens it. With `strict`, a row that is no flight fails. */
export const open = Effect.fnUntraced(function*(
  plan: Plan,
  options: { readonly strict: boolean }
): Effect.fn.Return<Reader, InputFile.InputError, Scope.Scope> {
  const file = yield* InputFile.open(plan.path)
  const read = yield* (plan.format === "parquet" ? Parquet.open(file) : Csv.open(file, plan.header))
  return {
    read: Effect.fnUntraced(function*(group: Group) {
      const columns = yield* read(group)
      const rows = columns.skipped.reduce((rows, { count }) => rows + count, columns.length)
      if (rows !== group.rows) return yield* file.fail(`ends at row ${group.firstRow + rows}, too early`)
      if (options.strict && columns.firstSkipped !== undefined) {
        return yield* new BadRow({ path: plan.path, ...columns.firstSkipped })
      }
      return columns
    })
  }
})

/**
 * The first row, in the order of the file, that is no flight. Threads that read groups side by side find
 * some bad row first; this finds the one to report.
 */
export const firstBadRow = (plan: Plan): Effect.Effect<BadRow | undefined, InputFile.InputError> =>
  Effect.gen(function*() {
    const reader = yield* open(plan, { strict: true })
    for (const group of plan.groups) yield* reader.read(group)
    return undefined
  }).pipe(
    Effect.scoped,
    Effect.catchTag("BadRow", (bad) => Effect.succeed(bad))
  )
