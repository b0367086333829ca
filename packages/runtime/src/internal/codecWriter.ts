/** The functions of a plan that write: `(v, b, o, limit, d)`, as the interpreter's. */
import { writeDynamic } from "./codecDynamic.ts"
import { symbolKey, write } from "./codecInterpretWrite.ts"
import {
  type Choice,
  type Collection,
  fixedSize,
  hasCount,
  type Int,
  isPadded,
  placeSize,
  type Plan,
  type Sequence,
  type Struct,
  type Union
} from "./codecPlan.ts"
import { Emitter, isPlainArray, isPlainRecord } from "./codecSource.ts"
import { select } from "./codecUnion.ts"
import { writeBigInt, writeLength, writeOctets, writeString } from "./hot/bytes.ts"
import { getKey, hasKey, isInherited } from "./hot/record.ts"

export class Writer extends Emitter {
  /** The name of the function that writes a plan's values. */
  writer(plan: Plan): string {
    return this.function(plan, "w", "v, b, o, limit, d", () => {
      this.line("const u8 = b.u8, dv = b.view")
      this.write(plan, "v", true)
      this.line("return o")
    })
  }

  private callWriter(name: string, x: string, depth: string): void {
    this.line(`o = ${name}(${x}, b, o, limit, ${depth})`)
    this.line("if (o < 0) return -1")
  }

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
        return this.callWriter(this.writer(plan.plan), x, "d - 1")
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
}

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
