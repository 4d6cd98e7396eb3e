/** How new a step is in its episode: a memory that begins with the episode and is asked about each step in order. */
import type { BonusOf, BonusSpec } from '../../../proto/reward-novelty.js';
import { CounterRandom } from '../../../proto/philox.js';

export interface Bonus {
  /** Of the next step, which is then remembered. */
  next(features: Float64Array): number;
}

export function bonusOf(spec: BonusSpec): () => Bonus {
  switch (spec.kind) {
    case 'count':
      return () => countBonus(spec);
    case 'nearest':
      return () => nearestBonus(spec);
    case 'distillation':
      return () => distillationBonus(spec);
    default: {
      const never: never = spec;
      throw new TypeError(`unknown bonus ${JSON.stringify(never)}`);
    }
  }
}

function countBonus({ exponent }: BonusOf<'count'>): Bonus {
  const seen = new Map<string, number>();
  return {
    next(features) {
      const key = features.join();
      const count = (seen.get(key) ?? 0) + 1;
      seen.set(key, count);
      return count ** -exponent;
    },
  };
}

function nearestBonus({ neighbours, memory }: BonusOf<'nearest'>): Bonus {
  const before: Float64Array[] = [];
  return {
    next(features) {
      const distances = before.map((one) => distance(one, features)).sort((a, b) => a - b).slice(0, neighbours);
      before.push(features);
      if (before.length > memory) before.shift();
      return distances.length === 0 ? 0 : distances.reduce((sum, one) => sum + one, 0) / distances.length;
    },
  };
}

export function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += ((a[index] as number) - (b[index] as number)) ** 2;
  return Math.sqrt(sum);
}

/** The target is tanh(W x) with random W; the predictor is linear in x and a constant, and starts at 0. */
function distillationBonus({ width, rate, standardise, seed }: BonusOf<'distillation'>): Bonus {
  const random = new CounterRandom(seed, 'fit');
  let weights: Float64Array | undefined;
  let predictor: Float64Array | undefined;
  let moments = { count: 0, mean: 0, squares: 0 };
  return {
    next(features) {
      const inputs = features.length + 1;
      weights ??= Float64Array.from({ length: width * inputs }, (_, at) => (2 * random.uniform(17, at) - 1) * Math.sqrt(3 / inputs));
      predictor ??= new Float64Array(width * inputs);
      const x = Float64Array.of(...features, 1);
      const norm = 1 + x.reduce((sum, value) => sum + value * value, 0);
      let error = 0;
      for (let unit = 0; unit < width; unit++) {
        const row = unit * inputs;
        let [wanted, found] = [0, 0];
        for (let at = 0; at < inputs; at++) {
          wanted += (weights[row + at] as number) * (x[at] as number);
          found += (predictor[row + at] as number) * (x[at] as number);
        }
        const off = Math.tanh(wanted) - found;
        error += off * off;
        for (let at = 0; at < inputs; at++) predictor[row + at] = (predictor[row + at] as number) + ((rate * off) / norm) * (x[at] as number);
      }
      const bonus = error / width;
      moments = welford(moments, bonus);
      const deviation = Math.sqrt(moments.squares / moments.count);
      return standardise ? (deviation > 0 ? bonus / deviation : 0) : bonus;
    },
  };
}

function welford({ count, mean, squares }: { count: number; mean: number; squares: number }, value: number) {
  const off = value - mean;
  const next = mean + off / (count + 1);
  return { count: count + 1, mean: next, squares: squares + off * (value - next) };
}
