/**
 * The names of airports, by code.
 */
import * as Effect from "effect/Effect"
import * as Csv from "effect/encoding/Csv"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as InputFile from "./InputFile.ts"

const Airport = Schema.Struct({ iata: Schema.String, name: Schema.String })

/** Reads a CSV file that has the columns `iata` and `name`. */
export const names = (path: string): Effect.Effect<ReadonlyMap<string, string>, InputFile.InputError> =>
  Effect.scoped(Effect.gen(function*() {
    const file = yield* InputFile.open(path)
    const bytes = yield* file.read(0, file.size)
    const airports = yield* Stream.make(new TextDecoder().decode(bytes)).pipe(
      Stream.pipeThroughChannel(Csv.decodeSchemaString(Airport)({ headers: true, ignoreEmptyLines: true })),
      Stream.runCollect,
      Effect.mapError((error) => file.fail(`is not a list of airports: ${error.message}`))
    )
    return new Map(airports.map(({ iata, name }) => [iata, name]))
  }))
