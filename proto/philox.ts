/**
 * Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 * A draw is a pure function of (key, counter): a retry, another worker or a replay draws the same numbers.
 */
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** High 32 bits of the unsigned product of two 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle1 = aHigh * bLow + (low >>> 16);
  const middle2 = aLow * bHigh + (middle1 & 0xffff);
  return (aHigh * bHigh + Math.floor(middle1 / 0x10000) + Math.floor(middle2 / 0x10000)) >>> 0;
}

/** Writes the four 32-bit words for `counter` under `key` into `out`. */
export function philox4x32(key0: number, key1: number, c0: number, c1: number, c2: number, c3: number, out: Uint32Array): void {
  let k0 = key0 >>> 0;
  let k1 = key1 >>> 0;
  let x0 = c0 >>> 0;
  let x1 = c1 >>> 0;
  let x2 = c2 >>> 0;
  let x3 = c3 >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, x0);
    const low0 = Math.imul(MULTIPLIER_0, x0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, x2);
    const low1 = Math.imul(MULTIPLIER_1, x2) >>> 0;
    x0 = (high1 ^ x1 ^ k0) >>> 0;
    x1 = low1;
    x2 = (high0 ^ x3 ^ k1) >>> 0;
    x3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/** What a stream of numbers is for; part of the key, so that two uses never share a draw. */
export const RANDOM_PURPOSE = {
  episodeSeed: 1,
  actionSampling: 2,
  parameterInit: 3,
  minibatch: 4,
  pairs: 5,
  evaluation: 6,
  environment: 7,
  judgeNoise: 8,
  fit: 9,
  test: 10,
  verification: 11,
  textPrompt: 12,
  tokenSampling: 13,
  warmStart: 14,
  listOrder: 15,
} as const;
export type RandomPurpose = keyof typeof RANDOM_PURPOSE;

/** Numbers keyed by (seed, purpose) and addressed by a four-word counter. */
export class CounterRandom {
  private readonly words = new Uint32Array(4);
  private readonly key1: number;

  /** `seed`: any safe integer >= 0. */
  constructor(
    private readonly seed: number,
    purpose: RandomPurpose,
  ) {
    this.key1 = (Math.floor(seed / 0x100000000) ^ Math.imul(RANDOM_PURPOSE[purpose], 0x9e3779b1)) >>> 0;
  }

  /** Four words for this counter; the returned array is reused by the next call. */
  at(c0: number, c1 = 0, c2 = 0, c3 = 0): Uint32Array {
    philox4x32(this.seed >>> 0, this.key1, c0, c1, c2, c3, this.words);
    return this.words;
  }

  /** Uniform in [0, 1) with 32 bits of resolution. */
  uniform(c0: number, c1 = 0, c2 = 0, c3 = 0): number {
    return (this.at(c0, c1, c2, c3)[0] as number) / 0x100000000;
  }

  /** Standard normal by Box and Muller, from the first two words. */
  normal(c0: number, c1 = 0, c2 = 0, c3 = 0): number {
    const words = this.at(c0, c1, c2, c3);
    const u1 = ((words[0] as number) + 0.5) / 0x100000000;
    const u2 = (words[1] as number) / 0x100000000;
    return Math.sqrt(-2 * Math.log(u1)) * Math.cos(2 * Math.PI * u2);
  }
}
