/** Hosts the actors of one definition on this thread. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Any, Behaviour } from "../Actor.ts"
import * as ActorId from "../ActorId.ts"
import type { ActorRef } from "../ActorRef.ts"
import { ThreadLost } from "../AskError.ts"
import type { Bounded } from "../Mailbox.ts"
import { type Child, Default, type Overseer } from "../Overseer.ts"
import { Placement } from "../Placement.ts"
import { SpawnError } from "../SpawnError.ts"
import type { Address } from "./address.ts"
import { BoundedRef } from "./boundedRef.ts"
import * as Faulty from "./faulty.ts"
import { Inherited } from "./handover.ts"
import type { Host } from "./host.ts"
import { ENDING, type Handler, HELD, IDLE, type Message, RUNNING, SIGNALLED, STARTING } from "./hot/cell.ts"
import { HANDLED } from "./hot/counts.ts"
import { Step, STOP } from "./hot/step.ts"
import { KeyedRef } from "./keyedRef.ts"
import { ResidentRef, Residents } from "./residents.ts"
import { hostedKey, systemKey } from "./keys.ts"
import { awaitEnd, end, exitOf, lifeOf } from "./life.ts"
import { LocalRef } from "./localRef.ts"
import { Mailbox } from "./mailbox.ts"
import type { Kept } from "./mesh.ts"
import type { Owner } from "./owner.ts"
import { Oversight } from "./oversight.ts"
import { compile, type Protocol } from "./protocol.ts"
import { RankedBoundedRef, RankedRef } from "./rankedRef.ts"
import type { Ref } from "./ref.ts"
import type { RemoteContract, RemoteRef } from "./remoteRef.ts"
import type { SharedMailboxes } from "./sharedMailboxes.ts"
import { swarmsOf } from "./swarms.ts"
import type { System } from "./system.ts"
import { Tables } from "./tables.ts"
import * as Wire from "./wire.ts"

/** How many messages an actor may stash, unless its behaviour says otherwise. */
const STASH_CAPACITY = 1024

type AnyBehaviour = Behaviour<any, any, any, Record<string, Handler>, any, Record<string, Handler>>

/** Arguments that do not fit their schema. */
class Unfit {
  readonly issue: unknown
  constructor(issue: unknown) {
    this.issue = issue
  }
}

export class LocalHost implements Host {
  readonly system: System
  readonly name: string
  readonly protocol: Protocol
  /** The services of the handlers. */
  readonly context: Context.Context<never>
  readonly behaviour: AnyBehaviour
  /** By the messages' places, and at the end what the pill does. */
  private readonly handlers: ReadonlyArray<Handler>
  /** What stands in a mailbox to stop its actor when the rest is handled. */
  readonly pill: Message
  /** What the system tells, by its tag. */
  readonly signals: Readonly<Record<string, Handler | undefined>>
  /** Who oversees its keyed actors. */
  private readonly overseer: Overseer | undefined
  /** Its tables of handlers: that of its behaviour, and those that its actors have become. */
  readonly tables: Tables
  /** How many messages an actor may stash. */
  readonly stashCapacity: number
  private readonly makeArgs: (input: unknown) => unknown
  /** Owns the keyed actors, and those that other threads spawned: they live as long as the host. */
  readonly owner: Owner
  /** What sending to the actor on another thread needs. */
  readonly wire: Wire.Wire
  readonly bounds: Bounded | undefined
  readonly contract: RemoteContract
  /** The references to keys; where keys leave, only those that somebody holds. */
  private readonly refs: {
    get(key: string): KeyedRef | undefined
    set(key: string, ref: KeyedRef): unknown
  }
  private readonly residents: Residents | undefined
  private readonly living = new Map<string, LocalRef>()

