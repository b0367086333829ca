/** The fault points of one thread: put in place when its system is made with an injector, and not there else. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HandlerFault, Injector } from "../FaultPoint.ts"
import { ActorEnded } from "../AskError.ts"
import type { Bell } from "./alarm.ts"
import { type Cell, ENDING, type Handler, type Message, type Replier } from "./hot/cell.ts"
import { DEAD, LOCAL, REFUSED } from "./hot/counts.ts"
import type { Arrival } from "./hot/dispatcher.ts"
import { CRASH, NEXT, Step } from "./hot/step.ts"
import { leave } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import type { Mailbox } from "./mailbox.ts"
import type { MessageType } from "./protocol.ts"
import type { System } from "./system.ts"

/** A message that another one is to overtake waits so long for one, in milliseconds. */
const OVERTAKEN_MILLIS = 10

/** Puts the injector between a system's messages and their mailboxes. */
export const inject = (system: System, { delivery }: Injector): void => {
  if (delivery === undefined) return
  const { counts, dispatcher } = system
  // Of this object alone: the class, and every other system, stays as it is.
  const send = dispatcher.send.bind(dispatcher)
  const receive = dispatcher.receive.bind(dispatcher)
  /** What the next message to an actor is to overtake. */
  const waiting = new Map<LocalRef, Late>()

  const later = (
    ref: LocalRef,
    millis: number,
    message: MessageType,
    payload: unknown,
    deliver: () => boolean
  ): Late => {
    const late = new Late(system, ref, millis, message.tag, payload, deliver)
    system.alarm.add(late)
    return late
  }

  /** Has a message wait for the next one; the one that waited already waits no longer. */
  const overtaken = (ref: LocalRef, message: MessageType, payload: unknown, deliver: () => boolean): void => {
    waiting.get(ref)?.now()
    const late = later(ref, OVERTAKEN_MILLIS, message, payload, () => {
      if (waiting.get(ref) === late) waiting.delete(ref)
      return deliver()
    })
    waiting.set(ref, late)
  }

  /** Does what is to be done about a message from wherever; false where nothing is. */
  const struck = (
    ref: LocalRef,
    message: MessageType,
    payload: unknown,
    deliver: (replied: boolean) => boolean,
    drop: () => void
  ): boolean => {
    // What stands in a mailbox to stop its actor has no tag.
    const fault = message.tag === undefined || ref.status >= ENDING ? undefined : delivery(ref, message.tag)
    switch (fault?._tag) {
      case undefined:
        return false
      case "drop":
        counts[DEAD]!++
        drop()
        return true
      case "duplicate":
        deliver(true)
        ref.mailbox?.force()
        deliver(false)
        return true
      case "delay":
        later(ref, fault.millis, message, payload, () => deliver(true))
        return true
      case "reorder":
        overtaken(ref, message, payload, () => deliver(true))
        return true
    }
  }

  const overtake = (ref: LocalRef): void => waiting.get(ref)?.now()

  dispatcher.send = (
    cell: Cell,
    message: Message,
    payload: unknown,
    replier: Replier | undefined
  ): boolean => {
    const ref = cell as LocalRef
    const deliver = (replied: boolean): boolean => {
      if (send(cell, message, payload, replied ? replier : undefined)) return true
      counts[REFUSED]!++
      ref.mailbox?.cancel()
      replier?.abandon(new ActorEnded({}))
      return false
    }
    const drop = (): void => {
      counts[LOCAL]!++
      ref.mailbox?.cancel()
    }
    if (struck(ref, message as MessageType, payload, deliver, drop)) return true
    const accepted = send(cell, message, payload, replier)
    overtake(ref)
    return accepted
  }

  dispatcher.receive = (
    cell: Cell,
    message: Message,
    payload: unknown,
    replier: Replier | undefined,
    arrival?: Arrival
  ): boolean => {
    const ref = cell as LocalRef
    let taken = false
    const take = (): void => {
      if (!taken) arrival?.take()
      taken = true
    }
    const deliver = (replied: boolean): boolean => {
      take()
      // The second one of two is this thread's own.
      if (!replied) return send(cell, message, payload, undefined)
      if (receive(cell, message, payload, replier)) return true
      replier?.abandon(new ActorEnded({}))
      return false
    }
    if (struck(ref, message as MessageType, payload, deliver, take)) {
      take()
      return true
    }
    const accepted = receive(cell, message, payload, replier, arrival)
    overtake(ref)
    return accepted
  }
}

/** A message that comes when its time has come, or another one has overtaken it. */
class Late implements Bell {
  due: number
  place = -1
  serial = 0
  private readonly system: System
  private readonly ref: LocalRef
  private readonly tag: string
  private readonly payload: unknown
  private readonly deliver: () => boolean

  constructor(
    system: System,
    ref: LocalRef,
    millis: number,
    tag: string,
    payload: unknown,
    deliver: () => boolean
  ) {
    this.due = system.alarm.now + millis
    this.system = system
    this.ref = ref
    this.tag = tag
    this.payload = payload
    this.deliver = deliver
  }

  now(): void {
    this.system.alarm.remove(this)
    this.ring()
  }

  ring(): void {
    if (!this.deliver()) this.system.deadLetter("Ended", this.ref, this.tag, this.payload)
  }
}

/** A handler that may be hurt. */
export const hurt = (
  handler: Handler,
  tag: string,
  fault: NonNullable<Injector["handler"]>
): Handler =>
(state, payload, cell) => {
  const hit = fault(cell as LocalRef, tag)
  return hit === undefined ? handler(state, payload, cell) : deed(hit, cell as LocalRef)
}

const deed = (fault: HandlerFault, ref: LocalRef): unknown => {
  switch (fault._tag) {
    case "throw":
      throw fault.error
    case "die":
      return Effect.die(fault.error)
    case "fail":
      return new Step(CRASH, undefined, fault.error)
    case "hang":
      return Effect.never
    case "kill":
      return Effect.interrupt
    case "stop":
      // A step would answer who asks: with a value that no handler gave.
      leave(ref, Exit.void)
      return new Step(NEXT, undefined, undefined)
  }
}

/** A mailbox that says that it is full when it is told to. */
export const tighten = (
  mailbox: Mailbox,
  victim: { readonly name: string; readonly key: string | undefined },
  full: NonNullable<Injector["full"]>
): Mailbox => {
  const reserve = mailbox.reserve.bind(mailbox)
  // In an empty one nothing would wake who waits.
  mailbox.reserve = () => mailbox.depth.now > 0 && full(victim) ? mailbox : reserve()
  return mailbox
}
