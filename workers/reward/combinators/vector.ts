/** Terms side by side, without scalarisation. At the root their sum is the total: what the sum of the heads' advantages pursues. */
import type { VectorSpec } from '../../../proto/reward-combine.js';
import { elementName } from '../../../proto/reward-types.js';
import type { RewardColumn } from '../reward-column.js';
import type { NodeValue, Operand } from './combinator.js';

export function vector(_spec: VectorSpec, operands: readonly Operand[]): NodeValue {
  const [first] = operands as [Operand, ...Operand[]];
  return {
    granularity: first.value.granularity,
    elements: operands.map(({ name }, index) => elementName(name, index)),
    columns: operands.map(({ value }) => value.columns[0] as RewardColumn),
  };
}
