import { assert, describe, it } from "@effect/vitest"
import { Cause } from "effect"
import * as fc from "fast-check"
import { decide, init } from "../src/internal/decide.ts"
import type { Command, Event, State, Verdict } from "../src/internal/decision.ts"
import { Erlang } from "./erlang.ts"

const ids = ["a", "b", "c", "d", "e"]
const spec = fc.record({
  restart: fc.constantFrom("permanent", "transient", "temporary"),
  significant: fc.boolean()
})

const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      _tag: fc.constant("exit"),
      /** Which of those that run. */
      nth: fc.nat(4),
      normal: fc.boolean(),
      directive: fc.constantFrom(
        ...Array.from({ length: 12 }, () => "restart"),
        "resume",
        "stop",
        "escalate"
      ),
      delay: fc.constantFrom(0, 0, 0, 0, 0, 0, 50, 50, 50, undefined)
    })
  },
  { weight: 6, arbitrary: fc.record({ _tag: fc.constant("retry") }) },
  {
    weight: 3,
    arbitrary: fc.record({ _tag: fc.constant("advance"), millis: fc.constantFrom(1, 50, 100, 101) })
  },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("start"), id: fc.constantFrom(...ids, "f"), spec }) },
  {
    weight: 2,
    arbitrary: fc.record({
      _tag: fc.constantFrom("restart", "terminate", "delete"),
      id: fc.constantFrom("a", "b", "c", ...ids)
    })
  },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("shutdown") }) }
)

const scenario = fc.record({
  strategy: fc.constantFrom("one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one"),
  intensity: fc.constantFrom(0, 1, 2, 3, 20),
  auto: fc.constantFrom("never", "any_significant", "all_significant"),
  specs: fc.array(spec, { maxLength: 5, size: "max" }),
  /** Which starts fail: rarely the first ones, or nothing ever begins. */
  failing: fc.array(fc.integer({ min: 4, max: 40 }), { maxLength: 8 }),
  failsAtOnce: fc.option(fc.nat(4), { freq: 8 }),
  actions: fc.array(action, { maxLength: 40, size: "max" })
})

type Scenario = typeof scenario extends fc.Arbitrary<infer A> ? A : never

/** What a supervisor does to the world, as text. */
class Trace {
  readonly lines: Array<string> = []
  private starts = 0
  private readonly failing: ReadonlySet<number>

  constructor({ failing, failsAtOnce }: Scenario) {
    this.failing = new Set(failsAtOnce === null ? failing : [...failing, failsAtOnce])
  }

  start(id: string): boolean {
    const up = !this.failing.has(this.starts++)
    this.lines.push(`${up ? "started" : "did not start"} ${id}`)
    return up
  }

  stop(id: string): void {
    this.lines.push(`stopped ${id}`)
  }

  resume(id: string): void {
    this.lines.push(`resumed ${id}`)
  }
}

const specsOf = ({ specs }: Scenario) => specs.map((spec, n) => ({ id: ids[n]!, ...spec } as const))

/** The machine with an interpreter that does everything at once. */
class Machine {
  state: State
  alive = true
  why = ""
  private readonly trace: Trace
  private readonly running = new Set<string>()
  private retries: Array<{ readonly id: string; readonly token: number }> = []
  private answer = ""
  now = 0

  constructor(trace: Trace, scenario: Scenario) {
    this.trace = trace
    const { commands, state } = init({
      strategy: scenario.strategy as never,
      restarts: scenario.intensity,
      withinMillis: 100,
      autoShutdown: scenario.auto as never
    }, specsOf(scenario) as never)
    this.state = state
    this.run(commands)
  }

  feed(event: Event): void {
    const { commands, state } = decide(this.state, event, this.now)
    this.state = state
    this.run(commands)
  }

  private run(commands: ReadonlyArray<Command>): void {
    commands.forEach((command, n) => {
      switch (command._tag) {
        case "Start":
          assert.strictEqual(n, commands.length - 1, "a start is the last command")
          assert.isFalse(this.running.has(command.id), "a child is not started twice")
          if (this.trace.start(command.id)) {
            this.running.add(command.id)
            return this.feed({ _tag: "Started", id: command.id })
          }
          return this.feed({
            _tag: "StartFailed",
            id: command.id,
            cause: Cause.die("start"),
            verdict: { directive: "restart", delayMillis: 0, whenDone: "escalate" }
          })
        case "Stop":
          if (this.running.delete(command.id)) this.trace.stop(command.id)
          return
        case "StopAll":
          for (const id of command.ids) if (this.running.delete(id)) this.trace.stop(id)
          return
        case "Resume":
          return this.trace.resume(command.id)
        case "Retry":
          this.retries.push(command)
          return
        case "Reply":
          this.answer = command.error?._tag ?? "ok"
          return
        case "Finish":
          this.alive = false
          this.why = command.outcome._tag
          assert.strictEqual(n, commands.length - 1, "finishing is the last command")
      }
    })
  }

