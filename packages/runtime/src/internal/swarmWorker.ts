/** A worker's side of the swarms of its pool: runs chunks of their turns, and the effects that handlers return. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as ActorId from "../ActorId.ts"
import * as Codec from "../Codec.ts"
import * as Memory from "../Memory.ts"
import type { Any } from "../Swarm.ts"
import type { Port } from "./bells.ts"
import * as Failure from "./failure.ts"
import type { Hosting } from "./handshake.ts"
import { LATER, NEXT, Step, STOP } from "./hot/step.ts"
import { EFFECT, NOTHING, SEND } from "./hot/swarmOutputs.ts"
import { type Stretch, SwarmStore } from "./hot/swarmStore.ts"
import { type Flight, type Handling, SwarmTurn } from "./hot/swarmTurn.ts"
import type { Protocol } from "./protocol.ts"
import type { Ref } from "./ref.ts"
import type { RemoteContract } from "./remoteRef.ts"
import { type Outlet, SwarmContext } from "./swarmContext.ts"
import { effectOf } from "./swarmFlight.ts"
import { SLICE_MILLIS } from "./swarmHost.ts"
import * as Pack from "./swarmPack.ts"
import type * as Post from "./swarmPost.ts"
import * as Wire from "./swarmWire.ts"
import type { System } from "./system.ts"

/** The thread that owns a pool's swarms: the one that made the pool. */
const OWNER = 0

/** The swarms that a worker has handlers of. */
export class SwarmWorkers {
  readonly system: System
  readonly port: Port
  readonly byName = new Map<string, SwarmWorker>()

  constructor(system: System, port: Port) {
    this.system = system
    this.port = port
  }

  /** Begins to listen: all that this worker has is there. */
  open(): void {
    this.port.addEventListener("message", ({ data }) => {
      const order = data as Post.Order
      this.byName.get(order.swarm)?.order(order)
    })
    this.port.start()
    this.port.unref?.()
  }

  get hosted(): ReadonlyArray<Hosting> {
    return Array.from(this.byName.values(), ({ contract }) => ({
      name: contract.name,
      fingerprint: Wire.of(contract).fingerprint
    }))
  }
}

const all = new WeakMap<System, SwarmWorkers>()

/** Makes a worker's system one that runs handlers of swarms. */
export const attach = (system: System, port: Port): SwarmWorkers => {
  const workers = new SwarmWorkers(system, port)
  all.set(system, workers)
  return workers
}

/** The swarms of a worker's system; undefined on the thread that owns swarms itself. */
export const workersOf = (system: System): SwarmWorkers | undefined => all.get(system)

/** An ask that is answered from here. */
class Replier {
  readonly token: number
  private readonly worker: SwarmWorker
  private readonly turn: number
  private readonly message: number
  done = false

  constructor(worker: SwarmWorker, turn: number, token: number, message: number) {
    this.worker = worker
    this.turn = turn
    this.token = token
    this.message = message
  }

  succeed(value: unknown): void {
    this.answer(true, value)
  }

  fail(error: unknown): void {
    this.answer(false, error)
  }

  private answer(success: boolean, value: unknown): void {
    if (this.done) return
    this.done = true
    this.worker.reply(this.turn, this.token, this.message, success, value)
  }
}

export class SwarmWorker {
  readonly contract: Any
  readonly protocol: Protocol
  private readonly workers: SwarmWorkers
  readonly wire: Wire.SwarmWire
  private readonly turn: SwarmTurn<Replier>
  /** The services of the handlers. */
  context: Context.Context<never>
  private readonly defer: (task: () => void) => void
  private readonly memory: Memory.Service
  private readonly scope: Scope.Scope
  /** The type in the identities of its instances. */
  readonly type: number
  /** Its instances, as this thread addresses them. */
  private face: RemoteContract | undefined = undefined
  private store: SwarmStore | undefined = undefined
  private readonly addressees = new Pack.Addressees()
  private readonly flights = new Map<number, Fiber.Fiber<unknown, unknown>>()

