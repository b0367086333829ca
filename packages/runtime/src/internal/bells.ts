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

/** Channels from a thread's successor to the others: its ports, and theirs. */
export const successor = (
  threads: number,
  thread: number
): { readonly own: Ports; readonly theirs: Ports } => {
  const own = Array.from<Port | undefined>({ length: threads })
  const theirs = Array.from<Port | undefined>({ length: threads })
  for (let other = 0; other < threads; other++) {
    if (other === thread) continue
    const { port1, port2 } = new MessageChannel()
    own[other] = port1
    theirs[other] = port2
  }
  return { own, theirs }
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
