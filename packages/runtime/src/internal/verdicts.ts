/** What is made of many answers: all of them, enough of them, or one value. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type * as Reducer from "effect/Reducer"
import * as Result from "effect/Result"
import type { AskError } from "../AskError.ts"
import { QuorumError } from "../QuorumError.ts"
import { type Answer, type AnyEffect, tooLate, type Verdict } from "./gather.ts"

/** All must succeed. */
export class All implements Verdict {
  done = 0
  private readonly values: Array<unknown>

  constructor(count: number) {
    this.values = Array.from({ length: count })
  }

  answered(index: number, exit: Answer): Answer | undefined {
    if (Exit.isFailure(exit)) return exit
    this.values[index] = exit.value
    this.done++
    return undefined
  }

  complete(): Answer {
    return Exit.succeed(this.values)
  }

  expired(_: number, late: AskError): Answer {
    return Exit.fail(late)
  }
}

/** All are waited for, and how each ended is the result; a defect is nobody's answer. */
export class Settled implements Verdict {
  done = 0
  private readonly questions: ReadonlyArray<AnyEffect>
  private readonly values: Array<Result.Result<unknown, unknown> | undefined>

  constructor(questions: ReadonlyArray<AnyEffect>) {
    this.questions = questions
    this.values = Array.from({ length: questions.length })
  }

  answered(index: number, exit: Answer): Answer | undefined {
    if (Exit.isSuccess(exit)) {
      this.values[index] = Result.succeed(exit.value)
    } else {
      const error = Cause.findError(exit.cause)
      if (error._tag === "Failure") return exit
      this.values[index] = Result.fail(error.success)
    }
    this.done++
    return undefined
  }

  complete(): Answer {
    return Exit.succeed(this.values)
  }

  expired(millis: number): Answer {
    return Exit.succeed(
      this.values.map((value, index) => value ?? Result.fail(tooLate(this.questions[index], millis)))
    )
  }
}

/** So many must succeed, whichever; no answer that comes later can change that they did, or cannot. */
export class Quorum implements Verdict {
  done = 0
  private readonly count: number
  private readonly needed: number
  private readonly answers: Array<unknown> = []
  private readonly failures: Array<unknown> = []

  constructor(count: number, needed: number) {
    this.count = count
    this.needed = needed
  }

  answered(_: number, exit: Answer): Answer | undefined {
    this.done++
    if (Exit.isSuccess(exit)) {
      this.answers.push(exit.value)
      return this.answers.length === this.needed ? this.complete() : undefined
    }
    const error = Cause.findError(exit.cause)
    if (error._tag === "Failure") return exit
    this.failures.push(error.success)
    return this.count - this.failures.length < this.needed ? this.complete() : undefined
  }

  complete(): Answer {
    const { answers, failures, needed } = this
    if (answers.length >= needed) return Exit.succeed(answers)
    return Exit.fail(new QuorumError({ needed, of: this.count, answers: answers.length, failures }))
  }

  expired(_: number, late: AskError): Answer {
    return Exit.fail(late)
  }
}

/** One value of all answers, combined in the order in which they were asked for, or in which they come. */
export class Reduction implements Verdict {
  done = 0
  value: unknown
  private readonly reducer: Reducer.Reducer<unknown>
  /** Answers that came before those that were asked for earlier; undefined where the order does not matter. */
  private readonly early: Map<number, unknown> | undefined

  constructor(reducer: Reducer.Reducer<unknown>, unordered: boolean) {
    this.reducer = reducer
    this.value = reducer.initialValue
    this.early = unordered ? undefined : new Map()
  }

  answered(index: number, exit: Answer): Answer | undefined {
    if (Exit.isFailure(exit)) return exit
    const { early } = this
    try {
      if (early !== undefined && index !== this.done) {
        early.set(index, exit.value)
        return undefined
      }
      this.add(exit.value)
      if (early !== undefined) this.catchUp(early)
      return undefined
    } catch (defect) {
      return Exit.die(defect)
    }
  }

  complete(): Answer {
    return Exit.succeed(this.value)
  }

  expired(_: number, late: AskError): Answer {
    return Exit.fail(late)
  }

  private catchUp(early: Map<number, unknown>): void {
    while (early.has(this.done)) {
      const next = early.get(this.done)
      early.delete(this.done)
      this.add(next)
    }
  }

  private add(value: unknown): void {
    this.value = this.reducer.combine(this.value, value)
    this.done++
  }
}