  constructor(options: {
    readonly contract: Any
    readonly workers: SwarmWorkers
    readonly handling: ReadonlyArray<Handling>
    readonly context: Context.Context<never>
    readonly defer: (task: () => void) => void
    readonly scope: Scope.Scope
  }) {
    const { context, contract, handling, workers } = options
    this.contract = contract
    this.workers = workers
    this.wire = Wire.of(contract)
    this.protocol = Wire.protocolOf(contract, workers.system.validate)
    this.context = context
    this.defer = options.defer
    this.scope = options.scope
    this.memory = Context.get(context, Memory.Memory)
    const type = this.type = workers.system.types.number(contract.name)
    const outlet = this.outlet()
    this.turn = new SwarmTurn<Replier>(
      this.wire.rows,
      handling,
      contract.options.onFailure ?? "end",
      (run) => new SwarmContext(run as SwarmTurn<unknown>, type, OWNER, outlet)
    )
    workers.byName.set(contract.name, this)
  }

  get name(): string {
    return this.contract.name
  }

  /** Instances alive, as far as this thread has heard. */
  get count(): number {
    return this.store?.count ?? 0
  }

  get byteLength(): number {
    return this.store?.byteLength ?? 0
  }

  private get system(): System {
    return this.workers.system
  }

  /** The version of an identity; 0, which nobody has, of one that is not of this swarm. */
  version(id: ActorId.Parts): number {
    return id.type === this.type && id.machine === OWNER ? id.version : 0
  }

  /** A reference to an instance: its messages go to the thread that owns the swarm. */
  ref(slot: number, version: number): Ref {
    const { name, protocol, type } = this
    const mesh = this.system.mesh!
    const face = this.face ??= mesh.contracts.stranger(OWNER, name, type, protocol)
    const id = ActorId.make({ type, instance: slot, version, machine: OWNER })
    return mesh.refs.spawned(face, mesh.peer(OWNER), id, undefined) as unknown as Ref
  }

  /** Says something to a swarm, outside of its turns. */
  say(what: Post.Said["what"], tag: string, value: unknown, id?: ActorId.ActorId): void {
    const { wire: { construct, state, wire } } = this
    const message = this.protocol.get(tag)
    const made = what === "spawn" ? construct(value) : message?.construct?.(value) ?? value
    const bytes = Pack.across(
      this.system,
      () => Codec.encodeUnsafe(what === "spawn" ? state : wire.messages[message!.index]!.payload, made)
    )
    const said: Post.Said = {
      _tag: "Said",
      swarm: this.name,
      what,
      id,
      message: message?.index ?? 0,
      value: bytes
    }
    this.workers.port.postMessage(said)
  }

  private outlet(): Outlet {
    const { workers } = this
    const of = (name: string): SwarmWorker | undefined => workers.byName.get(name)
    return {
      tell(swarm, id, tag, payload) {
        const to = of(swarm)
        return to?.ref(id.instance, to.version(id)).tellUnsafe(tag, payload) ?? false
      },
      spawn: (swarm, state) => of(swarm)?.say("spawn", "", state),
      broadcast: (swarm, tag, payload) => of(swarm)?.say("broadcast", tag, payload),
      ref: (slot, version) => this.ref(slot, version) as never,
      version: (swarm, id) => of(swarm)?.version(id) ?? 0,
      message(swarm, tag, payload) {
        const message = of(swarm)?.protocol.get(tag)
        if (message === undefined) return { index: 0xffff, value: payload }
        return { index: message.index, value: message.construct?.(payload) ?? payload }
      }
    }
  }

  order(order: Post.Order): void {
    if (order._tag === "Turn") return this.attempt(() => this.begin(order))
    this.flights.get(order.slot)?.interruptUnsafe()
  }

  /** A part of a turn; if there is none of it, the thread that owns the swarm is told why. */
  private attempt(run: () => void): void {
    try {
      run()
    } catch (error) {
      const failed: Post.Failed = { _tag: "Failed", swarm: this.name, problem: Failure.of(error) }
      this.workers.port.postMessage(failed)
    }
  }

