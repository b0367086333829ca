/** A reference without a system: a name, and nobody behind it. */
import * as Effect from "effect/Effect"
import { pipeArguments } from "effect/Pipeable"
import * as Stream from "effect/Stream"
import type { Any } from "../Actor.ts"
import { refTypeId as TypeId } from "./keys.ts"
import { compile, type Protocol } from "./protocol.ts"

export class Stranger {
  readonly [TypeId] = {}
  readonly name: string
  readonly key: string | undefined
  /** As far as a schema of references looks at it. */
  readonly system = { validate: false }
  readonly protocol: Protocol

  constructor({ name, protocol }: Pick<Any, "name" | "protocol">, key: string | undefined) {
    this.name = name
    this.protocol = compile(protocol as never)
    this.key = key
  }

  private get nobody(): Effect.Effect<never> {
    return Effect.die(new TypeError(`${this.toString()} is of no system`))
  }

  tell(): Effect.Effect<never> {
    return this.nobody
  }

  offer(): Effect.Effect<never> {
    return this.nobody
  }

  ask(): Effect.Effect<never> {
    return this.nobody
  }

  stream(): Stream.Stream<never> {
    return Stream.fromEffect(this.nobody)
  }

  tellUnsafe(): never {
    throw new TypeError(`${this.toString()} is of no system: send with the context`)
  }

  pipe() {
    return pipeArguments(this, arguments)
  }

  toString(): string {
    return this.key === undefined ? `ActorRef(${this.name})` : `ActorRef(${this.name}, ${this.key})`
  }
}
