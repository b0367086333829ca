/**
 * A plan turned into code: one function that writes and one that reads, with
 * the fields in line, one bounds check for each run of fields of fixed size,
 * and property accesses that V8 caches. Parts that refer to themselves, and
 * parts beyond a size V8 still optimises, are functions of their own.
 *
 * No text of a schema becomes code: names, literals and functions are constants
 * `k0`, `k1` ... of the closure around it, and what the source itself is made of
 * is numbers and names made here. An object is built by a constructor whose
 * prototype is Object's, which V8 gives a shape at once; measured, it is as fast
 * as a literal with the names written out (5 to 15 ns), where a literal with
 * computed names is twice as slow.
 *
 * The code refuses without saying why; the interpreter, asked again, says it.
 */
import { readDynamic, writeDynamic } from "./codecDynamic.ts"
import { read, symbolKey, write } from "./codecInterpreter.ts"
import {
  type Choice,
  type Collection,
  elementSize,
  fixedSize,
  hasCount,
  type Int,
  isPadded,
  placeSize,
  type Plan,
  type Ref,
  type Sequence,
  type Struct,
  type Union
} from "./codecPlan.ts"
import { select } from "./codecUnion.ts"
import {
  type Bytes,
  cursor,
  readBigInt,
  readLength,
  readOctets,
  readString,
  WireError,
  writeBigInt,
  writeLength,
  writeOctets,
  writeString
} from "./hot/bytes.ts"
import { getKey, hasKey, isInherited, setKey } from "./hot/record.ts"

/** As the interpreter's two functions, for one plan. */
export interface Generated {
  readonly write: (value: any, bytes: Bytes, o: number, limit: number, depth: number) => number
  readonly read: (bytes: Bytes, p: number, end: number, depth: number) => any
}

/**
 * Code for a plan, or undefined where code cannot be generated. `mutate` is for
 * the tests of the tests: it breaks the source, and they must notice.
 */
export const generate = (plan: Plan, mutate?: (source: string) => string): Generated | undefined =>
  canGenerate() ? new Generator().generate(plan, mutate) : undefined

// A page's Content-Security-Policy, or Node's --disallow-code-generation-from-strings,
// forbids it for good; asked once, when first needed.
let allowed: boolean | undefined
const canGenerate = (): boolean => {
  if (allowed === undefined) {
    try {
      // oxlint-disable-next-line typescript/no-implied-eval -- this asks whether it may
      allowed = new Function("return true")() === true
    } catch {
      allowed = false
    }
  }
  return allowed
}

// V8 does not optimise functions beyond some 60 kilobytes of bytecode, and
// inlines no large ones: beyond this many nodes, the composite parts of a
// function become functions of their own.
const maxNodes = 48

const refused = new WireError("it was refused")
const absent = Symbol("absent")

class Generator {
  private readonly constants = new Map<unknown, string>()
  private readonly sources: Array<string> = []
  private readonly writers = new Map<Plan, string>()
  private readonly readers = new Map<Plan, string>()
  private readonly constructors = new Map<Struct, string>()
  private readonly pending: Array<() => void> = []
  private count = 0
  private nodes = 0
  private lines: Array<string> = []

  generate(plan: Plan, mutate: (source: string) => string = (source) => source): Generated {
    const writer = this.writer(plan)
    const reader = this.reader(plan)
    for (let emit = this.pending.pop(); emit !== undefined; emit = this.pending.pop()) emit()
    const source = `"use strict"\n${this.sources.join("\n")}\nreturn { write: ${writer}, read: ${reader} }`
    // oxlint-disable-next-line typescript/no-implied-eval -- what the file is for; see its head
    const build = new Function(...this.constants.values(), mutate(source))
    return build(...this.constants.keys()) as Generated
  }

  // -- names and lines -------------------------------------------------------

  /** A constant of the closure. */
  private k(value: unknown): string {
    if (value === undefined || value === null || typeof value === "boolean") return String(value)
    let name = this.constants.get(value)
    if (name === undefined) this.constants.set(value, name = `k${this.constants.size}`)
    return name
  }

  private fresh(prefix: string): string {
    return `${prefix}${this.count++}`
  }

  private line(text: string): void {
    this.lines.push(text)
  }