  constructor(
    system: System,
    actor: Any,
    behaviour: AnyBehaviour,
    context: Context.Context<never>,
    owner: Owner
  ) {
    this.system = system
    this.name = actor.name
    this.protocol = compile(actor.protocol as never, system.validate)
    this.behaviour = behaviour
    this.tables = new Tables(this, this.swallow)
    this.handlers = this.tables.of(behaviour.handlers)
    this.stashCapacity = behaviour.stash ?? STASH_CAPACITY
    this.pill = { index: this.protocol.messages.length }
    this.signals = system.observer?.inspector?.signals(behaviour.signals ?? {}) ?? behaviour.signals ?? {}
    this.overseer = Context.get(context, Default)
    this.makeArgs = (input) => actor.args.make(input, { disableChecks: !system.validate })
    // Its actors may address others of their kind.
    this.context = Context.add(context, hostedKey(this.name), this) as Context.Context<never>
    const { passivation } = behaviour
    this.residents = passivation && new Residents(this, passivation)
    this.refs = this.residents ?? new Map<string, KeyedRef>()
    this.owner = owner
    this.wire = Wire.of(actor)
    const type = system.types.number(this.name)
    this.contract = {
      name: this.name,
      type,
      host: type,
      protocol: this.protocol,
      wire: this.wire,
      bounds: actor.mailbox
    }
    this.bounds = actor.mailbox
    system.hosts.set(this.name, this)
    system.kinds[type] = this
  }

  get workers(): ReadonlyArray<number> {
    return []
  }

  onLeave(): () => void {
    return () => {}
  }

  spawn(
    args: unknown,
    scope: Scope.Scope,
    context: Context.Context<never>
  ): Effect.Effect<ActorRef<never>, SpawnError> {
    const { mesh, thread } = this.system
    if (mesh !== undefined && thread !== 0) {
      const place = Context.get(context, Placement)
      if (typeof place === "number" && place !== thread) {
        const cause = new Error(`worker ${thread} spawns on itself, not on worker ${place}`)
        return Effect.fail(new SpawnError({ actor: this.name, cause }))
      }
    }
    const owner = this.ownerOf(scope)
    if (owner !== undefined) return this.spawnIn(args, owner, undefined)
    return Effect.flatMap(this.system.owners.make(scope), (owner) => this.spawnIn(args, owner, undefined))
  }

  /** A scope's owner, if it has one already. */
  private ownerOf(scope: Scope.Scope): Owner | undefined {
    // The system outlives the services of the handlers: what is spawned under it ends with these.
    return scope === this.system.scope ? this.owner : this.system.owners.get(scope)
  }

  oversee(
    args: unknown,
    scope: Scope.Scope,
    _context: Context.Context<never>,
    overseer: Overseer
  ): Effect.Effect<Child<never>, SpawnError> {
    const owner = this.ownerOf(scope)
    return (owner === undefined ? this.system.owners.make(scope) : Effect.succeed(owner)).pipe(
      Effect.flatMap((owner) => this.spawnIn(args, owner, overseer)),
      Effect.map((ref) => (ref as unknown as LocalRef).life!.oversight!)
    )
  }

  spawnUnder(parent: LocalRef, args: unknown, overseer: Overseer | undefined): ActorRef<never> {
    const owner = Effect.runSync(this.system.owners.of(lifeOf(parent)))
    // Nobody waits for its start: arguments that do not fit are one that fails.
    let made: unknown
    try {
      made = this.makeArgs(args)
    } catch (issue) {
      made = new Unfit(issue)
    }
    return this.sprout(made, owner, overseer) as unknown as ActorRef<never>
  }

  /** Makes an actor that starts when its turn comes. */
  sprout(made: unknown, owner: Owner, overseer: Overseer | undefined, parent?: Ref): LocalRef {
    const ref = this.make(undefined, IDLE, this.bounds && new Mailbox(this.bounds, undefined))
    if (parent !== undefined) this.system.parents.set(ref, parent)
    owner.add(ref)
    ref.state = made
    if (overseer !== undefined) lifeOf(ref).oversight = new Oversight(ref, made, overseer, true)
    if (owner.closed) end(ref, Exit.void)
    else this.system.dispatcher.schedule(ref)
    return ref
  }

  /** Makes an actor of this thread's predecessor again, without life: its messages wait until it is started. */
  again(kept: Kept): void {
    const { owner, system } = this
    const mesh = system.mesh!
    const { id, target, version } = kept
    const mailbox = this.bounds &&
      new Mailbox(this.bounds, mesh.mailboxes!.spawned(system.thread, target, version))
    const ref = this.make(undefined, HELD, mailbox)
    owner.add(ref)
    system.directory.adopt(ref, ActorId.make({ ...id, type: this.contract.type, machine: system.thread }))
    if (mailbox !== undefined) mesh.shareAgain(ref, kept)
    const oversight = new Oversight(ref, undefined, mesh.peer(0).lives.overseeing(kept.refuses), true)
    oversight.lost(Exit.fail(new ThreadLost({ thread: system.thread })))
    lifeOf(ref).oversight = oversight
  }

