/**
 * How far a pass over the rows has got, on stderr: a bar that is redrawn on a terminal, a line now and then
 * elsewhere.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { count, rate } from "./report.ts"

/** Where progress goes; stderr unless it is said otherwise. */
export class Output extends Context.Reference<{
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly write: (text: string) => unknown
}>("flights/progress/Output", { defaultValue: () => process.stderr }) {}

export interface Progress {
  /** Tells of so many more rows. */
  readonly add: (rows: number) => void
}

/** How long a bar, and a line, is left to stand, in milliseconds. */
const barMillis = 50
const lineMillis = 500

/** The width of a terminal that does not tell it, or tells zero. */
const fallbackColumns = 80

const clearLine = "\r\u001B[K"

/** Shows progress until the scope closes, which takes the bar away. */
export const make = Effect.fnUntraced(function*(
  label: string,
  total: number
): Effect.fn.Return<Progress, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const output = yield* Output
  const start = clock.currentTimeMillisUnsafe()
  const interval = output.isTTY === true ? barMillis : lineMillis
  let shownAt = start - interval
  let rows = 0
  const show = (): void => {
    const now = clock.currentTimeMillisUnsafe()
    if (now - shownAt < interval && rows < total) return
    shownAt = now
    const state = { label, rows, total, millis: now - start }
    output.write(
      output.isTTY === true ? clearLine + bar(state, output.columns || fallbackColumns) : `${line(state)}\n`
    )
  }
  if (output.isTTY === true) {
    yield* Effect.addFinalizer(() => Effect.sync(() => output.write(clearLine)))
  }
  show()
  return {
    add: (more) => {
      rows += more
      show()
    }
  }
})

interface State {
  readonly label: string
  readonly rows: number
  readonly total: number
  readonly millis: number
}

/** As in `flights: 545,454 of 3,000,000 rows, 18%, 5.2 M rows/s`. */
export const line = ({ label, millis, rows, total }: State): string => {
  const percent = total === 0 ? 100 : Math.floor(rows / total * 100)
  const speed = rows === 0 || millis === 0 ? "" : `, ${rate(rows, millis, "rows")}`
  return `${label}: ${count(rows)} of ${count(total)} rows, ${percent}%${speed}`
}

/** The same behind a bar, in one line of a terminal that has so many columns. */
export const bar = (state: State, columns: number): string => {
  const width = 24
  const filled = state.total === 0 ? width : Math.floor(state.rows / state.total * width)
  return `[${"#".repeat(filled)}${"-".repeat(width - filled)}] ${line(state)}`.slice(0, columns - 1)
}