  token(id: string): number {
    return this.state.slots.find(({ spec }) => spec.id === id)!.token
  }

  exit(id: string, cause: Cause.Cause<unknown> | undefined, verdict: Verdict): void {
    // What an older incarnation's end would do: nothing.
    this.unmoved({ _tag: "Ended", id, token: this.token(id) - 1, cause: Cause.die("old"), verdict })
    this.feed({ _tag: "Ended", id, token: this.token(id), cause, verdict })
  }

  tryAgain(): void {
    while (this.retries.length > 0) {
      const retry = this.retries.shift()!
      const slot = this.state.slots.find(({ spec }) => spec.id === retry.id)
      const due: Event = { ...retry, _tag: "Due" }
      if (slot?.status === "restarting" && slot.token === retry.token) return this.feed(due)
      this.unmoved(due)
    }
  }

  private unmoved(event: Event): void {
    assert.deepStrictEqual(decide(this.state, event, this.now), { state: this.state, commands: [] })
  }

  request(event: Event): string {
    this.answer = "none"
    this.feed(event)
    return this.answer
  }

  status(id: string): string | undefined {
    return this.state.slots.find(({ spec }) => spec.id === id)?.status
  }
}

const statuses = { running: "up", undefined: "down", restarting: "restarting" } as const
const outcomes: Record<string, string> = {
  "did not start": "DidNotStart",
  "escalated": "Escalated",
  "gave up": "GaveUp",
  "auto shutdown": "AutoShutdown",
  "shutdown": "Shutdown"
}

const compare = (scenario: Scenario): { readonly tried: number; readonly ended: string } => {
  const world = new Trace(scenario)
  const model = new Erlang(world, {
    strategy: scenario.strategy as never,
    intensity: scenario.intensity,
    period: 100,
    auto: scenario.auto as never
  })
  model.init(specsOf(scenario) as never)
  const trace = new Trace(scenario)
  const machine = new Machine(trace, scenario)
  const check = (step: string): void => {
    assert.deepStrictEqual(trace.lines, world.lines, step)
    assert.strictEqual(machine.alive, model.alive, step)
    if (!model.alive) return assert.strictEqual(machine.why, outcomes[model.why], step)
    assert.deepStrictEqual(
      machine.state.slots.map(({ spec, status }) => [spec.id, status]),
      model.children.map(({ id, pid }) => [id, statuses[pid]]),
      step
    )
  }
  check("init")
  for (const action of scenario.actions) {
    if (!model.alive) break
    switch (action._tag) {
      case "exit": {
        const running = model.children.filter(({ pid }) => pid === "running")
        if (running.length === 0) break
        const { id } = running[action.nth % running.length]!
        const { delay, normal } = action
        const directive = action.directive as Verdict["directive"]
        model.exit(id, normal, directive, delay)
        machine.exit(id, normal ? undefined : Cause.die("failed"), {
          directive,
          delayMillis: delay,
          whenDone: "escalate"
        })
        break
      }
      case "retry":
        model.tryAgain(model.now)
        machine.tryAgain()
        break
      case "advance":
        model.now += action.millis
        machine.now += action.millis
        break
      case "shutdown":
        model.terminate("shutdown")
        machine.feed({ _tag: "Shutdown" })
        break
      case "start": {
        const child = { id: action.id, ...action.spec } as never
        assert.strictEqual(
          machine.request({ _tag: "StartChild", spec: child, request: 0 }),
          model.startChild(child)
        )
        break
      }
      case "restart":
        assert.strictEqual(
          machine.request({ _tag: "RestartChild", id: action.id, request: 0 }),
          model.restartChild(action.id)
        )
        break
      case "terminate":
        assert.strictEqual(
          machine.request({ _tag: "TerminateChild", id: action.id, request: 0 }),
          model.terminateChild(action.id)
        )
        break
      case "delete":
        assert.strictEqual(
          machine.request({ _tag: "DeleteChild", id: action.id, request: 0 }),
          model.deleteChild(action.id)
        )
    }
    check(`${action._tag} ${JSON.stringify(action)}`)
  }
  return { tried: trace.lines.length, ended: machine.why }
}

describe("decide", () => {
  it("does what Erlang's supervisor does, whatever happens to its children", () => {
    // So that the property is not about supervisors that do nothing: every way to end is met.
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(scenario, (scenario) => {
        const { ended } = compare(scenario)
        seen.set(ended, (seen.get(ended) ?? 0) + 1)
      }),
      { numRuns: 10_000 }
    )
    for (const outcome of [...Object.values(outcomes), ""]) {
      assert.isAbove(seen.get(outcome) ?? 0, 10, outcome)
    }
  })
})
