/** The workers that run the handlers of a pool's swarms, as the thread that owns the swarms sees them. */
import * as Exit from "effect/Exit"
import { ActorEnded } from "../AskError.ts"
import * as Codec from "../Codec.ts"
import type { Any } from "../Swarm.ts"
import { SwarmError } from "../SwarmError.ts"
import type { Port } from "./bells.ts"
import type { Hosting } from "./handshake.ts"
import { Step } from "./hot/step.ts"
import { EFFECT, OWE, SwarmOutputs } from "./hot/swarmOutputs.ts"
import type { SwarmInbox } from "./hot/swarmInbox.ts"
import type { Debt } from "./life.ts"
import type { Ref } from "./ref.ts"
import { invalid } from "./refusal.ts"
import { RemoteFlight } from "./swarmFlight.ts"
import { resolve } from "./resolve.ts"
import type { Executor, Outcome, Plan, SwarmHost } from "./swarmHost.ts"
import type { Part } from "./swarmMemory.ts"
import * as Pack from "./swarmPack.ts"
import type * as Post from "./swarmPost.ts"
import { swarmsOf } from "./swarms.ts"
import * as Wire from "./swarmWire.ts"
import type { System } from "./system.ts"

/** Chunks that a swarm on workers can have. */
const MOST_CHUNKS = 65_536

/** One worker. */
interface Member {
  readonly thread: number
  readonly port: Port
  /** How many regions of each swarm it has been told of. */
  readonly told: Map<string, number>
}

export class Crew {
  readonly contracts: ReadonlyArray<Any>
  private readonly members = new Map<number, Member>()
  private readonly executors = new Map<string, CrewExecutor>()

  constructor(contracts: ReadonlyArray<Any>) {
    this.contracts = contracts
  }

  /** What each worker must prove that it hosts. */
  get hosted(): ReadonlyArray<Hosting> {
    return this.contracts.map((contract) => ({
      name: contract.name,
      fingerprint: Wire.of(contract).fingerprint
    }))
  }

  /** A port for a worker, which takes part from `joined` on. */
  connect(thread: number): Port {
    const { port1, port2 } = new MessageChannel()
    const port: Port = port1
    port.addEventListener("message", ({ data }) => this.hear(thread, data as Post.Report))
    port.start()
    port.unref?.()
    this.waiting.set(thread, port)
    return port2
  }
  private readonly waiting = new Map<number, Port>()

  joined(thread: number): void {
    const port = this.waiting.get(thread)
    if (port === undefined) return
    this.waiting.delete(thread)
    this.members.set(thread, { thread, port, told: new Map() })
    for (const executor of this.executors.values()) executor.host.arm()
  }

  left(thread: number): void {
    const member = this.members.get(thread)
    this.members.delete(thread)
    member?.port.close()
    for (const executor of this.executors.values()) executor.left(thread)
  }

  /** Runs the turns of a swarm. */
  executor(host: SwarmHost, parts: ReadonlyArray<Part>): CrewExecutor {
    const executor = new CrewExecutor(this, host, parts)
    this.executors.set(host.name, executor)
    return executor
  }

  get present(): ReadonlyArray<Member> {
    return Array.from(this.members.values()).sort((one, other) => one.thread - other.thread)
  }

  close(): void {
    for (const { port } of this.members.values()) port.close()
    this.members.clear()
  }

  private hear(thread: number, report: Post.Report): void {
    this.executors.get(report.swarm)?.hear(thread, report)
  }
}

/** A turn that is open. */
interface Open {
  readonly turn: number
  readonly inbox: SwarmInbox<Debt>
  readonly done: (outcome: Outcome | SwarmError) => void
  readonly awaited: Set<number>
  readonly reports: Array<{ readonly thread: number; readonly report: Post.Done }>
  problem: SwarmError | undefined
}

