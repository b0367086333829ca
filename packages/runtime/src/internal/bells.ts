/** What wakes sleeping threads: a channel for each pair of them, over which nothing goes but that there is something. */
import type { Bell } from "./hot/doorbell.ts"

/** One end of a channel: a `MessagePort`, as far as it is needed here. */
export interface Port extends Bell {
  postMessage(message: unknown): void
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void
  /** The other end is closed, or its thread has ended, and all that it said has been heard. */
  addEventListener(type: "close", listener: () => void): void
  start(): void
  close(): void
  /** In Node, where a port that is listened to keeps its thread alive. */
  unref?(): void
}

/** A thread's ends of the channels, by the number of the thread at the other end; undefined where there is none yet. */
export type Ports = ReadonlyArray<Port | undefined>

/** A channel between two threads: an end for each. */
export const channel = (): readonly [Port, Port] => {
  const { port1, port2 } = new MessageChannel()
  return [port1, port2]
}

/** Calls back when another thread has rung. */
export const listen = (ports: Ports, wake: () => void): void => {
  for (const port of ports) {
    if (port === undefined) continue
    port.addEventListener("message", wake)
    port.start()
    // What keeps a thread alive is its work, not that others might ring.
    port.unref?.()
  }
}

export const close = (ports: Ports): void => ports.forEach((port) => port?.close())
