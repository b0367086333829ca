/** Makes a swarm for a behaviour, on the thread that owns it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import type { Any, Behaviour } from "../Swarm.ts"
import { Memory } from "../Memory.ts"
import { Essential } from "../Message.ts"
import { PoolError } from "../PoolError.ts"
import { SwarmError } from "../SwarmError.ts"
import { HEADER_BYTES, SwarmStore } from "./hot/swarmStore.ts"
import { type Handling, SwarmTurn } from "./hot/swarmTurn.ts"
import { swarmKey, systemKey } from "./keys.ts"
import type { Debt } from "./life.ts"
import { hasConstructor } from "./protocol.ts"
import { type Outlet, SwarmContext } from "./swarmContext.ts"
import type { Crew } from "./swarmCrew.ts"
import { type Failed, SwarmHost } from "./swarmHost.ts"
import { LocalExecutor } from "./swarmLocal.ts"
import { grower, type Part } from "./swarmMemory.ts"
import { LocalPopulation } from "./swarmPopulation.ts"
import { swarmsOf } from "./swarms.ts"
import { RemotePopulation } from "./swarmRemote.ts"
import * as Wire from "./swarmWire.ts"
import { SwarmWorker, type SwarmWorkers, workersOf } from "./swarmWorker.ts"
import type { System } from "./system.ts"

/** What random numbers of a swarm begin with. */
export const Seed = Context.Reference<number>("@troupe/runtime/Swarm/Seed", { defaultValue: () => 0 })

/** Failures kept for a reader that lags behind. */
const FAILURES_KEPT = 1024
/** Bytes of a chunk's first extent of managed memory, for each row. */
const HEAP_BYTES_A_ROW = 8

type AnyBehaviour = Behaviour<any, any, Record<string, Handling["row"]>>

/** Who shares the name of a swarm: messages find their addressees by name. */
const namesakeOf = (name: string, system: System): string | undefined => {
  if (swarmsOf(system).has(name)) return "a swarm"
  const here = system.hosts.get(name)
  const actor = system.mesh?.contracts.named(name) !== undefined || (here !== undefined && !here.owner.closed)
  return actor ? "an actor" : undefined
}

/** A swarm, without anything that runs it; it ends with the scope. */
export const own = Effect.fnUntraced(function*(contract: Any, system: System) {
  const namesake = namesakeOf(contract.name, system)
  if (namesake !== undefined) {
    const problem = `${namesake} of this system has the name already`
    return yield* new SwarmError({ swarm: contract.name, reason: "NameTaken", problem })
  }
  const context = yield* Effect.context<never>()
  const scope = yield* Effect.scope
  const memory = yield* Memory
  const seed = yield* Seed
  const failures = yield* PubSub.sliding<Failed>(FAILURES_KEPT)
  const wire = Wire.of(contract)
  // Closed after the swarm: nobody looks at it any more.
  const { grow, parts, regions, reopen } = grower(
    contract.name,
    memory,
    yield* Scope.fork(scope),
    contract.options.keep === true
  )
  const { rows } = wire.rows.shape
  const type = system.types.number(contract.name)
  const birth = { fingerprint: wire.words, seed: seed >>> 0, type, heapBytes: rows * HEAP_BYTES_A_ROW }
  const header = yield* Effect.try({
    try: () => grow({ kind: "header" }, HEADER_BYTES),
    catch: (error) => error as SwarmError
  })
  const problem = (reason: SwarmError["reason"], problem: string): SwarmError =>
    new SwarmError({ swarm: contract.name, reason, problem })
  const kept = !SwarmStore.isNew(header)
  if (kept && !SwarmStore.fits(header, wire.words, rows)) {
    return yield* problem("ContractMismatch", "what is in its memory is of another state or protocol")
  }
  const store = new SwarmStore(wire.rows, header, birth, grow)
  if (kept) {
    if (store.open !== 0 || store.torn) {
      const within = store.open !== 0 ? `turn ${store.open}` : `a change after turn ${store.turn}`
      const snapshots = memory.snapshots?.(contract.name) ?? []
      const there = snapshots.length === 0 ? "" : `; its snapshots: ${snapshots.join(", ")}`
      return yield* problem("OpenTurn", `whoever had its memory ended within ${within}${there}`)
    }
    yield* Effect.try({ try: () => reopen(store, type), catch: (error) => error as SwarmError })
  }
  const tasks = Context.get(context, Scheduler.Scheduler).makeDispatcher()
  const schema = contract.state
  const construct = system.validate || hasConstructor(schema.ast)
    ? (state: unknown) => schema.make(state as never, { disableChecks: !system.validate })
    : (state: unknown) => state
  const host = new SwarmHost({
    system,
    contract,
    protocol: Wire.protocolOf(contract, system.validate),
    rows: wire.rows,
    store,
    type,
    construct,
    manual: contract.options.turns === "manual",
    stops: contract.options.onFailure === "stop",
    defer: (task) => tasks.scheduleTask(task, 0),
    onFailed: (failed) => {
      for (const failure of failed) PubSub.publishUnsafe(failures, failure)
      const { cause, id, tag } = failed[0]!
      const others = failed.length === 1 ? "" : `, and ${failed.length - 1} more failed`
      Effect.runForkWith(context)(Effect.logError(`${contract.name} ${id} failed in ${tag}${others}`, cause))
    }
  })
  host.flights.policy = contract.options.onFailure ?? "end"
  swarmsOf(system).set(contract.name, host)
  yield* Scope.addFinalizer(
    scope,
    host.betweenTurns(() =>
      Effect.sync(() => {
        host.close()
        swarmsOf(system).delete(contract.name)
      })
    )
  )
  const population = new LocalPopulation(host, failures, regions)
  return { host, store, parts: parts as ReadonlyArray<Part>, population, context, tasks }
})

