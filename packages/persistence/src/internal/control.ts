/**
 * What a channel has beside its records: who writes it, and who sleeps until something comes.
 *
 * ```text
 *   writer.lock     locked by the writer as long as it lives; its process's number, for people
 *   sleepers        mapped: internal/hot/sleepers.ts
 *   bell-TOKEN      a named pipe on which a sleeping reader hears; the reader holds both ends open
 *   NAME.cursor     a named reader's position, locked by it: internal/cursor.ts
 * ```
 *
 * Nothing here need survive a loss of power.
 */
import * as Platform from "#platform"
import { ChannelError, WriterAlive } from "../ChannelError.ts"
import { FileError } from "../FileError.ts"
import { PLACES, Sleepers, WORDS } from "./hot/sleepers.ts"
import * as Mapping from "./mapping.ts"

const LOCK = "writer.lock"
const SLEEPERS = "sleepers"
const BYTES = 4096

/** Takes the writer's lock of a channel, until the descriptor is closed. Throws `WriterAlive`. */
export const lockWriter = (directory: string): number => {
  const path = Platform.join(directory, LOCK)
  const fd = Platform.open(path, "touch")
  if (!Platform.lock(path, fd)) {
    const text = new TextDecoder().decode(Platform.read(path, fd, 16))
    Platform.close(fd)
    throw new ChannelError({
      path: directory,
      reason: new WriterAlive({ pid: Number.parseInt(text, 10) || 0 })
    })
  }
  Platform.write(path, fd, new TextEncoder().encode(String(Platform.pid).padEnd(16)))
  return fd
}

/** The writer's side: rings those who sleep. */
export class Bells {
  readonly sleepers: Sleepers
  readonly #directory: string
  readonly #mapping: Mapping.Mapping

  /** Under the writer's lock. */
  constructor(directory: string) {
    this.#directory = directory
    this.#mapping = openWholeSleepers(directory)
    this.sleepers = new Sleepers(new Int32Array(this.#mapping.buffer, 0, WORDS))
  }

  /** Wakes all who sleep. The place of one that is gone is free again. */
  ring(): void {
    const bits = this.sleepers.take()
    for (let place = 0; place < PLACES; place++) if ((bits & 1 << place) !== 0) this.#ring(place)
  }

  #ring(place: number): void {
    const token = this.sleepers.tokenAt(place)
    if (token === 0) return
    const path = bellPath(this.#directory, token)
    if (Platform.ring(path)) return
    this.sleepers.leave(place, token)
    Platform.remove(path)
  }

  close(): void {
    this.#mapping.close()
  }
}

const bellPath = (directory: string, token: number): string =>
  Platform.join(directory, `bell-${(token >>> 0).toString(16).padStart(8, "0")}`)

/** A loss of power may have left less than the file: nobody sleeps any more, so it can be made anew. */
const openWholeSleepers = (directory: string): Mapping.Mapping => {
  try {
    return openSleepers(directory)
  } catch (cause) {
    if (!(cause instanceof FileError && cause.reason._tag === "Shortened")) throw cause
    Platform.remove(Platform.join(directory, SLEEPERS))
    return openSleepers(directory)
  }
}

const openSleepers = (directory: string): Mapping.Mapping => {
  const path = Platform.join(directory, SLEEPERS)
  if (!Platform.exists(path)) {
    const made = `${path}.${Platform.random32().toString(36)}.new`
    const mapping = Mapping.create(made, BYTES)
    if (Platform.publish(made, path)) {
      mapping.path = path
      return mapping
    }
    mapping.close()
  }
  return Mapping.open(path, "write", BYTES)
}

/** A reader's side: it is woken when something was published after it had said that it sleeps. */
export class Sleeper {
  readonly #mapping: Mapping.Mapping
  readonly #sleepers: Sleepers
  readonly #bell: Platform.Bell
  readonly #place: number
  readonly #token: number
  #wake: (() => void) | undefined

  /** Throws a `FileError` where it cannot be. */
  constructor(directory: string) {
    this.#token = Platform.random32() | 1
    this.#mapping = openSleepers(directory)
    const sleepers = new Sleepers(new Int32Array(this.#mapping.buffer, 0, WORDS))
    this.#sleepers = sleepers
    const path = bellPath(directory, this.#token | 0)
    try {
      this.#bell = Platform.makeBell(path, () => this.#rung())
    } catch (cause) {
      this.#mapping.close()
      throw cause
    }
    let place = sleepers.enter(this.#token | 0)
    // Places of readers that died are free when nobody hears their bells.
    for (let i = 0; place < 0 && i < PLACES; i++) {
      const token = sleepers.tokenAt(i)
      if (token !== 0 && !Platform.ring(bellPath(directory, token))) {
        sleepers.leave(i, token)
        Platform.remove(bellPath(directory, token))
        place = sleepers.enter(this.#token | 0)
      }
    }
    this.#place = place
  }

  /** Whether it has a place: 31 readers can be woken, others must look from time to time. */
  get hasPlace(): boolean {
    return this.#place >= 0
  }

  /** Says that it sleeps. Its owner looks once more before it does. */
  sleep(wake: () => void): void {
    this.#wake = wake
    this.#bell.hold(true)
    this.#sleepers.sleep(this.#place)
  }

  /** Does not sleep any more. */
  rise(): void {
    this.#wake = undefined
    this.#bell.hold(false)
    this.#sleepers.wake(this.#place)
  }

  #rung(): void {
    this.#wake?.()
  }

  close(): void {
    if (this.#place >= 0) this.#sleepers.leave(this.#place, this.#token | 0)
    this.#bell.close()
    this.#mapping.close()
  }
}
