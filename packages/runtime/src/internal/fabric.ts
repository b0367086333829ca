/**
 * The shared memory of a pool: doorbells, what each thread counts, and a link for each ordered pair of threads. It
 * outlives every thread but the one that made it, so that a worker's successor goes on where it ended.
 */
import type { ThreadStats } from "../ActorSystem.ts"
import * as Counts from "./hot/counts.ts"
import { linkBytes, linkCounts } from "./hot/link.ts"
import { makeTable, Names } from "./hot/names.ts"
import { Membership, membershipBytes } from "./membership.ts"
import type { MailboxFabric } from "./sharedMailboxes.ts"

/** The shared memory of a mesh, and its shape: what every thread is given. */
export interface Fabric {
  /** Doorbells, counts, which workers keys live on, then the links. */
  readonly memory: SharedArrayBuffer
  /** The most threads that there can be, the one that made the system included. */
  readonly threads: number
  /** Bytes of a link's ring, a power of two. */
  readonly capacity: number
  /** The names of the actors that the workers host; a host's number is its place here. */
  readonly hosts: ReadonlyArray<string>
  /** The names of all kinds of actors, whichever thread has them; those of the hosts come first. */
  readonly types: SharedArrayBuffer
  /** What no other system has. */
  readonly token: string
  /** The places of bounded mailboxes; undefined if no actor that the workers host has one. */
  readonly mailboxes: MailboxFabric | undefined
  /** What the threads count of each kind of actor; undefined where that is not wanted. */
  readonly metrics: SharedArrayBuffer | undefined
  /** How long an idle thread looks for messages before it sleeps, in milliseconds. */
  readonly spinMillis: number
}

/** A doorbell has a cache line of its own. */
const BELL_BYTES = 64
const COUNT_BYTES = Counts.COUNTS * 8

/** Allocates the memory of a mesh. */
export const make = (options: Omit<Fabric, "memory" | "types">): Fabric => {
  const types = makeTable()
  const names = new Names(types)
  for (const host of options.hosts) names.number(host)
  return { ...options, types, memory: new SharedArrayBuffer(linkOffset(options, options.threads, 0)) }
}

/** The doorbells' words. */
export const bells = ({ memory, threads }: Fabric): Int32Array =>
  new Int32Array(memory, 0, threads * BELL_BYTES >> 2)

/** The place of a thread's doorbell among those words. */
export const bell = (thread: number): number => thread * BELL_BYTES >> 2

/** Which workers the keys live on. */
export const membership = ({ memory, threads }: Fabric): Membership =>
  new Membership(memory, threads * (BELL_BYTES + COUNT_BYTES), threads)

/** What a thread counts. */
export const counts = ({ memory, threads }: Fabric, thread: number): Float64Array =>
  new Float64Array(memory, threads * BELL_BYTES + thread * COUNT_BYTES, Counts.COUNTS)

/** Where the link between two threads begins, in bytes. */
export const linkOffset = (
  { capacity, threads }: Pick<Fabric, "capacity" | "threads">,
  from: number,
  to: number
): number =>
  threads * (BELL_BYTES + COUNT_BYTES) + membershipBytes(threads) +
  (from * threads + to) * linkBytes(capacity)

const link = (fabric: Fabric, from: number, to: number) =>
  linkCounts(fabric.memory, linkOffset(fabric, from, to))

const others = (fabric: Fabric, thread: number): ReadonlyArray<number> =>
  Array.from({ length: fabric.threads }, (_, i) => i).filter((i) => i !== thread)

/** Messages that one thread has been given for another. */
export const written = (fabric: Fabric, from: number, to: number): number => link(fabric, from, to).written

/** What a thread has done, by its own counts and those of its links. */
export const stats = (fabric: Fabric, thread: number, counts: Float64Array): ThreadStats => {
  const from = others(fabric, thread).map((other) => ({ other, ...link(fabric, other, thread) }))
  const sent = others(fabric, thread).reduce((sum, other) => sum + written(fabric, thread, other), 0)
  const lostFrom = Array.from({ length: fabric.threads }, () => 0)
  lostFrom[thread] = counts[Counts.LOST]!
  for (const { lost, other } of from) lostFrom[other] = lost
  return {
    thread,
    sent: counts[Counts.LOCAL]! + counts[Counts.REFUSED]! + sent,
    accepted: counts[Counts.LOCAL]! + from.reduce((sum, { received }) => sum + received, 0),
    handled: counts[Counts.HANDLED]!,
    deadLettered: counts[Counts.DEAD]!,
    lost: lostFrom.reduce((sum, lost) => sum + lost, 0),
    lostFrom
  }
}

/** Messages that a worker has not taken yet, wherever they are: as far as this is known on another thread. */
export const waiting = (fabric: Fabric, thread: number): number => {
  const own = counts(fabric, thread)
  const sent = others(fabric, thread).reduce((sum, other) => {
    const { lost, written } = link(fabric, other, thread)
    return sum + written - lost
  }, own[Counts.LOCAL]! - own[Counts.LOST]!)
  return sent - own[Counts.HANDLED]! - (own[Counts.DEAD]! - own[Counts.REFUSED]! - own[Counts.BURIED]!)
}

/**
 * Counts what died inside of a thread that has ended: what came to it, and was neither handled nor a dead letter, and
 * is not among the `waiting` that its successor will have.
 */
export const settle = (fabric: Fabric, thread: number, waiting: number): void => {
  const own = counts(fabric, thread)
  const came = others(fabric, thread).reduce(
    (sum, other) => sum + link(fabric, other, thread).received,
    own[Counts.LOCAL]!
  )
  const dead = own[Counts.DEAD]! - own[Counts.REFUSED]! - own[Counts.BURIED]!
  own[Counts.LOST] = came - own[Counts.HANDLED]! - dead - waiting
}
