/**
 * The source that is being generated for a plan: its constants, its functions,
 * and lines of code as they come. Nothing of a schema becomes text in it but
 * numbers; everything else is a constant `k0`, `k1` ... of the closure.
 */
import type { Plan, Sequence, Struct } from "./codecPlan.ts"
import { WireError } from "./hot/bytes.ts"

// V8 does not optimise functions beyond some 60 kilobytes of bytecode, and
// inlines no large ones: beyond this many nodes, the composite parts of a
// function become functions of their own.
const maxNodes = 48

const composite: ReadonlySet<Plan["_tag"]> = new Set(["Struct", "Sequence", "Union", "Choice", "Collection"])

const refused = new WireError("it was refused")

/** What the functions of one plan share. */
export class Source {
  private readonly constants = new Map<unknown, string>()
  private readonly functions: Array<string> = []
  private readonly pending: Array<() => void> = []
  private count = 0

  /** A constant of the closure. */
  constant(value: unknown): string {
    if (value === undefined || value === null || typeof value === "boolean") return String(value)
    // A Map takes it for zero.
    if (Object.is(value, -0)) return "-0"
    let name = this.constants.get(value)
    if (name === undefined) this.constants.set(value, name = `k${this.constants.size}`)
    return name
  }

  fresh(prefix: string): string {
    return `${prefix}${this.count++}`
  }

  /** Adds a function, now. */
  add(text: string): void {
    this.functions.push(text)
  }

  /** Adds functions, when the present one is done. */
  later(emit: () => void): void {
    this.pending.push(emit)
  }

  /** Compiles it; `result` is the expression that the closure returns. */
  build(result: string, mutate: (source: string) => string): unknown {
    for (let emit = this.pending.pop(); emit !== undefined; emit = this.pending.pop()) emit()
    const source = `"use strict"\n${this.functions.join("\n")}\nreturn ${result}`
    // oxlint-disable-next-line typescript/no-implied-eval -- what all this is for
    return new Function(...this.constants.values(), mutate(source))(...this.constants.keys())
  }
}

/** Writes functions of one kind, a line at a time. */
export abstract class Emitter {
  protected readonly source: Source
  private readonly known = new Map<Plan, string>()
  private lines: Array<string> = []
  protected nodes = 0

  constructor(source: Source) {
    this.source = source
  }

  protected k(value: unknown): string {
    return this.source.constant(value)
  }

  protected fresh(prefix: string): string {
    return this.source.fresh(prefix)
  }

  protected line(text: string): void {
    this.lines.push(text)
  }

  /** A new name for the value of an expression. */
  protected bind(expression: string): string {
    const name = this.fresh("x")
    this.line(`const ${name} = ${expression}`)
    return name
  }

  protected refuseIf(condition: string): void {
    this.line(`if (${condition}) throw ${this.k(refused)}`)
  }

  protected refuse(): void {
    this.line(`throw ${this.k(refused)}`)
  }

  protected function(
    plan: Plan,
    prefix: string,
    parameters: string,
    body: () => void
  ): string {
    let name = this.known.get(plan)
    if (name === undefined) {
      this.known.set(plan, name = this.fresh(prefix))
      const declared = name
      this.source.later(() => {
        this.lines = []
        this.nodes = 0
        body()
        this.source.add(`function ${declared}(${parameters}) {\n${this.lines.join("\n")}\n}`)
      })
    }
    return name
  }

  /** Whether a part belongs into a function of its own. */
  protected isApart(plan: Plan, root: boolean): boolean {
    this.nodes++
    return !root && this.nodes > maxNodes && composite.has(plan._tag)
  }

  protected switch<A>(place: string, cases: ReadonlyArray<A>, body: (each: A, place: number) => void): void {
    this.line(`switch (${place}) {`)
    cases.forEach((each, i) => {
      this.line(`case ${i}: {`)
      body(each, i)
      this.line("break }")
    })
    this.line("}")
  }

  /** What a number must not be beyond being none, as `|| ...`. */
  protected floatGuard(plan: { readonly finite: boolean; readonly integer: boolean }, x: string): string {
    return plan.integer
      ? ` || !${this.k(Number.isSafeInteger)}(${x})`
      : plan.finite
      ? ` || ${x} - ${x} !== 0`
      : ""
  }
}

/** A record with string keys of every kind, beside fields or not: what most are. */
export const isPlainRecord = (plan: Struct): boolean =>
  plan.signatures.length === 1 && plan.signatures[0]!.matches === undefined && !plan.signatures[0]!.symbols

export const isPlainArray = (plan: Sequence): plan is Sequence & { readonly rest: Plan } =>
  plan.rest !== undefined && plan.elements.length === 0 && plan.tail.length === 0
