/**
 * Why many asks together got too few answers.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Of several asks fewer were answered than were needed, and the others cannot make up for it.
 *
 * @category errors
 * @since 0.1.0
 */
export class QuorumError<out E = unknown> extends Schema.TaggedError<QuorumError>()("QuorumError", {
  /** How many answers were needed. */
  needed: Schema.Number,
  /** How many were asked for. */
  of: Schema.Number,
  /** How many had come. */
  answers: Schema.Number,
  /** Why the others did not, in the order in which they failed. */
  failures: Schema.Array(Schema.Unknown)
}) {
  declare readonly failures: ReadonlyArray<E>

  override get message(): string {
    const { answers, failures, needed } = this
    const first = failures[0]
    const why = first === undefined
      ? ""
      : `: ${first instanceof Error ? first.message || first.name : String(first)}`
    return `${answers} of ${this.of} answers came, and ${needed} were needed${why}`
  }
}