  /** A new name for the value of an expression. */
  private bind(expression: string): string {
    const name = this.fresh("x")
    this.line(`const ${name} = ${expression}`)
    return name
  }

  private refuseIf(condition: string): void {
    this.line(`if (${condition}) throw ${this.k(refused)}`)
  }

  private refuse(): void {
    this.line(`throw ${this.k(refused)}`)
  }

  // -- functions -------------------------------------------------------------

  private writer(plan: Plan): string {
    return this.function(this.writers, plan, "w", "v, b, o, limit, d", () => {
      this.line("const u8 = b.u8, dv = b.view")
      this.write(plan, "v", true)
      this.line("return o")
    })
  }

  private reader(plan: Plan): string {
    return this.function(this.readers, plan, "r", "b, p, end, d", () => {
      this.line("const u8 = b.u8, dv = b.view")
      const value = this.read(plan, true)
      this.line(`${this.k(cursor)}.p = p`)
      this.line(`return ${value}`)
    })
  }

  private function(
    known: Map<Plan, string>,
    plan: Plan,
    prefix: string,
    parameters: string,
    body: () => void
  ): string {
    let name = known.get(plan)
    if (name === undefined) {
      known.set(plan, name = this.fresh(prefix))
      const declared = name
      this.pending.push(() => {
        this.lines = []
        this.nodes = 0
        body()
        this.sources.push(`function ${declared}(${parameters}) {\n${this.lines.join("\n")}\n}`)
      })
    }
    return name
  }

  /** Whether a part belongs into a function of its own. */
  private isApart(plan: Plan, root: boolean): boolean {
    this.nodes++
    return !root && this.nodes > maxNodes && composite.has(plan._tag)
  }

  private callWriter(name: string, x: string, depth: string): void {
    this.line(`o = ${name}(${x}, b, o, limit, ${depth})`)
    this.line("if (o < 0) return -1")
  }

  private callReader(name: string, depth: string): string {
    const value = this.bind(`${name}(b, p, end, ${depth})`)
    this.line(`p = ${this.k(cursor)}.p`)
    return value
  }

  // -- writing ---------------------------------------------------------------

  /** Writes at `o` and moves it. */
  private write(plan: Plan, x: string, root = false): void {
    const size = fixedSize(plan)
    if (size === undefined) {
      if (this.isApart(plan, root)) this.callWriter(this.writer(plan), x, "d")
      else this.writeVarying(plan, x)
      return
    }
    this.reserve(size)
    this.writeFixed(plan, x, 0)
    if (size > 0) this.line(`o += ${size}`)
  }

  private reserve(size: number): void {
    if (size > 0) this.line(`if (o + ${size} > limit) return -1`)
  }

  /** Writes at `o + at`, which is within what is reserved. */
  private writeFixed(plan: Plan, x: string, at: number): void {
    this.nodes++
    switch (plan._tag) {
      case "Bool":
        this.refuseIf(`typeof ${x} !== "boolean"`)
        return this.line(`u8[o + ${at}] = ${x} ? 1 : 0`)
      case "Float":
        this.refuseIf(`typeof ${x} !== "number"${this.floatGuard(plan, x)}`)
        return this.line(`dv.setFloat64(o + ${at}, ${x}, true)`)
      case "Int":
        return this.writeInt(plan, x, at)
      case "Const":
        return plan.lenient ? undefined : this.refuseIf(`${x} !== ${this.k(plan.value)}`)
      case "Never":
        return this.refuse()
      case "Enum":
        return this.writePlace(
          this.placeOf(plan.values, x, () => `${this.k(plan.places)}.get(${x})`),
          plan.values.length,
          at
        )
      case "Convert":
        return this.writeFixed(plan.plan, this.bind(`${this.k(plan.to)}(${x})`), at)
      case "Check":
        return this.writeFixed(plan.plan, x, at)
      case "Struct":
        this.guardObject(x)
        let offset = at
        for (const field of plan.fields) {
          this.writeFixed(field.plan, this.required(x, field), offset)
          offset += fixedSize(field.plan)!
        }
        return
      case "Sequence":
        this.guardTuple(plan, x)
        let place = at
        plan.elements.forEach((element, i) => {
          if (isPadded(element)) this.line(`u8[o + ${place}] = 0`)
          this.writeFixed(element, this.bind(`${x}[${i}]`), isPadded(element) ? place + 1 : place)
          place += isPadded(element) ? 1 : fixedSize(element)!
        })
        return
      case "Union": {
        const member = this.select(plan, x)
        this.writePlace(member, plan.members.length, at)
        return this.switch(
          member,
          plan.members,
          ({ plan: content }) => this.writeFixed(content, x, at + placeSize(plan.members.length))
        )
      }
    }
  }

