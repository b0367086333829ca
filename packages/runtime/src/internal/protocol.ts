/**
 * A protocol, compiled for the dispatcher: each message has its place in the handler table, and a constructor for
 * its payload where the schema has one to run.
 */
import * as Context from "effect/Context"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as SchemaAST from "effect/SchemaAST"
import { CoalesceBy, Interleave, Priority } from "../Message.ts"
import type { Rank, Ranked } from "./hot/lanes.ts"

/** A message of a protocol. */
export class MessageType implements Ranked {
  readonly index: number
  readonly tag: string
  readonly rpc: Rpc.AnyWithProps
  /**
   * Fills defaults, makes class instances and, where the system validates, checks; undefined where a payload is
   * taken as its sender gives it.
   */
  readonly construct: ((input: unknown) => unknown) | undefined
  readonly key: ((payload: unknown) => unknown) | undefined
  readonly priority: number
  readonly interleave: boolean
  lane = 0

  constructor(index: number, rpc: Rpc.AnyWithProps, validate: boolean) {
    this.key = Context.get(rpc.annotations, CoalesceBy)
    this.priority = Context.get(rpc.annotations, Priority)
    this.interleave = Context.get(rpc.annotations, Interleave)
    const schema = rpc.payloadSchema
    this.index = index
    this.tag = rpc._tag
    this.rpc = rpc
    this.construct = validate || hasConstructor(schema.ast)
      ? (input) => schema.make(input, { disableChecks: !validate })
      : undefined
  }
}

/** A group of messages, of whatever kinds. */
export type Group = RpcGroup.RpcGroup<any>

/** The messages of a protocol, by place and by tag. */
export class Protocol {
  readonly group: Group
  readonly messages: ReadonlyArray<MessageType>
  private readonly byTag: ReadonlyMap<string, MessageType>
  /** The lanes in which messages wait; undefined where all are alike. */
  readonly ranks: ReadonlyArray<Rank> | undefined
  /** Whether any of them interleaves. */
  readonly interleaves: boolean
  /** The last two that were looked up: to compare two tags takes a third of a look into the map. */
  private last: MessageType | undefined = undefined
  private lastButOne: MessageType | undefined = undefined

  constructor(group: Group, validate: boolean) {
    this.group = group
    // Sorted, so that a message has the same place in every thread, however the group was put together.
    const rpcs = Array.from(group.requests.values()) as Array<any> as Array<Rpc.AnyWithProps>
    rpcs.sort((a, b) => (a._tag < b._tag ? -1 : 1))
    this.messages = rpcs.map((rpc, index) => new MessageType(index, rpc, validate))
    this.byTag = new Map(this.messages.map((message) => [message.tag, message]))
    this.interleaves = this.messages.some(({ interleave }) => interleave)
    this.ranks = rank(this.messages)
  }

  /** The message with this tag, if there is one. */
  get(tag: string): MessageType | undefined {
    const { last, lastButOne } = this
    if (last !== undefined && last.tag === tag) return last
    if (lastButOne !== undefined && lastButOne.tag === tag) return lastButOne
    const message = this.byTag.get(tag)
    if (message !== undefined) {
      this.lastButOne = last
      this.last = message
    }
    return message
  }
}

/** Gives messages their lanes, by priority, the highest first; undefined where none of them needs one. */
const rank = (messages: ReadonlyArray<MessageType>): ReadonlyArray<Rank> | undefined => {
  if (messages.every((m) => m.priority === 0 && !m.interleave && m.key === undefined)) return undefined
  const name = ({ interleave, priority }: Rank): string => `${priority} ${interleave}`
  const lanes = new Map(messages.map((message): [string, Rank] => [name(message), message]))
  const ranks = Array.from(lanes.values(), ({ interleave, priority }): Rank => ({ interleave, priority }))
  ranks.sort((a, b) => b.priority - a.priority)
  const places = ranks.map(name)
  for (const message of messages) message.lane = places.indexOf(name(message))
  return ranks
}

const trusting = new WeakMap<Group, Protocol>()
const validating = new WeakMap<Group, Protocol>()

/** The protocol of a group, compiled once for each of the two ways to treat local messages. */
export const compile = (group: Group, validate = false): Protocol => {
  const compiled = validate ? validating : trusting
  let protocol = compiled.get(group)
  if (protocol === undefined) {
    protocol = new Protocol(group, validate)
    compiled.set(group, protocol)
  }
  return protocol
}

/** How Effect marks the declarations whose values are made by a constructor: schema classes. */
const classAnnotation = "~constructor"

/** Whether making a value of this schema does more than return its input: defaults, or class instances. */
export const hasConstructor = (root: SchemaAST.AST): boolean => {
  const seen = new Set<SchemaAST.AST>()
  const visit = (ast: SchemaAST.AST): boolean => {
    if (seen.has(ast)) return false
    seen.add(ast)
    if (ast.context?.constructorDefault !== undefined) return true
    switch (ast._tag) {
      case "Declaration":
        return ast.annotations?.[classAnnotation] !== undefined || ast.typeParameters.some(visit)
      case "Objects":
        return ast.propertySignatures.some((property) => visit(property.type)) ||
          ast.indexSignatures.some((signature) => visit(signature.type))
      case "Arrays":
        return ast.elements.some(visit) || ast.rest.some(visit)
      case "Union":
        return ast.types.some(visit)
      case "Suspend":
        return visit(ast.thunk())
      default:
        return false
    }
  }
  return visit(SchemaAST.toType(root))
}