export class CrewExecutor implements Executor {
  readonly host: SwarmHost
  private readonly crew: Crew
  private readonly parts: ReadonlyArray<Part>
  private readonly known: Pack.Known
  private readonly system: System
  readonly handled: Float64Array
  private readonly claims = new Int32Array(new SharedArrayBuffer(MOST_CHUNKS * 4))
  private readonly writer = new Pack.Writer(65_536, (length) => new SharedArrayBuffer(length))
  private ends = new Uint32Array(new SharedArrayBuffer(4096))
  private open: Open | undefined = undefined
  /** Answers that are owed from workers, by turn and ask. */
  private readonly owed = new Map<string, { readonly debt: Debt; readonly thread: number }>()
  /** The actors that each worker has sent to, by their places. */
  private readonly sentTo = new Map<number, Array<Ref | undefined>>()
  /** Chunks that were run by others than those whose share they were. */
  stolen = 0

  constructor(crew: Crew, host: SwarmHost, parts: ReadonlyArray<Part>) {
    this.crew = crew
    this.host = host
    this.parts = parts
    this.system = host.system
    this.known = { name: host.name, protocol: host.protocol, wire: Wire.of(host.contract) }
    this.handled = new Float64Array(host.protocol.messages.length)
  }

  run({ broadcasts, inbox, turn }: Plan, done: (outcome: Outcome | SwarmError) => void): void {
    const { host } = this
    const members = this.crew.present
    const idle = { parts: [], swept: 0, handled: 0, failed: 0 }
    if (host.store.count === 0 || (inbox.size === inbox.dead && broadcasts.length === 0)) return done(idle)
    if (members.length === 0) return done(this.problem("no worker is left"))
    if (host.store.used > MOST_CHUNKS) {
      return done(
        new SwarmError({ swarm: host.name, reason: "Memory", problem: `${MOST_CHUNKS} chunks at most` })
      )
    }
    const packed = this.pack(inbox, broadcasts)
    this.open = {
      turn,
      inbox,
      done,
      awaited: new Set(members.map(({ thread }) => thread)),
      reports: [],
      problem: undefined
    }
    members.forEach((member, place) => {
      const told = member.told.get(host.name) ?? 0
      member.told.set(host.name, this.parts.length)
      const order: Post.Turn = {
        _tag: "Turn",
        swarm: host.name,
        turn,
        workers: members.length,
        place,
        parts: this.parts.slice(told),
        claims: this.claims,
        ...packed
      }
      member.port.postMessage(order)
    })
  }

  /** The messages and broadcasts of a turn as bytes: messages in the order of the chunks. Those that cannot cross are out. */
  private pack(
    inbox: SwarmInbox<Debt>,
    broadcasts: Plan["broadcasts"]
  ): Pick<Post.Turn, "broadcasts" | "deal"> {
    const { messages } = this.known.wire.wire
    const { writer } = this
    const least = inbox.size - inbox.dead
    if (this.ends.length < least) this.ends = new Uint32Array(new SharedArrayBuffer(least * 8))
    const { ends } = this
    writer.at = 0
    return Pack.across(this.system, () => {
      for (let k = 0; k < inbox.size - inbox.dead;) {
        const message = inbox.told[k]! & 0xffff
        try {
          writer.write(messages[message]!.payload, inbox.content[k])
          ends[k++] = writer.at
        } catch (error) {
          this.refuse(message, inbox.content[k], inbox.repliers.get(inbox.order[k]!), error)
          inbox.drop(k)
        }
      }
      const swept: Array<Post.Turn["broadcasts"][number]> = []
      for (const { message, payload } of broadcasts) {
        try {
          swept.push({ message, payload: Codec.encodeUnsafe(messages[message]!.payload, payload) })
        } catch (error) {
          this.refuse(message, payload, undefined, error)
        }
      }
      return {
        deal: {
          size: inbox.size,
          starts: inbox.starts,
          rows: inbox.rows,
          told: inbox.told,
          order: inbox.order,
          ends,
          bytes: writer.bytes.u8.buffer as SharedArrayBuffer,
          asked: Array.from(inbox.repliers.keys())
        },
        broadcasts: swept
      }
    })
  }

