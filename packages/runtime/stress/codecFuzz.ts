/**
 * The codec's decoder against bytes that are not its encoder's: random,
 * truncated, extended and mutated records of random schemas.
 *
 * Allowed: a CodecError, or a value that encodes and comes back equal.
 * Forbidden: any other exception; a read outside the record; a difference
 * between generated code and interpreter, or between one place in a buffer and
 * another; more than a second for one record.
 */
import * as Equal from "effect/Equal"
import * as fc from "fast-check"
import { isDeepStrictEqual } from "node:util"
import * as Codec from "../src/Codec.ts"
import { type Sample, samples } from "./codecSchemas.ts"

/** What is tried: the real thing, or a mutant of it. */
export type Subject = (sample: Sample) => Pick<Codec.Codec<any>, "decode">

/** What came of it. `failure` tells how to see it again. */
export interface Report {
  readonly records: number
  readonly accepted: number
  readonly failure: {
    readonly seed: number
    readonly schema: string
    readonly bytes: string
    readonly what: string
  } | undefined
}

/** Rounds from `seed` on, each of one schema, until told to stop or something fails. */
export const fuzz = (options: {
  readonly seed: number
  readonly isOver: (round: number) => boolean
  readonly subject?: Subject | undefined
}): Report => {
  const subject = options.subject ?? ((sample) => Codec.make(sample.schema))
  let records = 0
  let accepted = 0
  for (let round = 0; !options.isOver(round); round++) {
    const seed = (options.seed + round) >>> 0
    const random = generator(seed)
    const sample = fc.sample(samples, { seed, numRuns: 1 })[0]!
    const trial: Trial = {
      real: Codec.make(sample.schema),
      walked: Codec.make(sample.schema, { interpreter: true }),
      subject: subject(sample)
    }
    const originals = fc.sample(sample.values, { seed, numRuns: 4 }).map((value) =>
      Codec.encodeUnsafe(trial.real, value)
    )
    for (let i = 0; i < 150; i++) {
      const bytes = mutate(originals, random)
      records++
      const outcome = attempt(trial, bytes)
      if (outcome === "accepted") accepted++
      else if (outcome !== "refused") {
        const hex = Buffer.from(bytes).toString("hex")
        return { records, accepted, failure: { seed, schema: sample.text, bytes: hex, what: outcome } }
      }
    }
  }
  return { records, accepted, failure: undefined }
}

interface Trial {
  readonly real: Codec.Codec<any>
  readonly walked: Codec.Codec<any>
  readonly subject: Pick<Codec.Codec<any>, "decode">
}

type Outcome = { readonly value: unknown } | { readonly refusal: string } | { readonly crash: string }

const decode = (
  codec: Pick<Codec.Codec<any>, "decode">,
  bytes: Codec.Bytes,
  offset: number,
  end: number
): Outcome => {
  try {
    return { value: codec.decode(bytes, offset, end) }
  } catch (error) {
    return error instanceof Codec.CodecError ? { refusal: error.message } : { crash: String(error) }
  }
}

const same = (a: Outcome, b: Outcome): boolean =>
  isDeepStrictEqual(a, b) || ("value" in a && "value" in b && Equal.equals(a.value, b.value))

/** "accepted", "refused", or what is wrong. */
const attempt = (trial: Trial, record: Uint8Array): string => {
  const start = performance.now()
  const walked = decode(trial.walked, new Codec.Bytes(record.slice().buffer), 0, record.length)
  if ("crash" in walked) return `the interpreter threw ${walked.crash}`
  for (const fill of [0x00, 0xff]) {
    const bytes = new Codec.Bytes(new SharedArrayBuffer(record.length + 64))
    bytes.u8.fill(fill)
    bytes.u8.set(record, 32)
    const outcome = decode(trial.subject, bytes, 32, 32 + record.length)
    if ("crash" in outcome) return `the code threw ${outcome.crash}`
    if (!same(outcome, walked)) return `the code and the interpreter differ, among bytes ${fill}`
  }
  for (const codec of [trial.subject, trial.walked]) {
    const strays: Array<number> = []
    decode(codec, watch(record, strays), margin, margin + record.length)
    if (strays.length > 0) return `it read at ${strays[0]! - margin} of ${record.length} bytes`
  }
  if (performance.now() - start > 1000) return "it took more than a second"
  if ("refusal" in walked) return "refused"
  return comesBack(trial.real, walked.value)
}

