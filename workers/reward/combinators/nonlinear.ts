/** Functions of several terms that are no sum; unknown where one of them is. */
import type { NonlinearSpec } from '../../../proto/reward-combine.js';
import { levelOf } from '../units.js';
import { allKnown, byElement, pointwise, type CombinatorContext, type NodeValue, type Operand } from './combinator.js';

export function nonlinear(spec: NonlinearSpec, operands: readonly Operand[], { units }: CombinatorContext): NodeValue {
  const compute = functionOf(spec);
  const [first] = operands as [Operand, ...Operand[]];
  const rows = levelOf(units, first.value.granularity).units;
  return byElement(operands, (columns) =>
    pointwise(columns, rows, (at) => {
      const values = allKnown(at, columns.length);
      return values && { value: compute(values) };
    }),
  );
}

function functionOf(spec: NonlinearSpec): (values: readonly number[]) => number {
  switch (spec.rule) {
    case 'signed-geometric-mean':
      return signedGeometricMean;
    case 'min':
      return (values) => Math.min(...values);
    case 'max':
      return (values) => Math.max(...values);
    case 'product':
      return (values) => values.reduce((product, value) => product * value, 1);
    case 'lexicographic':
      return (values) => lexicographic(values, spec.levels);
    case 'threshold':
      return (values) => ((spec.reached === 'all' ? values.every((value) => value >= spec.at) : values.some((value) => value >= spec.at)) ? spec.above : spec.below);
    default: {
      const never: never = spec;
      throw new TypeError(`unknown rule ${JSON.stringify(never)}`);
    }
  }
}

/** sgn * (prod |r_i|)^(1/n), sgn = 1 where all r_i > 0, else -1; a product of 0 is 0 (KRC of Lucy-SKG, arXiv 2305.15801). */
export function signedGeometricMean(values: readonly number[]): number {
  const product = values.reduce((all, value) => all * Math.abs(value), 1);
  if (product === 0) return 0;
  const sign = values.every((value) => value > 0) ? 1 : -1;
  return sign * product ** (1 / values.length);
}

/** i + clamp((r_i - from_i) / (to_i - from_i), 0, 1), where i terms before are at their `to` and r_i is the first that is not; n where all are. */
export function lexicographic(values: readonly number[], levels: readonly (readonly [number, number])[]): number {
  for (const [index, value] of values.entries()) {
    const [from, to] = levels[index] as readonly [number, number];
    if (value < to) return index + Math.max(0, (value - from) / (to - from));
  }
  return values.length;
}
