/** Numbers from a seed that depend on who rolls and on how often they have, and on nothing else. */

/** Mixes 32 bits: `lowbias32` of Chris Wellons' hash prospector. */
const mix = (n: number): number => {
  n = Math.imul(n ^ (n >>> 16), 0x7feb352d)
  n = Math.imul(n ^ (n >>> 15), 0x846ca68b)
  return (n ^ (n >>> 16)) >>> 0
}

interface Hand {
  readonly hash: number
  rolls: number
}

export class Dice {
  private readonly seed: number
  private readonly hands = new Map<string, Hand>()

  constructor(seed: number) {
    this.seed = mix(seed | 0)
  }

  /** From 0 to less than 1. */
  roll(who: string): number {
    let hand = this.hands.get(who)
    if (hand === undefined) {
      let hash = this.seed
      for (let i = 0; i < who.length; i++) hash = mix(hash ^ who.charCodeAt(i))
      hand = { hash, rolls: 0 }
      this.hands.set(who, hand)
    }
    return mix(hand.hash + Math.imul(++hand.rolls, 0x9e3779b9)) / 2 ** 32
  }
}
