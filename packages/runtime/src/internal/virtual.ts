/** A target that is no actor: it passes on what it is sent. Until it is closed, other threads reach it too. */
import * as Exit from "effect/Exit"
import type { ActorId } from "../ActorId.ts"
import type { Depth } from "../Mailbox.ts"
import type { Address } from "./address.ts"
import type { Replier } from "./hot/cell.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Protocol } from "./protocol.ts"
import type { EndObserver } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import type { Stop, Subject, Target } from "./ref.ts"
import type { Refusal } from "./refusal.ts"
import type { System } from "./system.ts"

export abstract class Virtual implements Target, Subject {
  readonly system: System
  readonly name: string
  readonly protocol: Protocol
  readonly host = undefined
  readonly key = undefined
  /** Nothing is passed on any more. */
  over = false
  private observers: Set<EndObserver> | undefined = undefined

  constructor(system: System, name: string, protocol: Protocol) {
    this.system = system
    this.name = name
    this.protocol = protocol
  }

  get mailbox(): Mailbox | undefined {
    return undefined
  }

  /** Its end is that nothing is passed on any more. */
  get subject(): Subject | undefined {
    return this
  }

  get who(): unknown {
    return this
  }

  observe(observer: EndObserver): void {
    if (this.over) observer.ended(Exit.void)
    else (this.observers ??= new Set()).add(observer)
  }

  unobserve(observer: EndObserver): void {
    this.observers?.delete(observer)
  }

  /** It ends with its scope alone. */
  terminate(_how: Stop, done?: () => void): void {
    done?.()
  }

  /** It dies with nobody. */
  fasten(_to: LocalRef): void {}

  unfasten(_from: LocalRef): void {}

  get depth(): Depth | undefined {
    return undefined
  }

  get token(): string {
    return this.system.token
  }

  get id(): ActorId {
    return this.system.directory.id(this)
  }

  get known(): ActorId | undefined {
    return this.system.directory.known(this)
  }

  get address(): Address {
    return { _tag: "Other", id: this.id, name: this.name }
  }

  close(): void {
    this.over = true
    this.system.registry.ended(this)
    this.system.directory.remove(this)
    const { observers } = this
    this.observers = undefined
    observers?.forEach((observer) => observer.ended(Exit.void))
  }

  abstract deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined
}