  /** A message that cannot cross. */
  private refuse(message: number, payload: unknown, replier: Debt | undefined, error: unknown): void {
    const { host } = this
    const refusal = invalid(error)
    host.refuse(refusal, host.protocol.messages[message]!.tag, payload)
    replier?.abandon(refusal.askReason)
  }

  hear(thread: number, report: Post.Report): void {
    switch (report._tag) {
      case "Done":
        return this.done(thread, report)
      case "Failed":
        return this.lost(thread, `worker thread ${thread} failed (${report.problem})`)
      case "Landed":
        return this.landed(report)
      case "Reply":
        return this.reply(report)
      case "Said":
        return this.said(report)
    }
  }

  private done(thread: number, report: Post.Done): void {
    const { open } = this
    if (open === undefined || !open.awaited.delete(thread)) return
    open.reports.push({ thread, report })
    this.settle(open)
  }

  /** A worker's thread has ended. */
  left(thread: number): void {
    this.sentTo.delete(thread)
    // First: whoever waits for one of them goes on at once, and finds its instance idle.
    this.host.between(() => this.host.flights.lost(thread))
    for (const [key, { debt, thread: of }] of this.owed) {
      if (of !== thread) continue
      this.owed.delete(key)
      debt.abandon(new ActorEnded({ failure: `worker thread ${thread} ended` }))
    }
    this.lost(thread, `worker thread ${thread} ended`)
  }

  /** A worker's part of the turn is lost: which of its chunks it had run, and how far, nobody knows. */
  private lost(thread: number, problem: string): void {
    const { open } = this
    if (open === undefined || !open.awaited.delete(thread)) return
    open.problem ??= this.problem(`${problem} within turn ${open.turn}`)
    this.settle(open)
  }

  /** Hands the turn back when all have reported. */
  private settle(open: Open): void {
    if (open.awaited.size > 0) return
    this.open = undefined
    open.done(open.problem ?? this.outcome(open))
  }

  private outcome({ inbox, reports, turn }: Open): Outcome | SwarmError {
    const { host, known } = this
    const parts: Array<{ readonly chunk: number; readonly part: Outcome["parts"][number] }> = []
    let swept = 0
    let handled = 0
    let failed = 0
    for (const { report, thread } of reports) {
      const out = new SwarmOutputs()
      try {
        Pack.unpack(
          this.system,
          known,
          report.outputs,
          out,
          this.swarm,
          (token) => inbox.repliers.get(token),
          this.actors(thread, report.outputs)
        )
      } catch (error) {
        return this.problem(`what a worker said in turn ${turn} does not decode: ${String(error)}`)
      }
      this.note(turn, thread, out, report.outputs)
      let from = 0
      for (const { chunk, end } of report.chunks) {
        if (end > from) parts.push({ chunk, part: { out, from, to: end } })
        from = end
      }
      report.handled.forEach((count, message) => {
        this.handled[message]! += count
        handled += count
      })
      for (const { chunk, values } of report.waiting) host.store.chunks[chunk]!.heap!.waiting = values
      swept += report.swept
      failed += report.failed
      this.stolen += report.stolen
    }
    parts.sort((one, other) => one.chunk - other.chunk)
    return { parts: parts.map(({ part }) => part), swept, handled, failed }
  }

  private readonly swarm = (name: string): Pack.Known | undefined => {
    const host = name === this.host.name ? this.host : swarmsOf(this.system).get(name)
    return host && { name, protocol: host.protocol, wire: Wire.of(host.contract) }
  }

