/** A reference to a key of this thread: it reaches whichever incarnation lives, and makes one where none does. */
import { ENDING, type Replier } from "./hot/cell.ts"
import type { LocalHost } from "./localHost.ts"
import type { LocalRef } from "./localRef.ts"
import { ended, type Refusal, type Target, withRef } from "./ref.ts"
import type { System } from "./system.ts"

class Keyed implements Target {
  private readonly host: LocalHost
  readonly key: string
  private living: LocalRef | undefined = undefined

  constructor(host: LocalHost, key: string) {
    this.host = host
    this.key = key
  }

  get name(): string {
    return this.host.name
  }

  get system(): System {
    return this.host.system
  }

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    let living = this.living
    if (living === undefined || living.status >= ENDING) {
      living = this.living = this.host.incarnation(this.key)
      if (living === undefined) return ended
    }
    return living.deliver(tag, payload, replier)
  }
}

export class KeyedRef extends withRef(Keyed) {}
