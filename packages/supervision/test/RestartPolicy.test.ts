import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, Schedule } from "effect"
import * as fc from "fast-check"
import { RestartPolicy } from "../src/index.ts"

class Timeout extends Data.TaggedError("Timeout")<{ readonly after: number }> {}
class Corrupt extends Data.TaggedError("Corrupt") {}

const causes = {
  timeout: Cause.fail(new Timeout({ after: 5 })),
  corrupt: Cause.fail(new Corrupt()),
  untagged: Cause.fail("no tag"),
  defect: Cause.die(new TypeError("bug")),
  interrupted: Cause.interrupt(1),
  nothing: Cause.empty,
  both: Cause.combine(Cause.fail(new Timeout({ after: 1 })), Cause.die(new RangeError("also"))),
  whileInterrupted: Cause.combine(Cause.interrupt(1), Cause.die(new RangeError("in a finalizer")))
} as const

type Name = keyof typeof causes
const names = Object.keys(causes) as ReadonlyArray<Name>

/** What a policy says about each of the causes; those that it leaves open are left out. */
const table = (policy: RestartPolicy.RestartPolicy): Partial<Record<Name, RestartPolicy.Directive>> => {
  const said: Partial<Record<Name, RestartPolicy.Directive>> = {}
  for (const name of names) {
    const verdict = policy.decide(causes[name])
    if (verdict !== undefined) said[name] = verdict.directive
  }
  return said
}

const all = (directive: RestartPolicy.Directive): Partial<Record<Name, RestartPolicy.Directive>> =>
  Object.fromEntries(names.map((name) => [name, directive]))

describe("RestartPolicy", () => {
  describe("rules", () => {
    const rules: ReadonlyArray<
      readonly [string, RestartPolicy.RestartPolicy, Partial<Record<Name, RestartPolicy.Directive>>]
    > = [
      ["open leaves all open", RestartPolicy.open, {}],
      ["restart is for all", RestartPolicy.restart, all("restart")],
      ["stop is for all", RestartPolicy.stop, all("stop")],
      ["escalate is for all", RestartPolicy.escalate, all("escalate")],
      ["resume is for crashes on purpose alone", RestartPolicy.resume, {
        timeout: "resume",
        corrupt: "resume",
        untagged: "resume"
      }],
      ["a tag is looked for among all reasons", RestartPolicy.tag("Timeout", "stop"), {
        timeout: "stop",
        both: "stop"
      }],
      ["tags are rules side by side", RestartPolicy.tags({ Timeout: "resume", Corrupt: "escalate" }), {
        timeout: "resume",
        corrupt: "escalate"
      }],
      ["failure is for any error", RestartPolicy.failure("stop"), {
        timeout: "stop",
        corrupt: "stop",
        untagged: "stop",
        both: "stop"
      }],
      [
        "failure with a predicate is for those errors",
        RestartPolicy.failure("stop", (error) => error === "no tag"),
        { untagged: "stop" }
      ],
      ["defect is for what was thrown", RestartPolicy.defect("escalate"), {
        defect: "escalate",
        both: "escalate",
        whileInterrupted: "escalate"
      }],
      [
        "defect with a predicate is for those",
        RestartPolicy.defect("stop", (defect) => defect instanceof TypeError),
        { defect: "stop" }
      ],
      ["interrupt is for interruption and nothing else", RestartPolicy.interrupt("stop"), {
        interrupted: "stop"
      }],
      ["a policy may be what a rule says", RestartPolicy.defect(RestartPolicy.defect("stop")), {
        defect: "stop",
        both: "stop",
        whileInterrupted: "stop"
      }],
      [
        "a rule's policy may leave open what the rule is for",
        RestartPolicy.failure(RestartPolicy.tag("Corrupt", "stop")),
        { corrupt: "stop" }
      ],
      [
        "a function that throws leaves open",
        RestartPolicy.make((cause) => {
          if (Cause.hasDies(cause)) throw new Error("no")
          return "stop"
        }),
        { timeout: "stop", corrupt: "stop", untagged: "stop", interrupted: "stop", nothing: "stop" }
      ]
    ]
    for (const [sentence, policy, expected] of rules) {
      it(sentence, () => assert.deepStrictEqual(table(policy), expected))
    }
  })

  describe("orElse", () => {
    const policies = fc.constantFrom<RestartPolicy.RestartPolicy>(
      RestartPolicy.open,
      RestartPolicy.resume,
      RestartPolicy.stop,
      RestartPolicy.tag("Timeout", "escalate"),
      RestartPolicy.defect("restart"),
      RestartPolicy.interrupt("stop"),
      RestartPolicy.restart
    )
    const same = (a: RestartPolicy.RestartPolicy, b: RestartPolicy.RestartPolicy): void =>
      assert.deepStrictEqual(table(a), table(b))

    it("does not depend on where the parentheses are", () => {
      fc.assert(fc.property(policies, policies, policies, (a, b, c) => {
        same(
          a.pipe(RestartPolicy.orElse(b), RestartPolicy.orElse(c)),
          a.pipe(RestartPolicy.orElse(b.pipe(RestartPolicy.orElse(c))))
        )
        same(RestartPolicy.firstOf(a, b, c), a.pipe(RestartPolicy.orElse(b), RestartPolicy.orElse(c)))
      }))
    })

    it("has `open` for its identity", () => {
      fc.assert(fc.property(policies, (a) => {
        same(RestartPolicy.orElse(a, RestartPolicy.open), a)
        same(RestartPolicy.orElse(RestartPolicy.open, a), a)
      }))
    })

    it("asks the second only about what the first leaves open (S100)", () => {
      assert.deepStrictEqual(
        table(RestartPolicy.tag("Timeout", "resume").pipe(RestartPolicy.orElse("stop"))),
        // The crash with a defect beside it cannot be resumed: it falls through.
        { ...all("stop"), timeout: "resume" }
      )
    })
  })

  describe("decide", () => {
    it("is total: what all leave open restarts (S100)", () => {
      for (const name of names) {
        assert.deepStrictEqual(RestartPolicy.decide(RestartPolicy.open, causes[name]), {
          directive: "restart",
          backoff: undefined
        })
      }
    })
  })

  describe("withSchedule", () => {
    const schedule = Schedule.exponential("100 millis")

    it("is for restarts, and a schedule that is there already stays", () => {
      const inner = Schedule.spaced("1 second")
      const policy = RestartPolicy.firstOf(
        RestartPolicy.tag("Timeout", RestartPolicy.restart.pipe(RestartPolicy.withSchedule(inner))),
        RestartPolicy.tag("Corrupt", "stop"),
        RestartPolicy.restart
      ).pipe(RestartPolicy.withSchedule(schedule, { whenDone: "stop", resetAfter: "2 seconds" }))
      assert.deepStrictEqual(policy.decide(causes.timeout)?.backoff, {
        schedule: inner,
        resetAfterMillis: 60_000,
        whenDone: "escalate"
      })
      assert.deepStrictEqual(policy.decide(causes.corrupt), { directive: "stop", backoff: undefined })
      assert.deepStrictEqual(policy.decide(causes.defect)?.backoff, {
        schedule,
        resetAfterMillis: 2000,
        whenDone: "stop"
      })
    })

    it("gives one policy the same steps for all causes: the backoff is one value", () => {
      const policy = RestartPolicy.withSchedule(RestartPolicy.restart, schedule)
      assert.strictEqual(policy.decide(causes.timeout)?.backoff, policy.decide(causes.defect)?.backoff)
    })
  })
})
