/** Draws of a workload: one stream for each thing that is drawn, addressed by number, so that no draw moves another. */
import { CounterRandom } from '../../../proto/philox.js';

export class Draw {
  private readonly random: CounterRandom;

  constructor(
    seed: number,
    /** What is drawn; streams of one workload differ in it. */
    private readonly stream: number,
  ) {
    this.random = new CounterRandom(seed, 'pairs');
  }

  uniform(index: number, part = 0): number {
    return this.random.uniform(index, this.stream, part);
  }

  normal(index: number, part = 0): number {
    return this.random.normal(index, this.stream, part);
  }

  /** A whole number below `count`. */
  below(count: number, index: number, part = 0): number {
    return Math.min(count - 1, Math.floor(this.uniform(index, part) * count));
  }

  normals(count: number, index: number, scale = 1): Float32Array {
    return Float32Array.from({ length: count }, (_, part) => this.normal(index, part) * scale);
  }

  /** A direction. */
  unit(count: number, index: number): Float32Array {
    const vector = this.normals(count, index);
    const norm = Math.sqrt(dot(vector, vector));
    return vector.map((value) => value / norm);
  }
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
  return sum;
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
