/** A reference that makes other messages of those that it is sent, for an actor with another protocol. */
import type { ActorId } from "../ActorId.ts"
import type { Depth } from "../Mailbox.ts"
import type { Replier } from "./hot/cell.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Protocol } from "./protocol.ts"
import { type Ref, type Subject, withRef } from "./ref.ts"
import { invalid, type Refusal, unknown } from "./refusal.ts"
import { Virtual } from "./virtual.ts"

/** For each tag, the message that it becomes. */
export type Adaptation = Readonly<
  Record<string, (payload: unknown) => readonly [tag: string, payload?: unknown]>
>

class Adapter extends Virtual {
  private readonly target: Ref
  private readonly adaptation: Adaptation
  private followed = false

  constructor(target: Ref, protocol: Protocol, adaptation: Adaptation) {
    super(target.system, target.name, protocol)
    this.target = target
    this.adaptation = adaptation
  }

  override get mailbox(): Mailbox | undefined {
    return this.target.mailbox
  }

  override get subject(): Subject | undefined {
    return this.target.subject
  }

  override get depth(): Depth | undefined {
    return this.target.depth
  }

  /** Known to others from now on, it goes with its actor. */
  override get id(): ActorId {
    const { target } = this
    if (!this.followed && target.key === undefined) {
      this.followed = true
      target.subject?.observe({ ended: () => this.close() })
    }
    return super.id
  }

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    const message = this.protocol.get(tag)
    if (message === undefined) return unknown(this.name, tag)
    let adapted: ReturnType<Adaptation[string]>
    try {
      adapted = this.adaptation[tag]!(message.construct === undefined ? payload : message.construct(payload))
    } catch (issue) {
      return invalid(issue)
    }
    return this.target.deliver(adapted[0], adapted[1], replier)
  }
}

export class AdapterRef extends withRef(Adapter) {}