  private floatGuard(plan: { readonly finite: boolean; readonly integer: boolean }, x: string): string {
    return plan.integer
      ? ` || !${this.k(Number.isSafeInteger)}(${x})`
      : plan.finite
      ? ` || ${x} - ${x} !== 0`
      : ""
  }

  private writeInt(plan: Int, x: string, at: number): void {
    // Minus zero passes, and is told apart below.
    const integer = plan.max <= 0x7fffffff ? `(${x} | 0) !== ${x}` : `(${x} >>> 0) !== ${x}`
    this.refuseIf(`${integer} || ${x} < ${plan.min} || ${x} > ${plan.max}`)
    const code = plan.minusZero === undefined ? x : `(${x} === 0 && 1 / ${x} < 0 ? ${plan.minusZero} : ${x})`
    if (plan.width === 1) this.line(`u8[o + ${at}] = ${code}`)
    else this.line(`dv.setUint${plan.width * 8}(o + ${at}, ${code}, true)`)
  }

  private writePlace(place: string, count: number, at: number): void {
    this.line(placeSize(count) === 1 ? `u8[o + ${at}] = ${place}` : `dv.setUint16(o + ${at}, ${place}, true)`)
  }

  /** The place of a value in a list; refuses another. */
  private placeOf(values: ReadonlyArray<unknown>, x: string, lookUp: () => string): string {
    if (values.length > 8) {
      const place = this.bind(lookUp())
      this.refuseIf(`${place} === undefined`)
      return place
    }
    const place = this.bind(values.map((value, i) => `${x} === ${this.k(value)} ? ${i} : `).join("") + "-1")
    this.refuseIf(`${place} < 0`)
    return place
  }

  private guardObject(x: string): void {
    this.refuseIf(`typeof ${x} !== "object" || ${x} === null || ${this.k(Array.isArray)}(${x})`)
  }

  private guardTuple(plan: Sequence, x: string): void {
    this.refuseIf(`!${this.k(Array.isArray)}(${x}) || ${x}.length !== ${plan.elements.length}`)
  }

  /** The value of a field that must be there. */
  private required(x: string, field: Struct["fields"][number]): string {
    const value = this.bind(this.property(x, field.name))
    if (takesUndefined(field.plan)) this.refuseIf(`${value} === undefined && !${this.isThere(x, field.name)}`)
    return value
  }

  private property(x: string, name: PropertyKey): string {
    return isInherited(name) ? `${this.k(getKey)}(${x}, ${this.k(name)})` : `${x}[${this.k(name)}]`
  }

  private isThere(x: string, name: PropertyKey): string {
    return isInherited(name) ? `${this.k(hasKey)}(${x}, ${this.k(name)})` : `(${this.k(name)} in ${x})`
  }

  private writeVarying(plan: Plan, x: string): void {
    switch (plan._tag) {
      case "Text":
        this.refuseIf(`typeof ${x} !== "string"`)
        return this.writeBy(writeString, "u8", x)
      case "Symbol":
        return this.writeBy(writeString, "u8", `${this.k(symbolKey)}(${x})`)
      case "Big":
        this.refuseIf(`typeof ${x} !== "bigint"`)
        return this.writeBy(writeBigInt, "b", x)
      case "Octets":
        this.refuseIf(`!(${x} instanceof ${this.k(Uint8Array)})`)
        return this.writeBy(writeOctets, "u8", x)
      case "Dynamic":
        this.line(`o = ${this.k(writeDynamic)}(b, ${x}, o, limit, ${plan.json}, d)`)
        return this.line("if (o < 0) return -1")
      case "Convert":
        return this.write(plan.plan, this.bind(`${this.k(plan.to)}(${x})`))
      case "Check":
        return this.write(plan.plan, x)
      case "Ref":
        this.refuseIf("d <= 0")
        return this.callWriter(this.writer(target(plan)), x, "d - 1")
      case "Struct":
        return this.writeStruct(plan, x)
      case "Sequence":
        return this.writeSequence(plan, x)
      case "Union": {
        const member = this.select(plan, x)
        this.reserve(placeSize(plan.members.length))
        this.writePlace(member, plan.members.length, 0)
        this.line(`o += ${placeSize(plan.members.length)}`)
        return this.switch(member, plan.members, ({ plan: content }) => this.write(content, x))
      }
      case "Choice":
        return this.writeChoice(plan, x)
      case "Collection":
        return this.writeCollection(plan, x)
    }
  }

