/**
 * What a plan puts on the wire, as a short text: equal for two plans that read
 * each other's bytes and mean the same by them, whatever checks, classes or
 * transformations stand around.
 */
import { type Plan, type Ref } from "./codecPlan.ts"

/** 128 bits, hexadecimal. */
export const fingerprintOf = (plan: Plan): string => hash(describe(plan, new Map()))

const describe = (plan: Plan, refs: Map<Ref, number>): string => {
  const go = (inner: Plan): string => describe(inner, refs)
  switch (plan._tag) {
    case "Bool":
    case "Text":
    case "Big":
    case "Octets":
    case "Never":
    case "Symbol":
      return plan._tag
    case "Float":
      return plan.integer ? "Integer" : "Float"
    case "Int":
      return `Int${plan.width}${plan.signed ? "s" : "u"}${plan.minusZero ?? ""}`
    case "Const":
      return `=${literal(plan.value)}`
    case "Enum":
      return `Enum(${plan.values.map(literal).join()})`
    case "Struct":
      return `{${
        plan.fields.map((field) => `${literal(field.name)}${field.optional ? "?" : ""}:${go(field.plan)}`)
          .join()
      }${
        plan.signatures.map((each) => `,[${each.symbols ? "symbol" : "string"}]:${go(each.plan)}`).join("")
      }}`
    case "Sequence":
      return `[${plan.elements.map((each, i) => go(each) + (i < plan.required ? "" : "?")).join()}${
        plan.rest === undefined ? "" : `,...${go(plan.rest)}`
      }${plan.tail.map((each) => `,${go(each)}`).join("")}]`
    case "Union":
      return `Union(${plan.members.map((member) => go(member.plan)).join()})`
    case "Choice":
      return `${plan.label}(${plan.cases.map((each) => `${each.tag}:${go(each.plan)}`).join()})`
    case "Collection":
      return `${plan.label}<${go(plan.element)}>`
    case "Convert":
      return plan.label === "" ? go(plan.plan) : `${plan.label}<${go(plan.plan)}>`
    case "Check":
      return go(plan.plan)
    case "Ref": {
      const known = refs.get(plan)
      if (known !== undefined) return `#${known}`
      refs.set(plan, refs.size)
      return `#${refs.get(plan)}=${go(plan.plan)}`
    }
    case "Dynamic":
      return plan.json ? "Json" : "Dynamic"
  }
}

const literal = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value)
    case "bigint":
      return `${value}n`
    case "symbol":
      return `Symbol(${JSON.stringify(value.description ?? null)})`
    default:
      return Object.is(value, -0) ? "-0" : String(value)
  }
}

// cyrb128 by bryc (public domain): no secret is kept here, two schemas that
// differ must only differ in it, and it has to be there without waiting.
const hash = (text: string): string => {
  let a = 1779033703, b = 3144134277, c = 1013904242, d = 2773480762
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = b ^ Math.imul(a ^ unit, 597399067)
    b = c ^ Math.imul(b ^ unit, 2869860233)
    c = d ^ Math.imul(c ^ unit, 951274213)
    d = a ^ Math.imul(d ^ unit, 2716044179)
  }
  a = Math.imul(c ^ (a >>> 18), 597399067)
  b = Math.imul(d ^ (b >>> 22), 2869860233)
  c = Math.imul(a ^ (c >>> 17), 951274213)
  d = Math.imul(b ^ (d >>> 19), 2716044179)
  const mixed = a ^ b ^ c ^ d
  return [mixed, b ^ mixed, c ^ mixed, d ^ mixed].map((word) => (word >>> 0).toString(16).padStart(8, "0"))
    .join("")
}
