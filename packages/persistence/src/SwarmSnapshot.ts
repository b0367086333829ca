/**
 * Snapshots of whole swarms: taken while they run, under a name, and restored by it.
 *
 * A swarm with `keep: true` over `MappedMemory` is its files, and goes on with them after a restart. A snapshot is a copy
 * of these files between two turns, in one file: to go back to, to keep elsewhere, and to go on from when the process
 * was killed within a turn or the machine lost power.
 *
 * **Details**
 *
 * - The swarm stands still while its memory is copied, on other threads: no turn is run, and what comes waits. The event
 *   loop goes on. Checksums and the disk come afterwards, while the swarm runs again.
 * - A snapshot has its name when all of it is on the disk, and not before. One of the same name is replaced at that
 *   instant.
 * - To restore is to write new files beside the swarm's own, and to make them the swarm's in one step: a process that is
 *   killed meanwhile leaves the swarm as it was before, or as the snapshot has it. Every byte is checked before.
 * - Identities are those of the snapshot: an instance that was spawned after it was taken is nobody.
 *
 * **Gotchas** It is a copy, not a clone that shares blocks with the original: those would need room at the first write
 * after, and where a file is mapped a disk without room is a signal that ends the process.
 *
 * **Example** (A swarm that goes on from its last snapshot when it was killed within a turn)
 *
 * ```ts
 * import { MappedMemory, SwarmSnapshot } from "@troupe/persistence"
 * import { ActorSystem, Layout, Swarm } from "@troupe/runtime"
 * import { Effect, Layer, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 *
 * const Car = Swarm.make("Car", {
 *   protocol: RpcGroup.make(Rpc.make("Drive")),
 *   state: Schema.Struct({ position: Schema.Number, speed: Layout.Float32 }),
 *   keep: true
 * })
 *
 * const CarLive = Car.toLayer({
 *   handlers: {
 *     Drive: (car) => {
 *       car.position += car.speed
 *     }
 *   }
 * }).pipe(Layer.provide(Layer.effectDiscard(SwarmSnapshot.recover(Car))))
 *
 * const program = Effect.gen(function*() {
 *   const cars = yield* Car.population
 *   yield* cars.broadcast("Drive")
 *   yield* SwarmSnapshot.take(cars, "hourly")
 * }).pipe(
 *   Effect.provide(CarLive),
 *   Effect.provide(ActorSystem.layer),
 *   Effect.provide(MappedMemory.layer({ directory: "./state" }))
 * )
 * ```
 *
 * @since 0.1.0
 */
import { Memory } from "@troupe/runtime/Memory"
import type { Population } from "@troupe/runtime/Population"
import type * as Swarm from "@troupe/runtime/Swarm"
import type { SwarmError } from "@troupe/runtime/SwarmError"
import * as SwarmImage from "@troupe/runtime/SwarmImage"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Description } from "./internal/snapshotFile.ts"
import * as internal from "./internal/swarmSnapshot.ts"
import { isMappedMemory } from "./MappedMemory.ts"
import { FileError } from "./FileError.ts"
import { NoSnapshot, NotKept, type Reason, SwarmSnapshotError } from "./SwarmSnapshotError.ts"

/**
 * What is known of a snapshot without reading all of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Info {
  readonly name: string
  readonly takenAt: DateTime.Utc
  /** The turn after which it was taken. */
  readonly turn: number
  /** Instances in it. */
  readonly count: number
  /** Bytes of the swarm's memory. */
  readonly byteLength: number
  /** Equal to `SwarmImage.fingerprint` of the contracts that it can be restored for. */
  readonly fingerprint: string
}

/**
 * Takes a snapshot of a swarm, and replaces the one of that name if there is one.
 *
 * @category operations
 * @since 0.1.0
 */
export const take = (
  swarm: Pick<Population<never, Swarm.State>, "name" | "quiesce">,
  name: string
): Effect.Effect<Info, SwarmSnapshotError | SwarmError> =>
  internal.take((use) => swarm.quiesce(use), swarm.name, name).pipe(
    Effect.map(infoOf),
    Effect.mapError((problem) => problem._tag === "SwarmError" ? problem : errorOf(swarm.name, name)(problem))
  )