  /** Regions that other turns have had before, or that are new. */
  private take(parts: Post.Turn["parts"]): SwarmStore {
    for (const { descriptor, use } of parts) {
      const region: Stretch = Effect.runSync(
        Effect.provideService(this.memory.attach(descriptor), Scope.Scope, this.scope)
      )
      if (use.kind === "header") {
        const birth = { fingerprint: [], seed: 0, type: 0, heapBytes: 0 }
        this.store = new SwarmStore(this.wire.rows, region, birth, () => {
          throw new Error("a worker allocates nothing")
        })
        this.turn.seed = this.store.seed
        this.turn.version = (slot) => this.store!.slots.version(slot)
      } else this.store!.attach(use, region)
    }
    return this.store!
  }

  private begin(order: Post.Turn): void {
    const { turn } = this
    const store = this.take(order.parts)
    const chunks = store.used
    const { claims, deal, place, workers } = order
    const { messages } = this.wire.wire
    const bytes = new Codec.Bytes(deal.bytes)
    // Of one chunk at a time: filled from its beginning, so that it has no holes.
    const content: Array<unknown> = []
    const repliers = new Map<number, Replier>()
    const ran: Array<{ chunk: number; end: number }> = []
    const asked = new Set(deal.asked)
    let stolen = 0
    turn.turn = order.turn
    turn.swept = 0
    turn.failed = 0
    turn.handled.fill(0)
    turn.out.clear()
    const broadcasts = Pack.across(this.system, () =>
      order.broadcasts.map(({ message, payload }) => ({
        message,
        payload: Codec.decodeUnsafe(messages[message]!.payload, payload)
      })))
    const run = (chunk: number): void => {
      const from = deal.starts[chunk]!
      const to = deal.starts[chunk + 1]!
      Pack.across(this.system, () => {
        for (let k = from; k < to; k++) {
          const message = deal.told[k]! & 0xffff
          content[k - from] = messages[message]!.payload.decode(
            bytes,
            k === 0 ? 0 : deal.ends[k - 1]!,
            deal.ends[k]!
          )
          const i = deal.order[k]!
          if (asked.has(i)) repliers.set(i, new Replier(this, order.turn, i, message))
        }
      })
      turn.run(
        store.chunks[chunk]!,
        store.size(chunk),
        { ...deal, content, first: from, repliers },
        from,
        to,
        broadcasts
      )
      ran.push({ chunk, end: turn.out.size })
    }
    // Its own share from the beginning, then the others' from their ends: so that thieves and owners seldom meet.
    const share = (of: number): number => Math.floor(of * chunks / workers)
    let victim = 0
    let next = share(place)
    const claim = (): number => {
      while (victim < workers) {
        const of = (place + victim) % workers
        while (victim === 0 ? next < share(of + 1) : next >= share(of)) {
          const chunk = victim === 0 ? next++ : next--
          const before = Atomics.load(claims, chunk)
          if (
            before !== order.turn && Atomics.compareExchange(claims, chunk, before, order.turn) === before
          ) {
            if (victim > 0) stolen++
            return chunk
          }
        }
        victim++
        next = share((place + victim) % workers + 1) - 1
      }
      return -1
    }
    const slice = (): void => {
      const end = performance.now() + SLICE_MILLIS
      for (let chunk = claim(); chunk >= 0; chunk = claim()) {
        run(chunk)
        if (performance.now() >= end) return this.defer(() => this.attempt(slice))
      }
      this.finish(order.turn, ran, stolen)
    }
    slice()
  }

  private finish(number: number, chunks: Post.Done["chunks"], stolen: number): void {
    const { store, turn } = this
    const { out } = turn
    const flights = this.departing()
    const waiting: Array<Post.Done["waiting"][number]> = []
    if (this.wire.rows.shape.managed) {
      for (const { chunk } of chunks) {
        const heap = store!.chunks[chunk]!.heap!
        if (heap.waiting.length === 0) continue
        waiting.push({ chunk, values: heap.waiting })
        heap.waiting = []
      }
    }
    const outputs = Pack.pack(
      this.system,
      this,
      out,
      this.addressees,
      (name) => this.workers.byName.get(name)
    )
    const done: Post.Done = {
      _tag: "Done",
      swarm: this.name,
      turn: number,
      chunks,
      stolen,
      outputs,
      handled: turn.handled,
      swept: turn.swept,
      failed: turn.failed,
      waiting
    }
    this.workers.port.postMessage(done)
    for (const { flight, message, slot } of flights) this.start(slot, message, flight)
  }