const comesBack = (codec: Codec.Codec<any>, value: unknown): string => {
  try {
    const again: unknown = Codec.decodeUnsafe(codec, Codec.encodeUnsafe(codec, value))
    return same({ value: again }, { value }) ? "accepted" : "what it gave does not come back equal"
  } catch (error) {
    return `what it gave cannot be encoded: ${String(error)}`
  }
}

const margin = 16

/** Bytes that note every read outside the record. */
const watch = (record: Uint8Array, strays: Array<number>): Codec.Bytes => {
  const inner = new Codec.Bytes(new ArrayBuffer(record.length + margin * 2))
  inner.u8.set(record, margin)
  const end = margin + record.length
  const note = (from: number, to: number): void => {
    if (from < to && (from < margin || to > end)) strays.push(from < margin ? from : to - 1)
  }
  const u8 = new Proxy(inner.u8, {
    get: (target, key) => {
      if (typeof key === "string" && /^\d+$/.test(key)) note(Number(key), Number(key) + 1)
      if (key === "subarray" || key === "slice") {
        return (from: number, to: number) => {
          note(from, to)
          return target[key](from, to)
        }
      }
      return Reflect.get(target, key, target) as unknown
    }
  })
  const view = new Proxy(inner.view, {
    get: (target, key) => {
      const method = Reflect.get(target, key, target) as unknown
      if (typeof method !== "function") return method
      const width = Number(/\d+$/.exec(String(key))?.[0] ?? 0) / 8
      return (at: number, littleEndian: boolean) => {
        note(at, at + width)
        return method.call(target, at, littleEndian) as unknown
      }
    }
  })
  return { u8, view }
}

// ---------------------------------------------------------------------------
// Mutation
// ---------------------------------------------------------------------------

type Random = (below: number) => number

// xorshift32, after Marsaglia, "Xorshift RNGs" (2003).
const generator = (seed: number): Random => {
  let state = seed === 0 ? 0x9e3779b9 : seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const telling = [0, 1, 2, 3, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff]

const mutate = (originals: ReadonlyArray<Uint8Array>, random: Random): Uint8Array => {
  const original = originals[random(originals.length)]!
  const at = random(original.length + 1)
  switch (random(9)) {
    case 0:
      return Uint8Array.from({ length: random(40) }, () => random(256))
    case 1:
      return original.slice(0, at)
    case 2:
      return Uint8Array.from([...original, ...Array.from({ length: 1 + random(9) }, () => random(256))])
    case 3:
      return Uint8Array.from([...original.slice(0, at), ...original.slice(at + 1 + random(4))])
    case 4:
      return Uint8Array.from([
        ...original.slice(0, at),
        telling[random(telling.length)]!,
        ...original.slice(at)
      ])
    case 5: {
      const other = originals[random(originals.length)]!
      return Uint8Array.from([...original.slice(0, at), ...other.slice(random(other.length + 1))])
    }
    case 6:
      // A length beyond everything.
      return Uint8Array.from([
        ...original.slice(0, at),
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0x7f,
        ...original.slice(at + 1)
      ])
    default: {
      const out = original.slice()
      for (let n = 1 + random(3); n > 0 && out.length > 0; n--) {
        const place = random(out.length)
        out[place] = random(2) === 0 ? out[place]! ^ (1 << random(8)) : telling[random(telling.length)]!
      }
      return out
    }
  }
}
