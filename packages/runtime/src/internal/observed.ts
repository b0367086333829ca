/** The parts of a thread that messages pass, where they are observed. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import type { Bytes } from "../Codec.ts"
import * as Codec from "../Codec.ts"
import type { Cell, Message, Replier } from "./hot/cell.ts"
import { type Arrival, Dispatcher, type Hooks } from "./hot/dispatcher.ts"
import type { RunQueue } from "./hot/runQueue.ts"
import { Inbox } from "./inbox.ts"
import * as Inspecting from "./inspecting.ts"
import * as InspectWire from "./inspectWire.ts"
import type { LocalRef } from "./localRef.ts"
import { carried, Told } from "./observedAsk.ts"
import type { Observer } from "./observer.ts"
import * as Peer from "./peer.ts"
import type { MessageType } from "./protocol.ts"
import type { Target } from "./ref.ts"
import type * as Wire from "./wire.ts"

/** Counts what comes, and lets the sender's span go with what is told. */
export class ObservedDispatcher extends Dispatcher {
  private readonly observer: Observer

  constructor(
    observer: Observer,
    hooks: Hooks,
    defer: (task: () => void) => void,
    counts: Float64Array,
    ready: RunQueue<Cell> | undefined
  ) {
    super(hooks, defer, counts, ready)
    this.observer = observer
  }

  override send(cell: Cell, message: Message, payload: unknown, replier: Replier | undefined): boolean {
    const ref = cell as LocalRef
    const asker = replier ?? this.observer.told(ref, (message as MessageType).tag)
    const accepted = super.send(cell, message, payload, asker)
    if (accepted) this.count(ref)
    return accepted
  }

  override receive(
    cell: Cell,
    message: Message,
    payload: unknown,
    replier: Replier | undefined,
    arrival?: Arrival
  ): boolean {
    const accepted = super.receive(cell, message, payload, replier, arrival)
    if (accepted) this.count(cell as LocalRef)
    return accepted
  }

  override batch(cell: Cell, message: Message, payload: unknown, most: number): ReadonlyArray<unknown> {
    const payloads = super.batch(cell, message, payload, most)
    const { inspected, name } = cell as LocalRef
    const { metrics } = this.observer
    // Its handler is counted once.
    const more = payloads.length - 1
    if (inspected !== undefined) inspected.handled += more
    if (metrics === undefined) return payloads
    const row = metrics.row(name)
    for (let i = 0; i < more; i++) metrics.handled(row)
    return payloads
  }

  private count({ host, size }: LocalRef): void {
    const { metrics } = this.observer
    metrics?.accepted(metrics.row(host.name), size)
  }
}

const Span = Schema.Struct({ traceId: Schema.String, spanId: Schema.String, sampled: Schema.Boolean })

const span = Codec.make(Span)

/** No span at all. */
const NONE = { traceId: "", spanId: "", sampled: false }

/** Says to which span the next message belongs. */
export class ObservedPeer extends Peer.Peer {
  override tell<A>(target: number, version: number, address: number, value: A, codec: Codec.Codec<A>): void {
    this.carry(
      this.system.observer!.tracing?.current,
      () => super.tell(target, version, address, value, codec)
    )
  }

  override ask<A>(
    target: number,
    version: number,
    address: number,
    value: A,
    codecs: Wire.MessageCodecs,
    replier: Replier
  ): void {
    this.carry(carried(replier), () => {
      // It was told, by somebody who had to wait for room.
      if (replier instanceof Told) super.tell(target, version, address, value, codecs.payload)
      else super.ask(target, version, address, value, codecs, replier)
    })
  }

  private carry(from: Tracer.AnySpan | undefined, send: () => void): void {
    if (from === undefined) return send()
    this.write(Peer.SPAN, 0, 0, 0, 0, from, span)
    try {
      send()
    } catch (error) {
      // The next message is another one's.
      this.write(Peer.SPAN, 0, 0, 0, 0, NONE, span)
      throw error
    }
  }
}

/** Gives messages the spans that came before them, and follows those who wait for each other. */
export class ObservedInbox extends Inbox {
  /** The span of the next message. */
  private span: Tracer.AnySpan | undefined = undefined

  override record(
    kind: number,
    a: number,
    b: number,
    c: number,
    d: number,
    bytes: Bytes,
    offset: number,
    end: number
  ): void {
    if (kind >= Peer.INSPECT && kind <= Peer.POST_MORTEM) return this.inspect(kind, d, bytes, offset, end)
    if (kind !== Peer.SPAN && kind !== Peer.PROBE) {
      super.record(kind, a, b, c, d, bytes, offset, end)
      this.span = undefined
      return
    }
    this.peer.reader.take()
    try {
      if (kind === Peer.SPAN) {
        const came = span.decode(bytes, offset, end)
        this.span = came.traceId === "" ? undefined : Tracer.externalSpan(came)
      } else {
        const ref = this.receiver(a, b, c)
        if (ref !== undefined) this.system.observer!.cycles?.receive(ref, bytes, offset, end)
      }
    } catch (error) {
      this.misread(error)
    }
  }

  /** Somebody there looks at the actors here, or the other way round. */
  private inspect(kind: number, correlation: number, bytes: Bytes, offset: number, end: number): void {
    const { peer, system } = this
    peer.reader.take()
    const inspector = system.observer!.inspector
    try {
      if (kind === Peer.INSPECTED) {
        return peer.settle(correlation)?.replier.succeed(InspectWire.answer.decode(bytes, offset, end))
      }
      if (inspector === undefined) return
      if (kind === Peer.POST_MORTEM) return inspector.postMortem.freeze(true)
      const served = Effect.runForkWith(system.context)(
        Inspecting.serve(inspector, InspectWire.request.decode(bytes, offset, end))
      )
      served.addObserver((exit) => {
        if (Exit.isSuccess(exit)) peer.answer(Peer.INSPECTED, correlation, exit.value, InspectWire.answer)
      })
    } catch (error) {
      this.misread(error)
    }
  }

  protected override replier(
    target: Target,
    tag: string,
    asker: Peer.Peer | undefined,
    correlation: number,
    codecs: Wire.MessageCodecs
  ): Replier | undefined {
    const { span } = this
    const replier = super.replier(target, tag, asker, correlation, codecs)
    if (span === undefined) return replier
    return replier === undefined ? new Told(target, tag, span) : Object.assign(replier, { span })
  }
}
