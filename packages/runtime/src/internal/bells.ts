/** What wakes sleeping threads: a channel for each pair of them, over which nothing goes but that there is something. */
import type { Bell } from "./hot/doorbell.ts"

/** One end of a channel: a `MessagePort`, as far as it is needed here. */
export interface Port extends Bell {
  addEventListener(type: "message", listener: () => void): void
  start(): void
  close(): void
  /** In Node, where a port that is listened to keeps its thread alive. */
  unref?(): void
}

/** A thread's ends of the channels, by the number of the thread at the other end; undefined at its own. */
export type Ports = ReadonlyArray<Port | undefined>

/** Channels between all pairs of `threads` threads: the ports of each. */
export const make = (threads: number): ReadonlyArray<Ports> => {
  const ports = Array.from({ length: threads }, () => Array.from<Port | undefined>({ length: threads }))
  for (let one = 0; one < threads; one++) {
    for (let other = 0; other < one; other++) {
      const { port1, port2 } = new MessageChannel()
      ports[one]![other] = port1
      ports[other]![one] = port2
    }
  }
  return ports
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
