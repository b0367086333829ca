/** Opens a ring's memory, and turns its bells into Effects. */
import * as Effect from "effect/Effect"
import type { Layout } from "../Layout.ts"
import { internal as layoutInternal } from "../Layout.ts"
import type { Region } from "../Memory.ts"
import type { Producer, RingClosed } from "../RingBuffer.ts"
import * as Claim from "./hot/claim.ts"
import { Slots, Window } from "./hot/layout.ts"
import * as R from "./hot/ring.ts"
import { Bells, ROOM } from "./hot/wait.ts"

/** A ring's words and slots, as this thread sees them. */
export interface Opened {
  readonly ring: R.Ring
  /** A new view for one producer or consumer. */
  readonly slots: () => Slots
}

export const open = (layout: Layout<any>, shape: R.Shape, memory: Region, bells: Region): Opened => {
  const words = new Int32Array(memory.buffer, memory.byteOffset, R.slotsOffset(shape) / 4)
  const ring = new R.Ring(
    words,
    new Bells(new Int32Array(bells.buffer, bells.byteOffset, bells.byteLength / 4))
  )
  const { View } = layoutInternal(layout)
  const slots = () =>
    new Slots(
      View,
      new Window(memory.buffer, memory.byteOffset + R.slotsOffset(shape), shape.capacity * shape.stride),
      shape.capacity,
      shape.stride
    )
  return { ring, slots }
}

/**
 * Waits, asleep and interruptibly, until `look()` is true: it is looked at now, once the flag is up, and after each
 * ringing of the bell. `look` may act (publish): it is not called again after it was true.
 */
export const until = (bells: Bells, sleeper: number, look: () => boolean): Effect.Effect<void> => {
  const sleep: Effect.Effect<void> = Effect.callback((resume) => {
    const wake = () => resume(wait)
    bells.listen(sleeper, wake)
    // The second look, after the flag: what came in between has rung no bell.
    let there: boolean
    try {
      there = look()
    } catch (defect) {
      bells.forget(sleeper, wake)
      return resume(Effect.die(defect))
    }
    if (there) {
      bells.forget(sleeper, wake)
      return resume(Effect.void)
    }
    return Effect.sync(() => bells.forget(sleeper, wake))
  })
  const wait = Effect.suspend(() => look() ? Effect.void : sleep)
  return wait
}

/** Blocks the thread until `look()` is true: some looks, then `Atomics.wait`. */
export const untilUnsafe = (bells: Bells, sleeper: number, look: () => boolean): void => {
  for (;;) {
    for (let spins = 0; spins < 1000; spins++) if (look()) return
    let there = false
    // The time-out is no part of the protocol: it only bounds how long a debugger or a halt must wait.
    bells.block(sleeper, () => (there = look()), 1000)
    if (there) return
  }
}

/** A producer: the kernel, and its waiting. */
export const producer = ({ ring, slots }: Opened, line: number, refused: () => RingClosed): Producer<any> => {
  const claims = new Claim.Producer<any>(ring, slots(), line)
  /** Tries again whenever there may be room. Made only for a producer that was refused: the fast path has no closure. */
  const waiting = (attempt: () => boolean): Effect.Effect<void, RingClosed> => {
    let published = false
    const look = () => (published = attempt()) || ring.closed
    return Effect.flatMap(
      until(ring.bells, ROOM, look),
      () => published ? Effect.void : Effect.fail(refused())
    )
  }
  const blocking = (attempt: () => boolean): void => {
    let published = false
    untilUnsafe(ring.bells, ROOM, () => (published = attempt()) || ring.closed)
    if (!published) throw refused()
  }
  type Write = Claim.Write<any, any>
  return {
    line,
    tryPublish: (write: Write, argument?: any) => claims.tryPublish(write, argument),
    tryPublishBatch: (count: number, write: Write, argument?: any) =>
      claims.tryPublishBatch(count, write, argument),
    publish: (write: Write, argument?: any) =>
      Effect.suspend(() =>
        claims.tryPublish(write, argument) ? Effect.void : waiting(() => claims.tryPublish(write, argument))
      ),
    publishBatch: (count: number, write: Write, argument?: any) =>
      Effect.suspend(() =>
        claims.tryPublishBatch(count, write, argument)
          ? Effect.void
          : waiting(() => claims.tryPublishBatch(count, write, argument))
      ),
    publishUnsafe: (write: Write, argument?: any) => {
      if (!claims.tryPublish(write, argument)) blocking(() => claims.tryPublish(write, argument))
    },
    publishBatchUnsafe: (count: number, write: Write, argument?: any) => {
      if (!claims.tryPublishBatch(count, write, argument)) {
        blocking(() => claims.tryPublishBatch(count, write, argument))
      }
    }
  }
}
