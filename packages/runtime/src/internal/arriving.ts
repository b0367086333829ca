/**
 * A reference to an actor that a handler has another thread spawn, before that one has said where it lives: what it is
 * sent, and what else is wanted of it, waits here. Afterwards it passes everything on.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { ActorId } from "../ActorId.ts"
import type { ActorRef } from "../ActorRef.ts"
import * as Codec from "../Codec.ts"
import type { Depth } from "../Mailbox.ts"
import { crossing } from "./crossing.ts"
import type { Replier } from "./hot/cell.ts"
import { REFUSED } from "./hot/counts.ts"
import { type EndObserver, reasonOf } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Owned, Owner } from "./owner.ts"
import { type Stop, withRef } from "./ref.ts"
import { ended, invalid, type Refusal, unknown } from "./refusal.ts"
import type { RemoteContract, RemoteRef } from "./remoteRef.ts"
import type { System } from "./system.ts"
import { Virtual } from "./virtual.ts"

/** What waits: done when the actor is there, or given up when there will be none. */
interface Wish {
  grant(ref: RemoteRef): void
  refuse(exit: Exit.Exit<void, unknown>): void
}

class Arriving extends Virtual implements Owned {
  owner: Owner | undefined = undefined
  previous: Owned | undefined = undefined
  next: Owned | undefined = undefined
  private readonly contract: RemoteContract
  private actor: RemoteRef | undefined = undefined
  private exit: Exit.Exit<void, unknown> | undefined = undefined
  private wishes: Array<Wish> = []
  private followed = false

  constructor(system: System, contract: RemoteContract) {
    super(system, contract.name, contract.protocol)
    this.contract = contract
  }

  /** It lives there. */
  arrived(actor: RemoteRef): void {
    this.actor = actor
    const { wishes } = this
    this.wishes = []
    for (const wish of wishes) wish.grant(actor)
  }

  /** It will not be there. */
  failed(exit: Exit.Exit<void, unknown>): void {
    this.exit = exit
    this.owner?.remove(this)
    this.close()
    const { wishes } = this
    this.wishes = []
    for (const wish of wishes) wish.refuse(exit)
  }

  private wish(wish: Wish): void {
    if (this.actor !== undefined) wish.grant(this.actor)
    else if (this.exit !== undefined) wish.refuse(this.exit)
    else this.wishes.push(wish)
  }

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    const { actor, contract, system } = this
    if (actor !== undefined) return actor.deliver(tag, payload, replier)
    const message = contract.protocol.get(tag)
    if (message === undefined) return unknown(this.name, tag)
    if (this.over) return ended
    const codec = contract.wire.messages[message.index]!.payload
    let bytes: Uint8Array
    try {
      // Now, as always when something goes to another thread: what becomes of the value later does not matter.
      bytes = within(
        system,
        () =>
          Codec.encodeUnsafe(codec, message.construct === undefined ? payload : message.construct(payload))
      )
    } catch (issue) {
      return invalid(issue)
    }
    this.wishes.push({
      grant: (ref) => ref.forward(tag, within(system, () => Codec.decodeUnsafe(codec, bytes)), replier),
      refuse: (exit) => {
        system.deadLetter("Ended", this, tag, payload, REFUSED)
        replier?.abandon(reasonOf(exit))
      }
    })
    return undefined
  }

  get ref(): ActorRef<never> {
    return this as unknown as ActorRef<never>
  }

  /** Whoever owns it waits until it is there, and owns that then. */
  finish(): Effect.Effect<unknown> | undefined {
    return Effect.callback<void>((resume) => {
      const done = (): void => resume(Effect.void)
      this.wish({ grant: done, refuse: done })
    })
  }

  override get mailbox(): Mailbox | undefined {
    return this.actor?.mailbox
  }

  override get depth(): Depth | undefined {
    return this.actor?.depth
  }

  /** Known to others from now on, it goes with its actor. */
  override get id(): ActorId {
    if (!this.followed) {
      this.followed = true
      this.observe({ ended: () => this.close() })
    }
    return super.id
  }

  /** Where it lives there may be other references to it. */
  override get who(): unknown {
    return this.actor === undefined ? this : this.actor.who
  }

  override observe(observer: EndObserver): void {
    this.wish({ grant: (ref) => ref.observe(observer), refuse: (exit) => observer.ended(exit) })
  }

  override unobserve(observer: EndObserver): void {
    this.wish({ grant: (ref) => ref.unobserve(observer), refuse: () => {} })
  }

  override terminate(how: Stop, done: () => void = () => {}): void {
    this.wish({ grant: (ref) => ref.terminate(how, done), refuse: done })
  }

  override fasten(to: LocalRef): void {
    this.wish({ grant: (ref) => ref.fasten(to), refuse: () => {} })
  }

  override unfasten(from: LocalRef): void {
    this.wish({ grant: (ref) => ref.unfasten(from), refuse: () => {} })
  }
}

export class ArrivingRef extends withRef(Arriving) {}

/** Does something with values that go to another thread of this system. */
const within = <A>(system: System, thunk: () => A): A => {
  crossing.system = system
  try {
    return thunk()
  } finally {
    crossing.system = undefined
  }
}