  /** The effects that begin; and what is sent to actors that only their own worker knows goes out from here. */
  private departing(): ReadonlyArray<{ slot: number; message: number; flight: Flight }> {
    const { out } = this.turn
    const flights: Array<{ slot: number; message: number; flight: Flight }> = []
    for (let i = 0; i < out.size; i++) {
      if (out.kinds[i] === EFFECT) {
        flights.push({ slot: out.as[i]!, message: out.bs[i]!, flight: out.ys[i] as Flight })
      } else if (out.kinds[i] === SEND) {
        const { address } = out.xs[i] as Ref
        const stranger = address._tag === "Other"
          ? address.id.machine !== 0
          : address._tag === "OtherKey" && address.machine !== 0
        if (!stranger) continue
        const [tag, payload] = out.ys[i] as [string, unknown]
        ;(out.xs[i] as Ref).tellUnsafe(tag, payload)
        out.kinds[i] = NOTHING
      }
    }
    return flights
  }

  private start(slot: number, message: number, flight: Flight): void {
    const version = this.turn.version(slot)
    const { messages } = this.wire.wire
    const fiber = Effect.runForkWith(this.context)(effectOf(this, message, flight.effect))
    this.flights.set(slot, fiber)
    fiber.addObserver((exit) => {
      if (this.flights.get(slot) === fiber) this.flights.delete(slot)
      const outcome = this.outcomeOf(exit, flight, messages[message]!)
      this.turn.land(flight)
      const landed: Post.Landed = { _tag: "Landed", swarm: this.name, slot, version, message, outcome }
      this.workers.port.postMessage(landed)
    })
  }

  /** What an effect has come to, as it crosses: what does not fit is its failure. */
  private outcomeOf(
    exit: Exit.Exit<unknown, unknown>,
    flight: Flight,
    codecs: Parameters<typeof Pack.valueOf>[1]
  ): Post.Landed["outcome"] {
    try {
      return Pack.across(this.system, () => this.outcome(exit, flight, codecs))
    } catch (problem) {
      return { _tag: "Die", problem: Failure.of(problem) }
    }
  }

  private outcome(
    exit: Exit.Exit<unknown, unknown>,
    { cursor }: Flight,
    codecs: Parameters<typeof Pack.valueOf>[1]
  ): Post.Landed["outcome"] {
    const nothing = new Uint8Array()
    if (Exit.isFailure(exit)) {
      const error = Cause.findError(exit.cause)
      if (error._tag === "Failure") return { _tag: "Die", problem: Failure.ofCause(exit.cause) }
      return { _tag: "Fail", error: Codec.encodeUnsafe(codecs.error, error.success) }
    }
    const step = exit.value ?? new Step(NEXT, undefined, undefined)
    if (!(step instanceof Step) || (step.kind > LATER && step.kind !== STOP)) {
      const crashed = step instanceof Step && step.value !== undefined
      return {
        _tag: "Die",
        problem: crashed ? Failure.of(step.value) : "its effect gave what is no step for it"
      }
    }
    const { kind, state, value } = step
    if (state !== undefined && state !== cursor.view && kind !== STOP) cursor.write(state)
    const codec = Pack.valueOf(kind, codecs)
    return {
      _tag: "Step",
      kind,
      state: kind === STOP ? nothing : Codec.encodeUnsafe(this.wire.state, cursor.read()),
      value: codec === undefined ? nothing : Codec.encodeUnsafe(codec, value)
    }
  }

  reply(turn: number, token: number, message: number, success: boolean, value: unknown): void {
    const codecs = this.wire.wire.messages[message]!
    const bytes = Pack.across(
      this.system,
      () => Codec.encodeUnsafe(success ? codecs.success : codecs.error, value)
    )
    const reply: Post.Reply = {
      _tag: "Reply",
      swarm: this.name,
      turn,
      token,
      message,
      success,
      value: bytes
    }
    this.workers.port.postMessage(reply)
  }
}