  private writeBy(primitive: unknown, bytes: string, x: string): void {
    this.line(`o = ${this.k(primitive)}(${bytes}, ${x}, o, limit)`)
    this.line("if (o < 0) return -1")
  }

  /** What is too rare to be worth code. */
  private writeByWalking(plan: Plan, x: string): void {
    this.line(`o = ${this.k(write)}(${this.k(plan)}, ${x}, b, o, limit, d)`)
    this.line("if (o < 0) return -1")
  }

  private writeStruct(plan: Struct, x: string): void {
    if (plan.signatures.length > 0 && !isPlainRecord(plan)) return this.writeByWalking(plan, x)
    this.guardObject(x)
    const optionals = this.writeBitmap(plan, x)
    let run: Array<Struct["fields"][number]> = []
    const flush = () => {
      const size = run.reduce((sum, field) => sum + fixedSize(field.plan)!, 0)
      this.reserve(size)
      let at = 0
      for (const field of run) {
        this.writeFixed(field.plan, this.required(x, field), at)
        at += fixedSize(field.plan)!
      }
      if (size > 0) this.line(`o += ${size}`)
      run = []
    }
    for (const field of plan.fields) {
      const optional = optionals.get(field)
      if (optional === undefined && fixedSize(field.plan) !== undefined) {
        run.push(field)
        continue
      }
      flush()
      if (optional === undefined) this.write(field.plan, this.required(x, field))
      else {
        this.line(`if (${optional.there}) {`)
        this.write(field.plan, optional.value)
        this.line("}")
      }
    }
    flush()
    if (isPlainRecord(plan)) this.writeRecord(plan, x)
  }

  private writeBitmap(
    plan: Struct,
    x: string
  ): Map<Struct["fields"][number], { readonly value: string; readonly there: string }> {
    const optionals = new Map<Struct["fields"][number], { readonly value: string; readonly there: string }>()
    if (plan.optionals === 0) return optionals
    const bytes: Array<Array<string>> = Array.from({ length: (plan.optionals + 7) >> 3 }, () => [])
    for (const field of plan.fields) {
      if (!field.optional) continue
      const value = this.bind(this.property(x, field.name))
      const there = this.bind(`${value} !== undefined || ${this.isThere(x, field.name)}`)
      bytes[optionals.size >> 3]!.push(`(${there} ? ${1 << (optionals.size & 7)} : 0)`)
      optionals.set(field, { value, there })
    }
    this.reserve(bytes.length)
    bytes.forEach((bits, i) => this.line(`u8[o + ${i}] = ${bits.join(" | ")}`))
    this.line(`o += ${bytes.length}`)
    return optionals
  }

  private writeRecord(plan: Struct, x: string): void {
    const keys = this.fresh("x")
    const i = this.fresh("i")
    this.line(`let ${keys} = ${this.k(Object.keys)}(${x})`)
    if (plan.fields.length > 0) {
      this.line(`${keys} = ${keys}.filter(${this.k((key: string) => !plan.names.has(key))})`)
    }
    this.writeBy(writeLength, "u8", `${keys}.length`)
    this.line(`for (let ${i} = 0; ${i} < ${keys}.length; ${i}++) {`)
    this.writeBy(writeString, "u8", `${keys}[${i}]`)
    this.write(plan.signatures[0]!.plan, this.bind(`${x}[${keys}[${i}]]`))
    this.line("}")
  }

