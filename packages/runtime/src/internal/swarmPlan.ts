/** From the schema of a swarm's state to its columns: fixed sizes through the Layout, everything else by a Codec. */
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import * as Codec from "../Codec.ts"
import * as Columns from "./hot/columns.ts"
import type { Node } from "./hot/layout.ts"
import * as Layout from "./layoutPlan.ts"

/** The columns of a state. */
export interface Plan {
  readonly fields: ReadonlyArray<Columns.Field>
  /** Equal for states whose rows are the same bytes. */
  readonly fingerprint: string
}

/** Whether reading a value gives a view, through which it can be written. */
const isNested = (node: Node): boolean =>
  node.tag === "record" || node.tag === "union" || (node.tag === "maybe" && isNested(node.inner))

const fieldOf = (path: string, name: string, type: AST.AST): Columns.Field & { fingerprint: string } => {
  const optional = type.context?.isOptional === true
  const alone = new AST.Objects([new AST.PropertySignature(name, type)], [])
  try {
    const { byteLength, record } = Layout.plan(alone)
    const { node } = record.fields[0]!
    const fingerprint = Layout.fingerprint(record)
    if (node.tag === "scalar") return { tag: "scalar", name, type: node.type, fingerprint }
    if (node.tag === "boolean") return { tag: "boolean", name, fingerprint }
    if (node.tag === "choice" && node.values.length > 1) {
      return { tag: "choice", name, type: node.type, values: node.values, fingerprint }
    }
    return { tag: "record", name, record, stride: byteLength, nested: isNested(node), fingerprint }
  } catch (error) {
    if (!(error instanceof Layout.NoLayout)) throw error
    const coder = Codec.make(Schema.make<Schema.Top>(type), { path: `${path}.${name}` })
    return { tag: "managed", name, coder, optional, fingerprint: `${coder.fingerprint}${optional}` }
  }
}

/**
 * Plans the columns of a struct. Throws a `CodecDefinitionError` for a field that has neither a fixed size nor a codec,
 * and a `TypeError` for what is no struct.
 */
export const plan = (name: string, state: Schema.Top): Plan => {
  const ast = AST.toType(state.ast)
  const problem = (what: string): never => {
    throw new TypeError(`${name}: the state of a swarm ${what}`)
  }
  if (!AST.isObjects(ast) || ast.indexSignatures.length > 0) return problem("is a struct")
  const { propertySignatures } = ast
  if (propertySignatures.length > Columns.MOST_FIELDS) {
    return problem(`has ${Columns.MOST_FIELDS} fields at most: make structs of some of them`)
  }
  const fields = propertySignatures.map(({ name: field, type }) =>
    typeof field === "string"
      ? fieldOf(`${name}.state`, field, type)
      : problem("has no fields whose names are symbols")
  )
  return {
    fields,
    fingerprint: JSON.stringify(fields.map(({ fingerprint, name, tag }) => [name, tag, fingerprint]))
  }
}
