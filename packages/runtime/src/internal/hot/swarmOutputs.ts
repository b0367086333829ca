/**
 * What handlers of a swarm have brought about in a turn, kept until the turn is over.
 *
 * **Contract**: one thread.
 * **Invariant**: entries stand in the order in which they came, chunk after chunk: applied in that order, the result
 * does not depend on who ran which chunk when. What the columns of an entry are depends on its kind.
 * **Ordering**: none.
 * **Allocation**: none an entry; the arrays double.
 * **Evidence**: `test/Swarm.property.test.ts`.
 */

/** A message to an instance: slot, version << 16 | message; the swarm; the payload. */
export const TELL = 0
/** A message to an actor: 0, 0; the reference; tag and payload. */
export const SEND = 1
/** A new instance: 0, 0; the swarm; its state. */
export const SPAWN = 2
/** The end of an instance: slot, 0. */
export const END = 3
/** An answer: slot, message; the replier; the value. */
export const SUCCESS = 4
/** A declared error: slot, message; the replier, or undefined if nobody asked; the error. */
export const FAILURE = 5
/** A failure of an instance: slot, message; the replier; the error. */
export const CRASH = 6
/** An effect is in flight: slot, message; the replier; the flight. */
export const EFFECT = 7
/** A message that came too late: slot, message; the replier; the payload. */
export const DEAD = 8
/** A message for an instance that is busy: slot, version << 16 | message; the replier; the payload. */
export const AGAIN = 9
/** An answer is owed: slot, 0; the replier. */
export const OWE = 10
/** A message that its handler left: slot, message; the replier; the payload. */
export const UNHANDLED = 12
/** Nothing at all. */
export const NOTHING = 13
/** An answer that does not fit its schema: slot, message; the replier; why. Only from a worker. */
export const MISFIT = 14
/** A broadcast: the message; the swarm; the payload. */
export const ALL = 11

export class SwarmOutputs {
  size = 0
  kinds = new Uint8Array(64)
  as = new Uint32Array(64)
  bs = new Uint32Array(64)
  xs: Array<any> = []
  ys: Array<any> = []

  add(kind: number, a: number, b: number, x: unknown, y: unknown): void {
    const i = this.size++
    if (i === this.kinds.length) this.double()
    this.kinds[i] = kind
    this.as[i] = a
    this.bs[i] = b
    if (i === this.xs.length) {
      this.xs.push(x)
      this.ys.push(y)
    } else {
      this.xs[i] = x
      this.ys[i] = y
    }
  }

  private double(): void {
    const { as, bs, kinds } = this
    this.kinds = new Uint8Array(kinds.length * 2)
    this.kinds.set(kinds)
    this.as = new Uint32Array(as.length * 2)
    this.as.set(as)
    this.bs = new Uint32Array(bs.length * 2)
    this.bs.set(bs)
  }

  clear(): void {
    if (this.xs.length > 4 * this.size + 1024) {
      this.xs = []
      this.ys = []
    } else {
      this.xs.fill(undefined, 0, this.size)
      this.ys.fill(undefined, 0, this.size)
    }
    this.size = 0
  }
}