  private make(key: string | undefined, status: number, mailbox: Mailbox | undefined): LocalRef {
    const ref = this.makeRef(key, status, mailbox)
    this.system.observer?.born(ref)
    return ref
  }

  private makeRef(key: string | undefined, status: number, mailbox: Mailbox | undefined): LocalRef {
    if (this.protocol.ranks !== undefined) {
      return mailbox === undefined
        ? new RankedRef(this, key, status)
        : new RankedBoundedRef(this, key, status, mailbox)
    }
    return mailbox === undefined
      ? new LocalRef(this, key, status)
      : new BoundedRef(this, key, status, mailbox)
  }

  /** The pill's turn has come. It is no message, and does not count as one. */
  private readonly swallow = (): Step => {
    this.system.counts[HANDLED]!--
    return new Step(STOP, undefined, undefined)
  }

  keyed(key: string): ActorRef<never> {
    return (this.away(key) ?? this.local(key)) as unknown as ActorRef<never>
  }

  /** Whether a key lives on another thread. */
  isAway(key: string): boolean {
    const { mesh, thread } = this.system
    return mesh !== undefined && mesh.hosts(this.name) && mesh.homes.place(this.name, key) !== thread
  }

  /** The reference to a key that lives on another thread. */
  away(key: string): RemoteRef | undefined {
    return this.isAway(key) ? this.system.mesh!.refs.keyed(this.contract, key) : undefined
  }

  /** Whether the workers host it, so that every thread knows its messages. */
  get everywhere(): boolean {
    return this.system.mesh?.hosts(this.name) === true
  }

  /** How other threads reach a key. */
  addressOf(key: string): Address {
    const { name, type } = this.contract
    return this.everywhere
      ? { _tag: "Keyed", type, key }
      : { _tag: "OtherKey", type, machine: this.system.thread, name, key }
  }

  /** The reference to a key that lives on this thread. */
  local(key: string): KeyedRef {
    let ref = this.refs.get(key)
    if (ref === undefined) {
      const { residents } = this
      ref = residents === undefined
        ? new KeyedRef(this, key, this.mailboxOf(key))
        : new ResidentRef(this, key, this.mailboxOf(key), residents)
      this.refs.set(key, ref)
    }
    return ref
  }

  /** The bounds of a key's mailbox; shared where other threads send to the key too. */
  private mailboxOf(key: string): Mailbox | undefined {
    const { bounds } = this
    if (bounds === undefined) return undefined
    const { mesh } = this.system
    if (mesh?.hosts(this.name) !== true) return this.tightened(new Mailbox(bounds, undefined), key)
    // On one thread a slot has one mailbox, wherever the key has lived.
    return mesh.refs.mailboxOf(this.contract, key) ??
      this.tightened(new Mailbox(bounds, mesh.shared(this.name, key, this.system.thread)), key)
  }

  /** Unless nobody hurts the system, a mailbox that may be full before it is. */
  private tightened(mailbox: Mailbox, key: string | undefined): Mailbox {
    const full = this.system.injector?.full
    return full === undefined ? mailbox : Faulty.tighten(mailbox, { name: this.name, key }, full)
  }

  /** The living incarnation of a key, if there is one. */
  resident(key: string): LocalRef | undefined {
    return this.living.get(key)
  }

  /** The living incarnation of a key, made now if there is none. */
  incarnation(key: string): LocalRef | undefined {
    const living = this.living.get(key)
    if (living !== undefined && living.status < ENDING) return living
    if (this.owner.closed) return undefined
    const ref = this.make(key, IDLE, this.local(key).mailbox)
    this.living.set(key, ref)
    this.owner.add(ref)
    const { overseer } = this
    if (overseer !== undefined) lifeOf(ref).oversight = new Oversight(ref, undefined, overseer, true)
    if (living !== undefined) {
      // The old incarnation's finalizers end before the new one starts; until then its messages wait.
      ref.status = STARTING
      Effect.runForkWith(this.context)(awaitEnd(living)).addObserver(() => {
        if (ref.status === STARTING) this.system.dispatcher.rest(ref)
      })
    } else {
      this.system.mesh?.homes.move?.hold(ref)
    }
    return ref
  }

