/** A picture of the traffic, as a PNG file: the denser a piece of street, the brighter. */
import { crc32, deflateSync } from "node:zlib"
import { segments } from "./City.ts"
import * as Grid from "./Grid.ts"

/** Pixels from one junction to the next, between them one for each segment, and those of a street's width. */
const cell = segments + 4
const width = 2

/** From no car to a standstill. */
const colours = [[20, 22, 34], [43, 58, 103], [49, 130, 120], [244, 196, 48], [230, 70, 40], [
  255,
  255,
  255
]] as const

const background = [10, 11, 18] as const

const colourOf = (share: number): ReadonlyArray<number> => {
  const at = Math.min(1, share) * (colours.length - 1)
  const low = Math.min(colours.length - 2, Math.floor(at))
  return colours[low]!.map((value, i) => Math.round(value + (colours[low + 1]![i]! - value) * (at - low)))
}

/** The picture's bytes. */
export const png = (grid: Grid.Grid, density: Float64Array): Uint8Array => {
  const size = grid.side * cell + 4
  // Each line begins with its filter: none.
  const line = 1 + size * 3
  const pixels = new Uint8Array(size * line)
  const paint = (x: number, y: number, colour: ReadonlyArray<number>): void => {
    const at = ((y + size) % size) * line + 1 + ((x + size) % size) * 3
    pixels.set(colour, at)
  }
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) paint(x, y, background)
  const sorted = density.toSorted()
  // What only one piece of street in two hundred reaches is as bright as it gets.
  const full = Math.max(1, sorted[Math.floor(sorted.length * 0.995)]!)
  for (let street = 0; street < grid.streets; street++) {
    const junction = Math.floor(street / Grid.directions)
    const x = 4 + (junction % grid.side) * cell
    const y = 4 + Math.floor(junction / grid.side) * cell
    for (let segment = 0; segment < segments; segment++) {
      const cars = density[street * segments + segment]!
      const colour = colourOf(Math.log1p(cars) / Math.log1p(full))
      const along = 2 + segment
      for (let lane = 0; lane < width; lane++) {
        // One drives on the right.
        const [dx, dy] = [
          [along, lane],
          [-1 - lane, along],
          [-along, -1 - lane],
          [lane, -along]
        ][Grid.directionOf(street)]!
        paint(x + dx!, y + dy!, colour)
      }
    }
  }
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, size)
  view.setUint32(4, size)
  // Eight bits for each of three colours.
  header.set([8, 2, 0, 0, 0], 8)
  return concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(pixels)),
    chunk("IEND", new Uint8Array())
  ])
}

const chunk = (type: string, data: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(12 + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, data.length)
  bytes.set(new TextEncoder().encode(type), 4)
  bytes.set(data, 8)
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)))
  return bytes
}

const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
