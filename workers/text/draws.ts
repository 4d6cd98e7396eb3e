/** Draws one after another from a counter-based generator: a pure function of its key, its address and their number. */
import type { CounterRandom } from '../../proto/philox.js';

export class Draws {
  private count = 0;

  /** Words 0 to 2 of the counter are the address; the fourth counts the draws. */
  constructor(
    private readonly random: CounterRandom,
    private readonly a: number,
    private readonly b = 0,
    private readonly c = 0,
  ) {}

  /** In [0, 1). */
  uniform(): number {
    return this.random.uniform(this.a, this.b, this.c, this.count++);
  }

  /** 0 .. count - 1. */
  index(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.index(list.length)] as T;
  }

  /** A permutation of the list. */
  shuffle<T>(list: readonly T[]): T[] {
    const left = [...list];
    return list.map(() => left.splice(this.index(left.length), 1)[0] as T);
  }
}