  /** The reference to a key that lives on this thread, or has, if there is one. */
  find(key: string): KeyedRef | undefined {
    return this.refs.get(key)
  }

  /** The workers that keys live on have changed: nothing goes to an incarnation before its place is looked up. */
  unsettle(): void {
    for (const key of this.living.keys()) this.refs.get(key)?.unsettle()
  }

  /** Says where the bounded mailboxes of the keys are that live on this thread. */
  settle(mailboxes: SharedMailboxes): void {
    for (const { key, mailbox } of this.living.values()) {
      if (mailbox?.slot !== undefined && !this.isAway(key!)) mailboxes.settle(mailbox.slot)
    }
  }

  /** The living whose keys have their places on other threads. */
  leaving(): ReadonlyArray<LocalRef> {
    return Array.from(this.living.values()).filter(({ key }) => this.isAway(key!))
  }

  /** Whether nothing waits for those that other threads have spawned here. */
  get quiet(): boolean {
    return this.owner.all.every(({ ref }) =>
      !(ref instanceof LocalRef) || ref.key !== undefined || ref.status === IDLE
    )
  }

  /** Whether an actor has the handlers that it began with. */
  isItself({ handlers }: LocalRef): boolean {
    return handlers === this.handlers
  }

  /** A key has moved here with its state. */
  inherit(key: string, state: Inherited): void {
    const ref = this.incarnation(key)
    if (ref !== undefined && ref.handlers === undefined) ref.state = state
  }

  /** Nobody leaves any more of itself. */
  close(): void {
    this.residents?.close()
  }

  /** The first turn of an actor for whose start nobody waits: a keyed one, or one that a context spawned. */
  start(ref: LocalRef): void {
    // Its arguments are where its state will be.
    const args = ref.state instanceof Inherited ? undefined : ref.state
    const started = this.begin(ref, args, (exit) => {
      if (ref.status >= HELD) return
      if (Exit.isSuccess(exit)) this.system.dispatcher.rest(ref)
      else this.startFailed(ref, exit.cause)
    })
    if (started !== undefined && Exit.isFailure(started)) this.startFailed(ref, started.cause)
  }

  ended(ref: LocalRef): void {
    const { directory, registry } = this.system
    if (registry.concerned) registry.ended(ref)
    if (directory.size > 0) directory.remove(ref)
    this.system.observer?.died(ref)
    if (ref.key === undefined) {
      this.system.mesh?.hasLeft(ref, exitOf(ref))
    } else if (this.living.get(ref.key) === ref) {
      this.living.delete(ref.key)
      if (this.residents !== undefined) this.leave(this.residents, ref.key)
    }
  }

  /** A key's incarnation has ended, and no other one is there. */
  private leave(residents: Residents, key: string): void {
    const ref = this.refs.get(key) as ResidentRef
    residents.left(ref)
    // Where it has moved, or nothing lives on, nobody sends to it here.
    if (!this.owner.closed && !this.isAway(key)) ref.left()
  }

  private startFailed(ref: LocalRef, cause: Cause.Cause<never>): void {
    const oversight = ref.life?.oversight
    if (oversight !== undefined) return oversight.startFailed(cause)
    Effect.runForkWith(this.context)(Effect.logError(`${ref.toString()} did not start`, cause))
    end(ref, Exit.failCause(cause))
  }

  private spawnIn(
    args: unknown,
    owner: Owner,
    overseer: Overseer | undefined
  ): Effect.Effect<ActorRef<never>, SpawnError> {
    let made: unknown
    try {
      made = this.makeArgs(args)
    } catch (cause) {
      return Effect.fail(new SpawnError({ actor: this.name, cause }))
    }
    return this.spawnDecoded(made, owner, overseer)
  }

