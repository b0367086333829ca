/** A population, as the thread that owns it sees it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import type { ActorId } from "../ActorId.ts"
import type { AskOptions } from "../ActorRef.ts"
import type { MemoryError, Region } from "../Memory.ts"
import type { ColumnStats, Stats } from "../Population.ts"
import { SwarmError } from "../SwarmError.ts"
import type { Image } from "../SwarmImage.ts"
import type { Chunk } from "./hot/columns.ts"
import type { Failed, SwarmHost } from "./swarmHost.ts"
import type { InstanceRef } from "./swarmRef.ts"
import * as Wire from "./swarmWire.ts"

/** The host of a population: what works on a whole swarm reaches it here. */
export const hostOf = (population: unknown): SwarmHost => (population as LocalPopulation).host

const thrown = <A>(run: () => A): Effect.Effect<A, SwarmError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(run())
    } catch (error) {
      return error instanceof SwarmError ? Effect.fail(error) : Effect.die(error)
    }
  })

export class LocalPopulation {
  readonly host: SwarmHost
  readonly failures: Stream.Stream<Failed>
  private readonly regions: ReadonlyArray<Region>

  constructor(host: SwarmHost, failures: PubSub.PubSub<Failed>, regions: ReadonlyArray<Region>) {
    this.host = host
    this.regions = regions
    this.failures = Stream.fromPubSub(failures)
  }

  get name(): string {
    return this.host.name
  }

  get count(): number {
    return this.host.store.count
  }

  get byteLength(): number {
    return this.host.store.byteLength
  }

  spawn(state: unknown): Effect.Effect<ActorId, SwarmError> {
    const { host } = this
    return host.betweenTurns(() =>
      thrown(() => {
        const slot = host.spawn(state)
        return host.id(slot, host.store.slots.version(slot))
      })
    )
  }

  spawnMany(count: number, state: (index: number) => unknown): Effect.Effect<void, SwarmError> {
    const { host } = this
    return host.betweenTurns(() =>
      thrown(() => {
        host.store.reserve(host.store.count + count)
        for (let index = 0; index < count; index++) host.spawn(state(index))
      })
    )
  }

  end(id: ActorId): Effect.Effect<boolean> {
    const { host } = this
    return host.betweenTurns(() =>
      Effect.sync(() => host.row(id) >= 0 && host.remove(id.instance, id.version))
    )
  }

  ref(id: ActorId): InstanceRef {
    return this.host.ref(id.instance, this.host.version(id))
  }

  get ids(): Effect.Effect<ReadonlyArray<ActorId>> {
    const { host } = this
    return host.betweenTurns(() =>
      Effect.sync(() => {
        const ids: Array<ActorId> = []
        this.each((chunk, size) => {
          for (let row = 0; row < size; row++) {
            const slot = chunk.slots[row]!
            ids.push(host.id(slot, host.store.slots.version(slot)))
          }
        })
        return ids
      })
    )
  }

  get(id: ActorId): Effect.Effect<Option.Option<unknown>> {
    const { host } = this
    return host.betweenTurns(() =>
      Effect.sync(() => {
        const row = host.row(id)
        return row < 0 ? Option.none() : Option.some(host.read(row))
      })
    )
  }

  tell(id: ActorId, tag: string, payload?: unknown): Effect.Effect<void> {
    return Effect.sync(() => {
      this.host.tell(id, tag, payload)
    })
  }

  tellUnsafe(id: ActorId, tag: string, payload?: unknown): boolean {
    return this.host.tell(id, tag, payload)
  }

  tellMany(ids: Iterable<ActorId>, tag: string, payload?: unknown): Effect.Effect<number> {
    return Effect.sync(() => {
      let told = 0
      for (const id of ids) if (this.host.tell(id, tag, payload)) told++
      return told
    })
  }

  tellWhere(
    predicate: (columns: any, row: number) => boolean,
    tag: string,
    payload?: unknown
  ): Effect.Effect<number> {
    const { host } = this
    return host.betweenTurns(() => Effect.sync(() => host.tellWhere(predicate, tag, payload)))
  }

  broadcast(tag: string, payload?: unknown): Effect.Effect<void> {
    return Effect.sync(() => this.host.broadcast(tag, payload))
  }

  ask(id: ActorId, tag: string, payload?: unknown, options?: AskOptions): Effect.Effect<any, any> {
    return this.ref(id).ask(tag, payload, options)
  }

  get flush(): Effect.Effect<void, MemoryError> {
    return this.host.standing(
      Effect.suspend(() => Effect.forEach(this.regions, ({ flush }) => flush, { discard: true }))
    )
  }

  quiesce<A, E, R>(use: (image: Image) => Effect.Effect<A, E, R>): Effect.Effect<A, E | SwarmError, R> {
    const { host } = this
    return host.standing(Effect.suspend((): Effect.Effect<A, E | SwarmError, R> => {
      if (host.problem !== undefined) return Effect.fail(host.problem)
      const { contract, store } = host
      return use({
        fingerprint: Wire.textOf(Wire.of(contract).words),
        turn: store.turn,
        count: store.count,
        edition: store.edition,
        kept: contract.options.keep === true,
        regions: this.regions
      })
    }))
  }

  get step() {
    return this.host.step
  }

  get awaitEnd() {
    return this.host.awaitEnd
  }

  get stats(): Effect.Effect<Stats> {
    return Effect.sync(() => {
      const { host } = this
      const { executor, protocol, store, waitingByMessage: waiting } = host
      return {
        count: store.count,
        born: store.born,
        ended: store.ended,
        turn: store.turn,
        waiting: host.waiting,
        waitingBroadcasts: host.waitingBroadcasts,
        effects: host.flights.size,
        owed: Array.from(host.owed.values()).reduce(
          (sum, debts) => sum + debts.filter(({ done }) => !done).length,
          0
        ),
        messages: Object.fromEntries(protocol.messages.map(({ index, tag }) => [tag, {
          told: host.told[index]!,
          handled: executor.handled[index]!,
          dead: host.dead[index]!,
          waiting: waiting[index]!
        }]))
      }
    })
  }

  get columnStats(): Effect.Effect<Readonly<Record<string, ColumnStats>>> {
    const { host } = this
    return host.betweenTurns(() =>
      Effect.sync(() => {
        const stats: Array<readonly [string, ColumnStats]> = []
        host.rows.shape.columns.forEach(({ name, tag }, i) => {
          if (tag === "record" || tag === "managed") return
          const nobody = host.store.count === 0
          let min = nobody ? NaN : Infinity
          let max = nobody ? NaN : -Infinity
          let sum = 0
          this.each((chunk, size) => {
            const column = chunk.arrays[i]
            for (let row = 0; row < size; row++) {
              const value = Number(column[row])
              if (value < min) min = value
              if (value > max) max = value
              sum += value
            }
          })
          stats.push([name, { min, max, mean: sum / host.store.count }])
        })
        return Object.fromEntries(stats)
      })
    )
  }

  private each(visit: (chunk: Chunk, size: number) => void): void {
    const { store } = this.host
    for (let c = 0; c < store.used; c++) visit(store.chunks[c]!, store.size(c))
  }
}