  private writeSequence(plan: Sequence, x: string): void {
    if (!hasCount(plan)) {
      this.guardTuple(plan, x)
      plan.elements.forEach((element, i) => this.writeElement(element, this.bind(`${x}[${i}]`)))
      return
    }
    if (!isPlainArray(plan)) return this.writeByWalking(plan, x)
    this.refuseIf(`!${this.k(Array.isArray)}(${x})`)
    const n = this.bind(`${x}.length`)
    this.writeBy(writeLength, "u8", n)
    const size = isPadded(plan.rest) ? 1 : fixedSize(plan.rest)
    if (size !== undefined) this.line(`if (${n} * ${size} > limit - o) return -1`)
    const i = this.fresh("i")
    this.line(`for (let ${i} = 0; ${i} < ${n}; ${i}++) {`)
    const element = this.bind(`${x}[${i}]`)
    if (size === undefined) this.write(plan.rest, element)
    else {
      if (isPadded(plan.rest)) this.line("u8[o] = 0")
      this.writeFixed(plan.rest, element, 0)
      this.line(`o += ${size}`)
    }
    this.line("}")
  }

  private writeElement(plan: Plan, x: string): void {
    if (isPadded(plan)) {
      this.reserve(1)
      this.line("u8[o++] = 0")
    }
    this.write(plan, x)
  }

  private writeChoice(plan: Choice, x: string): void {
    this.refuseIf(`!${this.k(plan.is)}(${x})`)
    const place = this.placeOf(plan.cases.map((each) => each.tag), this.bind(`${x}._tag`), () => "undefined")
    this.reserve(1)
    this.line(`u8[o++] = ${place}`)
    this.switch(place, plan.cases, ({ key, plan: content }) => {
      if (key !== undefined) this.write(content, this.bind(`${x}[${this.k(key)}]`))
    })
  }

  private writeCollection(plan: Collection, x: string): void {
    this.refuseIf(`!${this.k(plan.is)}(${x})`)
    const n = this.bind(`${this.k(plan.size)}(${x})`)
    const i = this.fresh("i")
    const element = this.fresh("x")
    this.writeBy(writeLength, "u8", n)
    this.line(`let ${i} = 0`)
    this.line(`for (const ${element} of ${this.k(plan.entries)}(${x})) {`)
    this.line(`${i}++`)
    this.writeElement(plan.element, element)
    this.line("}")
    this.refuseIf(`${i} !== ${n}`)
  }

  /** The place of the member that a value belongs to; refuses a value of none. */
  private select(plan: Union, x: string): string {
    const place = this.fresh("x")
    this.line(`let ${place} = ${this.selection(plan, x) ?? `${this.k(select)}(${this.k(plan)}, ${x})`}`)
    this.refuseIf(`${place} < 0`)
    return place
  }

  /** The table as an expression, where it decides by itself and is short. */
  private selection(plan: Union, x: string): string | undefined {
    if (plan.literals.size > 8) return undefined
    let expression = ""
    for (const [value, place] of plan.literals) expression += `${x} === ${this.k(value)} ? ${place} : `
    let object = "-1"
    if (plan.tag !== undefined) {
      if (plan.tag.byValue.size > 8 || (plan.byKind.object ?? []).length > 0) return undefined
      object = ""
      const tag = this.property(x, plan.tag.key)
      for (const [value, places] of plan.tag.byValue) {
        if (places.length !== 1) return undefined
        object += `${tag} === ${this.k(value)} ? ${places[0]} : `
      }
      object += "-1"
    }
    for (const [kind, places] of Object.entries(plan.byKind)) {
      if (kind === "object" && plan.tag !== undefined) continue
      if (places.length !== 1) return undefined
      if (kind === "object") object = String(places[0])
      else if (kind === "null") expression += `${x} === null ? ${places[0]} : `
      else if (kind === "array") expression += `${this.k(Array.isArray)}(${x}) ? ${places[0]} : `
      else expression += `typeof ${x} === ${this.k(kind)} ? ${places[0]} : `
    }
    if (object === "-1") return `${expression}-1`
    // An array that is of no member would else be taken for an object.
    const isObject = `typeof ${x} === "object" && ${x} !== null && !${this.k(Array.isArray)}(${x})`
    return `${expression}${isObject} ? (${object}) : -1`
  }

