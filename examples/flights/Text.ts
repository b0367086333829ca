/**
 * Numbers and dates from text, as CSV has them.
 */

const integer = /^[+-]?\d+$/
const calendar =
  /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?(Z|[+-]\d{2}:?\d{2})?$/

/** An integer; `undefined` for blank text, `NaN` for any other. */
export const toInteger = (text: string): number | undefined => {
  const trimmed = text.trim()
  if (trimmed === "") return undefined
  return integer.test(trimmed) ? Number(trimmed) : NaN
}

/**
 * Milliseconds since the epoch: of a date (`2001-01-10`, with `/` as well), with a time (`18:20`, `18:20:30`,
 * after a space or `T`) and a zone (`Z`, `+01:00`; UTC if there is none), or of an integer that already is
 * that. `undefined` for blank text, `NaN` for any other.
 */
export const toEpochMillis = (text: string): number | undefined => {
  const trimmed = text.trim()
  const parts = calendar.exec(trimmed)
  if (parts === null) return toInteger(trimmed)
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number
  ]
  const millis = Math.floor(Number(`0.${parts[7] ?? 0}`) * 1000)
  const utc = Date.UTC(year, month - 1, day, hour, minute, second, millis)
  // Date.UTC carries what is too large over into the next field; a 31st of February is no date.
  const date = new Date(utc)
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 &&
    second < 60
  return isReal ? utc - zoneMillis(parts[8]) : NaN
}

const zoneMillis = (zone: string | undefined): number => {
  if (zone === undefined || zone === "Z") return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000
}
