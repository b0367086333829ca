import { assert, describe, it } from "vitest"
import { PLACES, Sleepers, WORDS } from "../../src/internal/hot/sleepers.ts"

const make = () => new Sleepers(new Int32Array(WORDS))

describe("Sleepers", () => {
  it("gives each place to one token, and takes it back from its owner alone", () => {
    const sleepers = make()
    for (let place = 0; place < PLACES; place++) assert.strictEqual(sleepers.enter(100 + place), place)
    assert.strictEqual(sleepers.enter(1), -1)
    sleepers.leave(7, 1)
    assert.strictEqual(sleepers.tokenAt(7), 107)
    sleepers.leave(7, 107)
    assert.strictEqual(sleepers.enter(1), 7)
    // The dead one's token comes late.
    sleepers.leave(7, 107)
    assert.strictEqual(sleepers.tokenAt(7), 1)
  })

  it("shows who sleeps, once, until he sleeps again", () => {
    const sleepers = make()
    assert.isFalse(sleepers.any)
    sleepers.sleep(0)
    sleepers.sleep(30)
    sleepers.sleep(5)
    sleepers.wake(5)
    assert.isTrue(sleepers.any)
    assert.strictEqual(sleepers.take(), 1 | 1 << 30)
    assert.isFalse(sleepers.any)
    assert.strictEqual(sleepers.take(), 0)
  })

  it("lowers the bit of a place that is left", () => {
    const sleepers = make()
    const place = sleepers.enter(9)
    sleepers.sleep(place)
    sleepers.leave(place, 9)
    assert.isFalse(sleepers.any)
  })
})
