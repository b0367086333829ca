import { assert, describe, it } from "@effect/vitest"
import * as ActorId from "@troupe/runtime/ActorId"
import * as Codec from "@troupe/runtime/Codec"
import * as Layout from "@troupe/runtime/Layout"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as HashSet from "effect/HashSet"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { inspect } from "node:util"

const parts = fc.record({
  type: fc.integer({ min: 1, max: 0xffff }),
  instance: fc.integer({ min: 0, max: 0xffffffff }),
  version: fc.integer({ min: 0, max: 0xff }),
  machine: fc.integer({ min: 0, max: 0xff })
})
const ids = parts.map(ActorId.make)

describe("ActorId", () => {
  describe("text", () => {
    it("S60: is what kay prints", () => {
      const id = ActorId.make({ type: 0xa, instance: 0xbeef, version: 3, machine: 0xff })
      assert.strictEqual(ActorId.format(id), "A_BEEF.3@FF")
      assert.strictEqual(String(id), "A_BEEF.3@FF")
      assert.strictEqual(inspect(id), "ActorId(A_BEEF.3@FF)")
      assert.strictEqual(JSON.stringify({ id }), `{"id":"A_BEEF.3@FF"}`)
    })

    it("is read back as the same identity", () => {
      fc.assert(fc.property(ids, (id) => {
        const text = ActorId.format(id)
        assert.deepStrictEqual(ActorId.parse(text), Result.succeed(id))
        assert.deepStrictEqual(ActorId.parseUnsafe(text.toLowerCase()), id)
        assert.deepStrictEqual(ActorId.parseUnsafe(`00${text}`), id)
      }))
    })

    for (
      const text of [
        "",
        "1_2.3",
        "1_2.3@",
        "0_2.3@4",
        "1_100000000.3@4",
        "10000_2.3@4",
        "1_2.100@4",
        "1_2.3@100",
        "1_2.3@4@5",
        "1.2_3@4",
        "+1_2.3@4",
        "-1_2.3@4",
        "1_2.3@g",
        " 1_2.3@4",
        "1_2.3@4\n"
      ]
    ) {
      it(`is not ${JSON.stringify(text)}`, () => {
        const result = ActorId.parse(text)
        assert.isTrue(Result.isFailure(result) && result.failure._tag === "ActorIdParseError")
        assert.throws(() => ActorId.parseUnsafe(text), /no actor's identity/)
      })
    }
  })

  it("has parts that fit their bits", () => {
    for (
      const wrong of [
        { type: 0 },
        { type: 0x10000 },
        { instance: -1 },
        { instance: 2 ** 32 },
        { version: 256 },
        { machine: 256 },
        { instance: 0.5 },
        { version: Number.NaN }
      ]
    ) {
      const all = { type: 1, instance: 0, version: 0, machine: 0, ...wrong }
      assert.throws(() => ActorId.make(all), RangeError)
    }
  })

  it("is equal to those with the same parts, and hashes alike", () => {
    fc.assert(fc.property(parts, ids, (some, other) => {
      const id = ActorId.make(some)
      const same = ActorId.make(some)
      assert.isTrue(Equal.equals(id, same))
      assert.strictEqual(Hash.hash(id), Hash.hash(same))
      assert.isTrue(HashSet.has(HashSet.make(id), same))
      assert.strictEqual(Equal.equals(id, other), ActorId.format(id) === ActorId.format(other))
      for (const part of ["type", "instance", "version", "machine"] as const) {
        assert.isFalse(Equal.equals(id, ActorId.make({ ...some, [part]: some[part] === 7 ? 8 : 7 })))
      }
    }))
  })

  it("hashes a million instances of one type to as many places", () => {
    const hashes = new Set<number>()
    const versions = { type: 7, version: 1, machine: 0 }
    for (let instance = 0; instance < 1_000_000; instance += 97) {
      hashes.add(Hash.hash(ActorId.make({ ...versions, instance })))
    }
    assert.isAbove(hashes.size, Math.ceil(1_000_000 / 97) * 0.99)
  })

  it("is ordered by type, instance, version, machine", () => {
    const key = ({ instance, machine, type, version }: ActorId.Parts) => [type, instance, version, machine]
    fc.assert(fc.property(ids, ids, (a, b) => {
      const first = key(a).findIndex((part, i) => part !== key(b)[i])
      const wanted = first < 0 ? 0 : Math.sign(key(a)[first]! - key(b)[first]!)
      assert.strictEqual(ActorId.Order(a, b), wanted)
      assert.strictEqual(ActorId.Order(b, a), wanted === 0 ? 0 : -wanted)
    }))
  })

  it("stands for all instances, and for all machines", () => {
    const id = ActorId.make({ type: 5, instance: 6, version: 7, machine: 8 })
    const here = ActorId.toBroadcast(id)
    const everywhere = ActorId.toGlobalBroadcast(id)
    assert.strictEqual(ActorId.format(here), "5_FFFFFFFF.7@8")
    assert.strictEqual(ActorId.format(everywhere), "5_FFFFFFFF.7@FF")
    assert.deepStrictEqual([id, here, everywhere].map(ActorId.isBroadcast), [false, true, true])
    assert.deepStrictEqual([id, here, everywhere].map(ActorId.isGlobalBroadcast), [false, false, true])
  })

  describe("schema", () => {
    it("takes 8 bytes between threads", () => {
      for (const interpreter of [false, true]) {
        const codec = Codec.make(ActorId.ActorId, { interpreter })
        assert.strictEqual(codec.fixedSize, 8)
        fc.assert(fc.property(ids, (id) => {
          const bytes = Codec.encodeUnsafe(codec, id)
          assert.strictEqual(bytes.length, 8)
          assert.deepStrictEqual(Codec.decodeUnsafe(codec, bytes), id)
        }))
        assert.throws(() => Codec.decodeUnsafe(codec, new Uint8Array(8)), Codec.CodecError)
        assert.throws(
          () => codec.encode({} as never, new Codec.Bytes(new ArrayBuffer(8)), 0, 8),
          Codec.CodecError
        )
      }
    })

    it("takes 8 bytes in a record", () => {
      const schema = Schema.Struct({ id: ActorId.ActorId, previous: Schema.NullOr(ActorId.ActorId) })
      for (const by of ["code", "closures"] as const) {
        const layout = Layout.make(schema, { by })
        assert.strictEqual(layout.byteLength, 8 + 4 + 8)
        const view = layout.view({ buffer: new ArrayBuffer(layout.byteLength) })
        fc.assert(fc.property(ids, fc.option(ids), (id, previous) => {
          layout.write(view, { id, previous })
          assert.deepStrictEqual(layout.read(view), { id, previous })
          assert.isTrue(Equal.equals(view.id, id))
        }))
      }
    })

    it("is its text as JSON", () => {
      const codec = Schema.toCodecJson(Schema.Struct({ id: ActorId.ActorId }))
      fc.assert(fc.property(ids, (id) => {
        const json = Schema.encodeSync(codec)({ id })
        assert.deepStrictEqual(json, { id: ActorId.format(id) })
        assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(json), { id })
      }))
      assert.throws(() => Schema.decodeUnknownSync(codec)({ id: "0_1.1@1" }), /no actor's identity/)
    })
  })
})
