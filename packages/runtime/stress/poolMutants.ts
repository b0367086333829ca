/**
 * Mistakes in how a worker's successor goes on, and in how keys move, each of which the stress must catch, or it proves nothing. They are
 * made in the worker's own thread, before it does anything else.
 */
import { Slot, WAITING } from "../src/internal/hot/chunk.ts"
import { Homes } from "../src/internal/homes.ts"
import { LinkReader } from "../src/internal/hot/link.ts"
import { Parcel, Parking } from "../src/internal/hot/parking.ts"
import { Move } from "../src/internal/move.ts"

const death = (what: string) => ({ what, kills: 6, changes: 0 })
const change = (what: string, kills = 0) => ({ what, kills, changes: 6 })

/** What each mistake is, and how many deaths and changes of the workers it takes to show. */
export const mutants = {
  "taken after the handler": death("a message that ends its thread is delivered again"),
  "parked ones forgotten": death("what waited for busy actors dies with their thread"),
  "ring from the freed position": death("what was read since room was last freed is read again"),
  "losses not counted": death("what a sender's thread had not published vanishes"),
  "no fence": change("an old place lets go of a key though messages for it are on their way"),
  "no wait": change("a key lives at its new place before the old one has let go of it"),
  "passed on last": change("what waited at the old place comes after what was sent to the new one"),
  "silent successor": change("who goes on for a thread does not say that it sends by the new places", 8)
} as const

export type Mutant = keyof typeof mutants

const later = (task: () => void): void => void Promise.resolve().then(task)

const makers: Readonly<Record<Mutant, () => void>> = {
  "taken after the handler": () => {
    const { receive } = LinkReader.prototype
    const { open } = Parcel.prototype
    const { take } = Slot.prototype
    LinkReader.prototype.receive = function() {
      later(() => receive.call(this))
    }
    Parcel.prototype.open = function() {
      later(() => take.call(this))
      const { take: taken } = this
      this.take = () => {}
      const replier = open.call(this)
      this.take = taken
      return replier
    }
  },
  "parked ones forgotten": () => {
    const { adopt } = Parking.prototype
    Parking.prototype.adopt = function() {
      return adopt.call(this).filter(({ state }) => state !== WAITING)
    }
  },
  "ring from the freed position": () => {
    LinkReader.prototype.take = () => {}
    LinkReader.prototype.receive = () => {}
  },
  "losses not counted": () => {
    LinkReader.prototype.lose = () => {}
  },
  "no fence": () => {
    Object.defineProperty(LinkReader.prototype, "fenced", { get: () => Infinity, set: () => {} })
  },
  "no wait": () => {
    Move.prototype.hold = () => {}
  },
  "passed on last": () => {
    Move.prototype.receive = (keyed, message, payload, replier, arrival) =>
      keyed.receive(message, payload, replier, arrival)
  },
  "silent successor": () => {
    Homes.prototype.resume = () => {}
  }
}

/** Makes the mistake that the environment names. */
export const make = (name: string | undefined): void => {
  if (name !== undefined) makers[name as Mutant]()
}