  private switch<A>(place: string, cases: ReadonlyArray<A>, body: (each: A, place: number) => void): void {
    this.line(`switch (${place}) {`)
    cases.forEach((each, i) => {
      this.line(`case ${i}: {`)
      body(each, i)
      this.line("break }")
    })
    this.line("}")
  }

  // -- reading ---------------------------------------------------------------

  /** Reads at `p` and moves it; gives the name of the value. */
  private read(plan: Plan, root = false): string {
    const size = fixedSize(plan)
    if (size === undefined) {
      return this.isApart(plan, root) ? this.callReader(this.reader(plan), "d") : this.readVarying(plan)
    }
    this.need(size)
    const value = this.readFixed(plan, 0)
    if (size > 0) this.line(`p += ${size}`)
    return value
  }

  private need(size: number): void {
    if (size > 0) this.refuseIf(`p + ${size} > end`)
  }

  /** Reads at `p + at`, which is before the end. */
  private readFixed(plan: Plan, at: number): string {
    this.nodes++
    switch (plan._tag) {
      case "Bool": {
        const byte = this.bind(`u8[p + ${at}]`)
        this.refuseIf(`${byte} > 1`)
        return this.bind(`${byte} === 1`)
      }
      case "Float": {
        const value = this.bind(`dv.getFloat64(p + ${at}, true)`)
        const guard = this.floatGuard(plan, value)
        if (guard !== "") this.refuseIf(guard.slice(4))
        return value
      }
      case "Int":
        return this.readInt(plan, at)
      case "Const":
        return this.k(plan.value)
      case "Enum": {
        const place = this.readPlace(plan.values.length, at)
        return this.bind(`${this.k(plan.values)}[${place}]`)
      }
      case "Convert":
        return this.bind(`${this.k(plan.from)}(${this.readFixed(plan.plan, at)})`)
      case "Check":
        return this.readCheck(plan, this.readFixed(plan.plan, at))
      case "Struct": {
        let offset = at
        const values = plan.fields.map((field) => {
          const value = this.readFixed(field.plan, offset)
          offset += fixedSize(field.plan)!
          return value
        })
        return this.build(plan, values)
      }
      case "Sequence": {
        let offset = at
        const values = plan.elements.map((element) => {
          if (isPadded(element)) this.refuseIf(`u8[p + ${offset}] !== 0`)
          const value = this.readFixed(element, isPadded(element) ? offset + 1 : offset)
          offset += isPadded(element) ? 1 : fixedSize(element)!
          return value
        })
        return this.bind(`[${values.join(", ")}]`)
      }
      case "Union": {
        const place = this.readPlace(plan.members.length, at)
        return this.readCases(
          place,
          plan.members,
          ({ plan: content }) => this.readFixed(content, at + placeSize(plan.members.length))
        )
      }
      default:
        this.refuse()
        return "undefined"
    }
  }

  private readInt(plan: Int, at: number): string {
    const kind = `${plan.signed ? "Int" : "Uint"}${plan.width * 8}`
    const code = this.bind(
      plan.width === 1 && !plan.signed ? `u8[p + ${at}]` : `dv.get${kind}(p + ${at}, true)`
    )
    const outside = `(${code} < ${plan.min} || ${code} > ${plan.max})`
    if (plan.minusZero === undefined) {
      this.refuseIf(outside)
      return code
    }
    this.refuseIf(`${outside} && ${code} !== ${plan.minusZero}`)
    return this.bind(`${code} === ${plan.minusZero} ? -0 : ${code}`)
  }

  private readPlace(count: number, at: number): string {
    const place = this.bind(placeSize(count) === 1 ? `u8[p + ${at}]` : `dv.getUint16(p + ${at}, true)`)
    this.refuseIf(`${place} >= ${count}`)
    return place
  }

  private readCheck(plan: Plan & { readonly _tag: "Check" }, value: string): string {
    this.refuseIf(`${this.k(plan.refuses)}(${value}) !== undefined`)
    return value
  }

