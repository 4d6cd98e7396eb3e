/** Veto and routing: preconditions first, then the first term that is known and sure enough. */
import type { CascadeSpec } from '../../../proto/reward-combine.js';
import type { RewardColumn } from '../reward-column.js';
import { levelOf } from '../units.js';
import { byElement, pointwise, type CombinatorContext, type NodeValue, type Operand } from './combinator.js';

/** Operands: the terms, then the preconditions. */
export function cascade(spec: CascadeSpec, operands: readonly Operand[], { units }: CombinatorContext): NodeValue {
  const count = spec.of.length;
  const [first] = operands as [Operand, ...Operand[]];
  const rows = levelOf(units, first.value.granularity).units;
  return byElement(operands, (columns) =>
    pointwise(columns, rows, (at, unit) => {
      for (const [index, { min, floor }] of spec.require.entries()) {
        const value = at(count + index);
        if (value === undefined) return undefined;
        if (value < min) return { value: floor };
      }
      for (let index = 0; index < count; index++) {
        const { mask, confidence } = columns[index] as RewardColumn;
        // What is passed over has no say in how sure the value is.
        if (mask[unit] === 1 && (confidence[unit] as number) >= spec.confidenceMin) return { value: at(index) as number };
      }
      if (spec.otherwise !== null) return { value: spec.otherwise };
      for (let index = 0; index < count; index++) at(index);
      return undefined;
    }),
  );
}
