/** Weighted sum of components. */
import type { LinearSpec } from '../../../proto/reward-combine.js';
import { scheduledAt, type Weight } from '../../../proto/reward-weights.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import { levelOf, truthOf, type UnitLevel } from '../units.js';
import { maskUnit, type CombinatorContext, type NodeValue, type Operand } from './combinator.js';

export interface LinearTerm {
  readonly column: RewardColumn;
  /** Of all units, or of each. */
  readonly weight: number | ((unit: number) => number);
  /** What an unknown value means: it adds nothing (omit, wait), or takes the unit out (drop). */
  readonly unknown: 'omit' | 'wait' | 'drop';
}

/**
 * Terms of weight 0 have no say: neither their values nor their masks reach the sum.
 * @param knownMin known terms with weight without which the sum is unknown
 */
export function linearSum(terms: readonly LinearTerm[], units: number, bias = 0, knownMin = 0): RewardColumn {
  const counted = terms.filter((term) => term.weight !== 0);
  const total = knownColumn(units);
  const known = new Int32Array(units);
  if (bias !== 0) total.value.fill(bias);
  for (const { column, weight: weights, unknown } of counted) {
    for (let unit = 0; unit < units; unit++) {
      const weight = typeof weights === 'number' ? weights : weights(unit);
      if (weight === 0) continue;
      if (column.mask[unit] === 1) {
        known[unit] = (known[unit] as number) + 1;
        total.value[unit] = (total.value[unit] as number) + weight * (column.value[unit] as number);
        total.version[unit] = Math.max(total.version[unit] as number, column.version[unit] as number);
        total.confidence[unit] = Math.min(total.confidence[unit] as number, column.confidence[unit] as number);
        continue;
      }
      if (unknown === 'drop') total.mask[unit] = 0;
      if (column.status[unit] !== REWARD_STATUS.final) total.status[unit] = column.status[unit] as number;
    }
  }
  for (let unit = 0; unit < units; unit++) {
    const out = counted.length > 0 && (known[unit] as number) < knownMin;
    if (out) maskUnit(total, unit, total.status[unit] as number);
    else if (total.mask[unit] === 0) maskUnit(total, unit, total.status[unit] as number);
    else if (!Number.isFinite(total.value[unit])) maskUnit(total, unit, REWARD_STATUS.error);
  }
  return total;
}

/** A sum of vectors is one of each element. */
export function linear(spec: LinearSpec, operands: readonly Operand[], context: CombinatorContext): NodeValue {
  const granularity = operands[0]?.value.granularity ?? context.units.base;
  const level = levelOf(context.units, granularity);
  const elements = operands[0]?.value.elements ?? null;
  const columns = Array.from({ length: elements?.length ?? 1 }, (_, element) =>
    linearSum(
      operands.map(({ name, value, unknown }) => ({
        column: value.columns[element] as RewardColumn,
        weight: weightOf(context.weight(name as string) ?? spec.weights[name as string] ?? 0, level),
        unknown: spec.unknown === undefined ? unknown : spec.unknown === 'mask' ? 'drop' : 'omit',
      })),
      level.units,
      spec.bias,
      // The reward as a whole may be nothing but unknown terms that add nothing; a part of it may not: it would count as 0 above.
      context.root ? 0 : 1,
    ),
  );
  return { granularity, elements, columns };
}

function weightOf(weight: Weight, level: UnitLevel): LinearTerm['weight'] {
  if (typeof weight === 'number') return weight;
  if ('request' in weight) return (unit) => requested(truthOf(level, unit), weight.request) ?? weight.otherwise;
  return (unit) => scheduledAt(weight, level.policyVersion[unit] as number);
}

function requested(truth: unknown, field: string): number | undefined {
  const value = typeof truth === 'object' && truth !== null ? (truth as Readonly<Record<string, unknown>>)[field] : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