  private readCases<A>(place: string, cases: ReadonlyArray<A>, body: (each: A) => string): string {
    const value = this.fresh("x")
    this.line(`let ${value}`)
    this.switch(place, cases, (each) => this.line(`${value} = ${body(each)}`))
    return value
  }

  /** An object of the fields' values; `absent` stands for a field that is not there. */
  private build(plan: Struct, values: ReadonlyArray<string>): string {
    if (plan.fields.length === 0) return this.bind("{}")
    let name = this.constructors.get(plan)
    if (name === undefined) {
      // One constructor for a struct, however many functions make it: one shape.
      this.constructors.set(plan, name = this.fresh("R"))
      const parameters = plan.fields.map((_, i) => `a${i}`)
      const body = plan.fields.map((field, i) => {
        const set = field.name === "__proto__"
          ? `${this.k(setKey)}(this, ${this.k(field.name)}, a${i})`
          : `this[${this.k(field.name)}] = a${i}`
        return field.optional ? `if (a${i} !== ${this.k(absent)}) ${set}` : set
      })
      this.sources.push(
        `function ${name}(${parameters.join(", ")}) {\n${body.join("\n")}\n}\n${name}.prototype = ${
          this.k(Object.prototype)
        }`
      )
    }
    return this.bind(`new ${name}(${values.join(", ")})`)
  }

  private readVarying(plan: Plan): string {
    switch (plan._tag) {
      case "Text":
        return this.readBy(readString, "u8")
      case "Symbol":
        return this.bind(`${this.k(Symbol.for)}(${this.readBy(readString, "u8")})`)
      case "Big":
        return this.readBy(readBigInt, "b")
      case "Octets":
        return this.readBy(readOctets, "u8")
      case "Dynamic": {
        const value = this.bind(`${this.k(readDynamic)}(b, p, end, ${plan.json}, d)`)
        this.line(`p = ${this.k(cursor)}.p`)
        return value
      }
      case "Convert":
        return this.bind(`${this.k(plan.from)}(${this.read(plan.plan)})`)
      case "Check":
        return this.readCheck(plan, this.read(plan.plan))
      case "Ref":
        this.refuseIf("d <= 0")
        return this.callReader(this.reader(target(plan)), "d - 1")
      case "Struct":
        return this.readStruct(plan)
      case "Sequence":
        return this.readSequence(plan)
      case "Union": {
        const count = plan.members.length
        this.need(placeSize(count))
        const place = this.readPlace(count, 0)
        this.line(`p += ${placeSize(count)}`)
        return this.readCases(place, plan.members, ({ plan: content }) => this.read(content))
      }
      case "Choice": {
        this.need(1)
        const place = this.readPlace(plan.cases.length, 0)
        this.line("p += 1")
        return this.readCases(
          place,
          plan.cases,
          ({ key, make, plan: content }) =>
            `${this.k(make)}(${key === undefined ? "undefined" : this.read(content)})`
        )
      }
      case "Collection":
        return this.bind(`${this.k(plan.make)}(${this.readElements(plan.element)})`)
      default:
        return this.readFixed(plan, 0)
    }
  }

  private readBy(primitive: unknown, bytes: string): string {
    const value = this.bind(`${this.k(primitive)}(${bytes}, p, end)`)
    this.line(`p = ${this.k(cursor)}.p`)
    return value
  }

  private readByWalking(plan: Plan): string {
    const value = this.bind(`${this.k(read)}(${this.k(plan)}, b, p, end, d)`)
    this.line(`p = ${this.k(cursor)}.p`)
    return value
  }

  private readStruct(plan: Struct): string {
    if (plan.signatures.length > 0 && !isPlainRecord(plan)) return this.readByWalking(plan)
    const bits = this.readBitmap(plan)
    const values: Array<string> = []
    let run: Array<Struct["fields"][number]> = []
    const flush = () => {
      const size = run.reduce((sum, field) => sum + fixedSize(field.plan)!, 0)
      this.need(size)
      let at = 0
      for (const field of run) {
        values.push(this.readFixed(field.plan, at))
        at += fixedSize(field.plan)!
      }
      if (size > 0) this.line(`p += ${size}`)
      run = []
    }
    for (const field of plan.fields) {
      if (!field.optional && fixedSize(field.plan) !== undefined) {
        run.push(field)
        continue
      }
      flush()
      if (!field.optional) values.push(this.read(field.plan))
      else {
        const value = this.fresh("x")
        this.line(`let ${value} = ${this.k(absent)}`)
        this.line(`if (${bits.shift()}) {`)
        this.line(`${value} = ${this.read(field.plan)}`)
        this.line("}")
        values.push(value)
      }
    }
    flush()
    const object = this.build(plan, values)
    if (isPlainRecord(plan)) this.readRecord(plan, object)
    return object
  }

