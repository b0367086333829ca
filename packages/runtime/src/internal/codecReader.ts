/** The functions of a plan that read: `(b, p, end, d)`, as the interpreter's. */
import { readDynamic } from "./codecDynamic.ts"
import { read } from "./codecInterpretRead.ts"
import {
  elementSize,
  fixedSize,
  hasCount,
  type Int,
  isPadded,
  placeSize,
  type Plan,
  type Sequence,
  type Struct
} from "./codecPlan.ts"
import { Emitter, isPlainArray, isPlainRecord } from "./codecSource.ts"
import { cursor, readBigInt, readLength, readOctets, readString } from "./hot/bytes.ts"
import { setKey } from "./hot/record.ts"

const absent = Symbol("absent")

export class Reader extends Emitter {
  private readonly constructors = new Map<Struct, string>()

  /** The name of the function that reads a plan's values. */
  reader(plan: Plan): string {
    return this.function(plan, "r", "b, p, end, d", () => {
      this.line("const u8 = b.u8, dv = b.view")
      const value = this.read(plan, true)
      this.line(`${this.k(cursor)}.p = p`)
      this.line(`return ${value}`)
    })
  }

  private callReader(name: string, depth: string): string {
    const value = this.bind(`${name}(b, p, end, ${depth})`)
    this.line(`p = ${this.k(cursor)}.p`)
    return value
  }

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
      this.source.add(
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
        return this.callReader(this.reader(plan.plan), "d - 1")
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
