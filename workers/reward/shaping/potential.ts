/**
 * Potential-based shaping F = gamma phi(s') - phi(s), phi(terminal) = 0 (Ng, Harada and Russell, ICML 1999). The value of a
 * step is the potential of the state that follows it, so phi(s) is the value of the step before: nothing to come is needed.
 */
import type { ShapeSpecOf } from '../../../proto/reward-shapes.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import { maskUnit } from '../combinators/combinator.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import type { ShapeContext } from './shape.js';

export function potential(spec: ShapeSpecOf<'potential'>, column: RewardColumn, { level, discount }: ShapeContext): RewardColumn {
  const gamma = spec.discount ?? discount;
  const result = knownColumn(level.units);
  for (let unit = 0; unit < level.units; unit++) {
    const begins = level.position[unit] === 0;
    const present = unit > 0 && level.episode[unit] === level.episode[unit - 1];
    const ended = level.terminated[unit] === 1;
    const beforeKnown = begins || (present && column.mask[unit - 1] === 1);
    const afterKnown = ended || column.mask[unit] === 1;
    result.status[unit] = Math.max(ended ? REWARD_STATUS.final : (column.status[unit] as number), begins || !present ? REWARD_STATUS.final : (column.status[unit - 1] as number));
    if (!beforeKnown || !afterKnown) {
      maskUnit(result, unit, result.status[unit] as number);
      continue;
    }
    const before = begins ? spec.initial : (column.value[unit - 1] as number);
    const after = ended ? 0 : (column.value[unit] as number);
    result.value[unit] = gamma * after - before;
    const used = [...(ended ? [] : [unit]), ...(begins ? [] : [unit - 1])];
    result.confidence[unit] = Math.min(1, ...used.map((one) => column.confidence[one] as number));
    result.version[unit] = Math.max(0, ...used.map((one) => column.version[one] as number));
    if (!Number.isFinite(result.value[unit])) maskUnit(result, unit, REWARD_STATUS.error);
  }
  return result;
}