/**
 * The snapshots of a swarm, the last one at the end. One that is damaged so that nothing is known of it is not among them.
 *
 * @category operations
 * @since 0.1.0
 */
export const list = (swarm: Swarm.Any): Effect.Effect<ReadonlyArray<Info>, SwarmSnapshotError> =>
  within(
    swarm,
    "*",
    (directory) => Effect.map(internal.list(directory, swarm.name), (all) => all.map(infoOf))
  )

/**
 * Removes a snapshot.
 *
 * @category operations
 * @since 0.1.0
 */
export const remove = (swarm: Swarm.Any, name: string): Effect.Effect<void, SwarmSnapshotError> =>
  within(swarm, name, (directory) => internal.remove(directory, swarm.name, name))

/**
 * Puts a snapshot in the place of what a swarm has, which is then gone. The swarm must not be running: do it before its
 * layer is built.
 *
 * @category operations
 * @since 0.1.0
 */
export const restore = (swarm: Swarm.Any, name: string): Effect.Effect<Info, SwarmSnapshotError> =>
  within(swarm, name, (directory) => Effect.map(internal.restore(directory, swarm, name), infoOf))

/**
 * Restores a snapshot if the swarm was left within a turn, and gives what it restored. Without it, such a swarm is
 * refused with `OpenTurn`. To be run before the swarm's layer is built: provide it to that layer.
 *
 * @category operations
 * @since 0.1.0
 */
export const recover = (
  swarm: Swarm.Any,
  options?: {
    /**
     * Which one, of those that fit the contract, the last one at the end; undefined for none, which fails with
     * `NoSnapshot`. (Default: the last one)
     */
    readonly choose?: ((snapshots: ReadonlyArray<Info>) => Info | undefined) | undefined
  }
): Effect.Effect<Option.Option<Info>, SwarmSnapshotError> =>
  within(
    swarm,
    "*",
    Effect.fnUntraced(function*(directory) {
      if (!(yield* internal.isOpen(directory, swarm.name))) return Option.none()
      const all = (yield* internal.list(directory, swarm.name)).map(infoOf)
      const fit = all.filter(({ fingerprint }) => fingerprint === SwarmImage.fingerprint(swarm))
      const chosen = (options?.choose ?? last)(fit)
      if (chosen === undefined) {
        return yield* Effect.fail(new NoSnapshot({ names: all.map(({ name }) => name) }))
      }
      const restored = infoOf(yield* internal.restore(directory, swarm, chosen.name))
      yield* Effect.logWarning(
        `${swarm.name} was left within a turn, and goes on from its snapshot ${restored.name}, of turn ${restored.turn}`
      )
      return Option.some(restored)
    })
  )

// -----------------------------------------------------------------------------
// private
// -----------------------------------------------------------------------------

const last = (snapshots: ReadonlyArray<Info>): Info | undefined => snapshots.at(-1)

const infoOf = ({ count, fingerprint, name, parts, takenAt, turn }: Description): Info => ({
  name,
  takenAt: DateTime.makeUnsafe(takenAt),
  turn,
  count,
  byteLength: parts.reduce((sum, { byteLength }) => sum + byteLength, 0),
  fingerprint
})

const errorOf = (swarm: string, snapshot: string) => (problem: Reason | FileError): SwarmSnapshotError =>
  problem instanceof FileError
    ? new SwarmSnapshotError({ swarm, snapshot: problem.file, reason: problem.reason })
    : new SwarmSnapshotError({ swarm, snapshot, reason: problem })

/** Runs with the directory of the memory in force. */
const within = <A>(
  swarm: Swarm.Any,
  snapshot: string,
  run: (directory: string) => Effect.Effect<A, Reason | FileError>
): Effect.Effect<A, SwarmSnapshotError> =>
  Effect.flatMap(
    Memory,
    (memory): Effect.Effect<A, Reason | FileError> =>
      isMappedMemory(memory) && swarm.options.keep === true
        ? run(memory.directory)
        : Effect.fail(new NotKept())
  ).pipe(Effect.mapError(errorOf(swarm.name, snapshot)))
