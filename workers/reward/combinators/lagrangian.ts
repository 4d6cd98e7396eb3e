/** An objective and constraints, weighed by multipliers that the run moves from batch to batch (proto/reward-state.ts). */
import type { LagrangianSpec } from '../../../proto/reward-combine.js';
import { multiplierWeights } from '../../../proto/reward-state.js';
import { levelOf } from '../units.js';
import type { CombinatorContext, NodeValue, Operand } from './combinator.js';
import { linearSum } from './linear.js';
import type { RewardColumn } from '../reward-column.js';

/** Operands: the objective, then the constraints. An unknown constraint adds nothing; an unknown objective makes the value unknown. */
export function lagrangian(spec: LagrangianSpec, operands: readonly Operand[], { units, state }: CombinatorContext): NodeValue {
  const [objective, ...constraints] = operands as [Operand, ...Operand[]];
  const weights = multiplierWeights(spec, state);
  const column = (operand: Operand): RewardColumn => operand.value.columns[0] as RewardColumn;
  const { granularity } = objective.value;
  const sum = linearSum(
    [
      { column: column(objective), weight: weights.objective, unknown: 'drop' },
      ...constraints.map((operand, index) => ({ column: column(operand), weight: weights.constraints[index] as number, unknown: operand.unknown })),
    ],
    levelOf(units, granularity).units,
  );
  return { granularity, elements: null, columns: [sum] };
}
