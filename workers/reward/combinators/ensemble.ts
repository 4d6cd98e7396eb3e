/** One value from several estimates of the same thing; unknown members are left out. */
import type { EnsembleSpec } from '../../../proto/reward-combine.js';
import { levelOf } from '../units.js';
import { byElement, pointwise, type CombinatorContext, type NodeValue, type Operand } from './combinator.js';

export function ensemble(spec: EnsembleSpec, operands: readonly Operand[], { units }: CombinatorContext): NodeValue {
  const [first] = operands as [Operand, ...Operand[]];
  const rows = levelOf(units, first.value.granularity).units;
  return byElement(operands, (columns) =>
    pointwise(columns, rows, (at, unit) => {
      const values = columns.map((_, index) => at(index)).filter((value) => value !== undefined);
      if (values.length < spec.membersMin) return undefined;
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      // Of the members themselves, not of what they might have been: divided by n.
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
      const sure = columns.reduce((least, { mask, confidence }) => (mask[unit] === 1 ? Math.min(least, confidence[unit] as number) : least), 1);
      return { value: valueOf(spec, values, mean, deviation), confidence: sure / (1 + deviation) };
    }),
  );
}

function valueOf({ rule, kappa, threshold }: EnsembleSpec, values: readonly number[], mean: number, deviation: number): number {
  switch (rule) {
    case 'mean':
      return mean;
    case 'median': {
      const sorted = [...values].sort((a, b) => a - b);
      const middle = (sorted.length - 1) / 2;
      return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
    }
    case 'min':
      return Math.min(...values);
    case 'pessimistic':
      return mean - kappa * deviation;
    case 'vote':
      return 2 * values.filter((value) => value > threshold).length > values.length ? 1 : 0;
    default: {
      const never: never = rule;
      throw new TypeError(`unknown rule ${String(never)}`);
    }
  }
}