  /** A condition for each optional field. */
  private readBitmap(plan: Struct): Array<string> {
    const size = (plan.optionals + 7) >> 3
    if (size === 0) return []
    this.need(size)
    const bytes = Array.from({ length: size }, (_, i) => this.bind(`u8[p + ${i}]`))
    if (plan.optionals % 8 !== 0) this.refuseIf(`${bytes[size - 1]} >> ${plan.optionals % 8} !== 0`)
    this.line(`p += ${size}`)
    return Array.from({ length: plan.optionals }, (_, i) => `(${bytes[i >> 3]} & ${1 << (i & 7)}) !== 0`)
  }

  private readRecord(plan: Struct, object: string): void {
    const n = this.readBy(readLength, "u8")
    const i = this.fresh("i")
    this.refuseIf(`${n} > end - p`)
    this.line(`for (let ${i} = 0; ${i} < ${n}; ${i}++) {`)
    const key = this.readBy(readString, "u8")
    if (plan.fields.length > 0) this.refuseIf(`${this.k(plan.names)}.has(${key})`)
    this.line(`${this.k(setKey)}(${object}, ${key}, ${this.read(plan.signatures[0]!.plan)})`)
    this.line("}")
  }

  private readSequence(plan: Sequence): string {
    if (!hasCount(plan)) {
      const values = plan.elements.map((element) => this.readElement(element))
      return this.bind(`[${values.join(", ")}]`)
    }
    return isPlainArray(plan) ? this.readElements(plan.rest) : this.readByWalking(plan)
  }

  private readElement(plan: Plan): string {
    if (isPadded(plan)) {
      this.need(1)
      this.refuseIf("u8[p++] !== 0")
    }
    return this.read(plan)
  }

  /** A count and as many elements. */
  private readElements(plan: Plan): string {
    const n = this.readBy(readLength, "u8")
    const least = elementSize(plan)
    this.refuseIf(`${n} * ${least} > end - p`)
    const elements = this.bind("[]")
    const i = this.fresh("i")
    this.line(`for (let ${i} = 0; ${i} < ${n}; ${i}++) {`)
    const size = fixedSize(plan)
    // All of them were found to be before the end at once.
    if (size === undefined || isPadded(plan)) this.line(`${elements}.push(${this.readElement(plan)})`)
    else {
      this.line(`${elements}.push(${this.readFixed(plan, 0)})`)
      this.line(`p += ${size}`)
    }
    this.line("}")
    return elements
  }
}

const composite: ReadonlySet<Plan["_tag"]> = new Set(["Struct", "Sequence", "Union", "Choice", "Collection"])

/** A record with string keys of every kind, beside fields or not: what most are. */
const isPlainRecord = (plan: Struct): boolean =>
  plan.signatures.length === 1 && plan.signatures[0]!.matches === undefined && !plan.signatures[0]!.symbols

const isPlainArray = (plan: Sequence): plan is Sequence & { readonly rest: Plan } =>
  plan.rest !== undefined && plan.elements.length === 0 && plan.tail.length === 0

/** Whether undefined is one of the values: then absence must be asked for. */
const takesUndefined = (plan: Plan): boolean => {
  switch (plan._tag) {
    case "Const":
      return plan.lenient || plan.value === undefined
    case "Enum":
      return plan.places.has(undefined)
    case "Union":
      return plan.literals.has(undefined) || plan.byKind.undefined !== undefined
    case "Convert":
    case "Ref":
    case "Dynamic":
      return true
    case "Check":
      return takesUndefined(plan.plan)
    default:
      return false
  }
}

/** Past references that only refer on. Each counts one level, here and in the interpreter. */
const target = (ref: Ref): Plan => ref.plan