/** How the messages of a contract are handled, by their places in its protocol. */
export const handlingOf = (contract: Any, behaviour: AnyBehaviour, system: System): ReadonlyArray<Handling> =>
  Wire.protocolOf(contract, system.validate).messages.map(({ rpc, tag }) => ({
    row: behaviour.handlers[tag]!,
    columns: (behaviour.columns as Record<string, Handling["columns"]> | undefined)?.[tag],
    essential: Context.get(rpc.annotations, Essential)
  }))

/** What handlers on the thread that owns the swarms say. */
export const outletOf = (host: SwarmHost): Outlet => {
  const swarms = swarmsOf(host.system)
  return {
    tell: (swarm, id, tag, payload) => swarms.get(swarm)?.tell(id, tag, payload) ?? false,
    spawn: (swarm, state) => swarms.get(swarm)?.bear(host.name, state),
    broadcast: (swarm, tag, payload) => swarms.get(swarm)?.broadcast(tag, payload),
    ref: (slot, version) => host.ref(slot, version) as never,
    version: (swarm, id) => (swarm === host.name ? host : swarms.get(swarm))?.version(id) ?? 0,
    message(swarm, tag, payload) {
      const message = (swarm === host.name ? host : swarms.get(swarm))?.protocol.get(tag)
      if (message === undefined) return { index: 0xffff, value: payload }
      const { construct, index } = message
      return { index, value: construct === undefined ? payload : construct(payload) }
    }
  }
}

/** A swarm of a pool: its instances are this thread's, and the workers run its handlers. */
export const inPool = Effect.fnUntraced(function*(contract: Any, system: System, crew: Crew) {
  const { host, parts, population } = yield* Effect.mapError(
    own(contract, system),
    (reason) => new PoolError({ worker: 0, reason })
  )
  host.executor = crew.executor(host, parts)
  return population
})

/** A swarm's handlers, on a worker of the pool that has the swarm. */
const onWorker = Effect.fnUntraced(function*(contract: Any, behaviour: AnyBehaviour, workers: SwarmWorkers) {
  const context = yield* Effect.context<never>()
  const scope = yield* Effect.scope
  const tasks = Context.get(context, Scheduler.Scheduler).makeDispatcher()
  const worker = new SwarmWorker({
    contract,
    workers,
    handling: handlingOf(contract, behaviour, workers.system),
    context,
    defer: (task) => tasks.scheduleTask(task, 0),
    scope
  })
  const population = new RemotePopulation(worker)
  worker.context = Context.add(context, swarmKey(contract.name), population) as Context.Context<never>
  return population
})

/** Builds a swarm for a behaviour given as a value or in an Effect. */
export const make = (contract: Any, behaviour: unknown): Effect.Effect<unknown, unknown, any> =>
  Effect.gen(function*() {
    const system = (yield* systemKey) as System
    const made = (Effect.isEffect(behaviour)
      ? yield* (behaviour as Effect.Effect<AnyBehaviour, unknown>)
      : behaviour) as AnyBehaviour
    const workers = workersOf(system)
    if (workers !== undefined) return yield* onWorker(contract, made, workers)
    const { context, host, population, store, tasks } = yield* own(contract, system)
    const outlet = outletOf(host)
    const policy = contract.options.onFailure ?? "end"
    const turn = new SwarmTurn<Debt>(
      host.rows,
      handlingOf(contract, made, system),
      policy,
      (run) => new SwarmContext(run as SwarmTurn<unknown>, host.type, system.thread, outlet)
    )
    host.flights.turn = turn as SwarmTurn<unknown>
    host.flights.context = Context.add(context, swarmKey(contract.name), population) as Context.Context<never>
    host.executor = new LocalExecutor(turn, store, (task) => tasks.scheduleTask(task, 0))
    return population
  })