  /** Spawns with arguments that need no making any more. */
  spawnDecoded(
    made: unknown,
    owner: Owner,
    overseer: Overseer | undefined,
    parent?: Ref
  ): Effect.Effect<ActorRef<never>, SpawnError> {
    if (owner.closed) {
      return Effect.fail(new SpawnError({ actor: this.name, cause: new Error("the scope is closed") }))
    }
    const ref = this.make(
      undefined,
      RUNNING,
      this.bounds && this.tightened(new Mailbox(this.bounds, undefined), undefined)
    )
    if (parent !== undefined) this.system.parents.set(ref, parent)
    owner.add(ref)
    if (overseer !== undefined) lifeOf(ref).oversight = new Oversight(ref, made, overseer, false)
    let finished: Effect.Effect<ActorRef<never>, SpawnError> | undefined
    let resume = (effect: Effect.Effect<ActorRef<never>, SpawnError>): void => {
      finished = effect
    }
    const finish = (exit: Exit.Exit<void>): Effect.Effect<ActorRef<never>, SpawnError> => {
      if (Exit.isSuccess(exit) && ref.status < ENDING) {
        if (overseer !== undefined) ref.life!.oversight!.told = true
        this.system.dispatcher.rest(ref)
        return Effect.succeed(ref as unknown as ActorRef<never>)
      }
      end(ref, exit)
      const cause = Exit.isSuccess(exit) ? new Error("it ended while it started") : Cause.squash(exit.cause)
      // What it had acquired is released before the caller hears of it.
      return Effect.andThen(awaitEnd(ref), Effect.fail(new SpawnError({ actor: this.name, cause })))
    }
    const started = this.begin(ref, made, (exit) => resume(finish(exit)))
    if (started !== undefined) return finish(started)
    return Effect.callback((done) => {
      // The caller may have yielded on its way here, and the start have ended meanwhile.
      if (finished !== undefined) return done(finished)
      resume = done
      return Effect.suspend(() => {
        end(ref, Exit.void)
        return awaitEnd(ref)
      })
    })
  }

  /** Makes the first state; undefined while an effect makes it, `done` is called when it has. */
  begin(
    ref: LocalRef,
    args: unknown,
    done: (exit: Exit.Exit<void>) => void
  ): Exit.Exit<void> | undefined {
    if (args instanceof Unfit) return Exit.die(args.issue)
    let initial: unknown
    try {
      initial = this.behaviour.initial(args, ref as never)
    } catch (error) {
      return Exit.die(error)
    }
    if (!Effect.isEffect(initial)) return this.begun(ref, Exit.succeed(initial))
    ref.status = STARTING
    const fiber = Effect.runForkWith(lifeOf(ref).context)(initial as Effect.Effect<unknown>)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) {
      // A signal may have come while it ran.
      if (ref.status === STARTING) ref.status = SIGNALLED
      return this.begun(ref, exit)
    }
    const life = lifeOf(ref)
    life.starting(fiber)
    fiber.addObserver((exit) => {
      life.starting(undefined)
      done(this.begun(ref, exit))
    })
    return undefined
  }

  private begun(ref: LocalRef, exit: Exit.Exit<unknown>): Exit.Exit<void> {
    if (Exit.isFailure(exit)) return Exit.failCause(exit.cause)
    // It may have ended while it started, or have been taken out of it: what has ended stays so.
    if (ref.status >= HELD) return Exit.void
    // One that has moved here has acquired what it needs; its state is the one that it had where it came from.
    ref.state = ref.state instanceof Inherited ? ref.state.state : exit.value
    ref.handlers = this.handlers
    return Exit.void
  }
}

/** Builds a host for a behaviour given as a value or in an Effect, owned by the scope of the layer. */
export const make = (actor: Any, behaviour: unknown): Effect.Effect<Host, unknown, any> =>
  Effect.gen(function*() {
    const system = (yield* systemKey) as System
    if (swarmsOf(system).has(actor.name)) {
      return yield* Effect.die(new TypeError(`${actor.name}: a swarm of this system has the name already`))
    }
    const scope = yield* Effect.scope
    const owner = yield* system.owners.make(scope)
    const made = Effect.isEffect(behaviour)
      ? yield* (behaviour as Effect.Effect<AnyBehaviour, unknown>)
      : behaviour
    const context = yield* Effect.context<never>()
    const host = new LocalHost(system, actor, made as AnyBehaviour, context, owner)
    yield* Scope.addFinalizer(scope, Effect.sync(() => host.close()))
    return host
  })
