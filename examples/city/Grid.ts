/**
 * The map: junctions on a square grid without an edge (who leaves it on one side comes in on the other), and between
 * two neighbours a street each way. Streets are numbered by the junction that they leave, and their direction.
 */

/** Metres of a street. */
export const length = 1000

/** East, south, west, north. */
const steps = [[0, 1], [1, 0], [0, -1], [-1, 0]] as const
export const directions = steps.length

export interface Grid {
  /** Junctions along a side. */
  readonly side: number
  readonly junctions: number
  readonly streets: number
  /** The junction at the end of each street. */
  readonly end: Uint32Array
  /** How fast one may drive in each street, in times of what one would like to: the inner city is slow. */
  readonly limit: Float32Array
  /** The direction from each junction that leads to the middle. */
  readonly inwards: Uint8Array
}

/** A grid on which so many cars have room: about 150 a street. */
export const make = (cars: number): Grid => {
  const side = Math.min(64, Math.max(4, Math.round(Math.sqrt(cars / 600))))
  const junctions = side * side
  const end = new Uint32Array(junctions * directions)
  const limit = new Float32Array(junctions * directions)
  const inwards = new Uint8Array(junctions)
  const middle = (side - 1) / 2
  for (let junction = 0; junction < junctions; junction++) {
    const row = Math.floor(junction / side)
    const column = junction % side
    const [down, right] = [middle - row, middle - column]
    inwards[junction] = Math.abs(right) > Math.abs(down) ? (right > 0 ? 0 : 2) : down > 0 ? 1 : 3
    steps.forEach(([dr, dc], direction) => {
      const street = junction * directions + direction
      end[street] = ((row + dr + side) % side) * side + (column + dc + side) % side
      const distance = Math.hypot(row - middle, column - middle) / (side / 2)
      limit[street] = distance < 0.25 ? 0.35 : distance < 0.6 ? 0.7 : 1
    })
  }
  return { side, junctions, streets: end.length, end, limit, inwards }
}

/** The direction of a street. */
export const directionOf = (street: number): number => street % directions

/** The street that leaves a junction in a direction. */
export const leaving = (junction: number, direction: number): number =>
  junction * directions + direction % directions
