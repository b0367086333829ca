/** Values as JSON, by their schemas, for those who only look at them. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"

/** A value as JSON, or why it has none. */
export type Encode = (value: unknown, context: Context.Context<never>) => Exit.Exit<Schema.Json, unknown>

/** What encodes values of a schema; it does not wait for anything. */
export const encoder = (schema: Schema.Top): Encode => {
  const encode = Schema.encodeUnknownEffect(Schema.toCodecJson(schema))
  return (value, context) =>
    Effect.runSyncExit(
      Effect.provideContext(Effect.suspend(() => encode(value)), context) as Effect.Effect<
        Schema.Json,
        unknown
      >
    )
}
