/**
 * Mistakes in how a worker's successor goes on, each of which the stress must catch, or it proves nothing. They are
 * made in the worker's own thread, before it does anything else.
 */
import { Slot, WAITING } from "../src/internal/hot/chunk.ts"
import { LinkReader } from "../src/internal/hot/link.ts"
import { Parcel, Parking } from "../src/internal/hot/parking.ts"

/** What each mistake is. */
export const mutants = {
  "taken after the handler": "a message that ends its thread is delivered again",
  "parked ones forgotten": "what waited for busy actors dies with their thread",
  "ring from the freed position": "what was read since room was last freed is read again",
  "losses not counted": "what a sender's thread had not published vanishes"
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
  }
}

/** Makes the mistake that the environment names. */
export const make = (name: string | undefined): void => {
  if (name !== undefined) makers[name as Mutant]()
}