  /** Takes in the actors that a worker sends to for the first time; how it finds them. */
  private actors(thread: number, { actors, forget }: Post.Packed): (place: number) => Ref | undefined {
    let known = this.sentTo.get(thread)
    if (known === undefined || forget) {
      known = []
      this.sentTo.set(thread, known)
    }
    const { system } = this
    for (const bytes of actors) {
      const { address, name } = Pack.across(system, () => Pack.addressed(bytes))
      const protocol = system.mesh?.contracts.named(name)?.protocol ?? system.hosts.get(name)?.protocol ??
        swarmsOf(system).get(name)?.protocol
      if (protocol === undefined) {
        system.log(`a handler of ${this.host.name} sent to ${name}, which nobody hosts`)
      }
      known.push(protocol && resolve(system, address, { name, group: protocol.group }))
    }
    return (place) => known[place]
  }

  /** Keeps who may be answered from a worker later, and where the effects are that have begun there. */
  private note(turn: number, thread: number, out: SwarmOutputs, { kinds, xs }: Post.Packed): void {
    if (this.owed.size > 1024) {
      for (const [key, { debt }] of this.owed) if (debt.done) this.owed.delete(key)
    }
    for (let i = 0; i < kinds.length; i++) {
      if (kinds[i] !== OWE && kinds[i] !== EFFECT) continue
      if (kinds[i] === EFFECT) out.ys[i] = new RemoteFlight(this, thread)
      const debt = out.xs[i] as Debt | undefined
      if (debt !== undefined) this.owed.set(`${turn}.${xs[i]! - 1}`, { debt, thread })
    }
  }

  private reply({ message, success, token, turn, value }: Post.Reply): void {
    // The turn may not be over: whoever asked is still with its messages.
    const key = `${turn}.${token}`
    const debt = this.owed.get(key)?.debt ??
      (this.open?.turn === turn ? this.open.inbox.repliers.get(token) : undefined)
    if (debt === undefined) return
    this.owed.delete(key)
    const codecs = this.known.wire.wire.messages[message]!
    const answer = Pack.across(
      this.system,
      () => Codec.decodeUnsafe(success ? codecs.success : codecs.error, value)
    )
    if (success) debt.succeed(answer)
    else debt.fail(answer)
  }

  private said({ id, message, value, what }: Post.Said): void {
    const { host, known: { wire } } = this
    const decoded = Pack.across(
      this.system,
      () => Codec.decodeUnsafe(what === "spawn" ? wire.state : wire.wire.messages[message]!.payload, value)
    )
    const { tag } = host.protocol.messages[message] ?? { tag: "" }
    if (what === "tell") host.tell(id!, tag, decoded)
    else if (what === "broadcast") host.broadcast(tag, decoded)
    else host.bear(host.name, decoded)
  }

  private landed({ message, outcome, slot, version }: Post.Landed): void {
    const { host, known: { wire } } = this
    const codecs = wire.wire.messages[message]!
    const exit = Pack.across(this.system, () => {
      switch (outcome._tag) {
        case "Die":
          return Exit.die(new Pack.WorkerFailure(outcome.problem))
        case "Fail":
          return Exit.fail(Codec.decodeUnsafe(codecs.error, outcome.error))
        case "Step": {
          const { kind, state, value } = outcome
          const codec = Pack.valueOf(kind, codecs)
          return Exit.succeed(
            new Step(
              kind,
              state.length === 0 ? undefined : Codec.decodeUnsafe(wire.state, state),
              codec && Codec.decodeUnsafe(codec, value)
            )
          )
        }
      }
    })
    host.between(() => host.flights.landed(slot, version, exit))
  }

  /** Ends an effect on its worker. */
  interrupt(thread: number, slot: number): void {
    const order: Post.Interrupt = { _tag: "Interrupt", swarm: this.host.name, slot }
    this.crew.present.find((member) => member.thread === thread)?.port.postMessage(order)
  }

  private problem(problem: string): SwarmError {
    return new SwarmError({ swarm: this.host.name, reason: "ThreadLost", problem })
  }
}
