/** r - kappa * max(0, (L - target) / target). Our own form (see proto/reward-shapes.ts). */
import type { ShapeSpecOf } from '../../../proto/reward-shapes.js';
import type { RewardColumn } from '../reward-column.js';
import { holders, textOf } from '../units.js';
import { mapKnown, type ShapeContext } from './shape.js';

export function length(spec: ShapeSpecOf<'length'>, column: RewardColumn, context: ShapeContext): RewardColumn {
  const lengthOf = counter(spec.unit, context);
  return mapKnown(column, (value, unit) => value - spec.kappa * Math.max(0, (lengthOf(unit) - spec.target) / spec.target));
}

function counter(unit: ShapeSpecOf<'length'>['unit'], { level, units }: ShapeContext): (unit: number) => number {
  if (unit === 'characters') return (one) => textOf(level, one)?.length ?? 0;
  if (unit === 'words') return (one) => textOf(level, one)?.split(/\s+/).filter((word) => word !== '').length ?? 0;
  const counts = new Int32Array(level.units);
  for (const holder of holders(units, unit === 'tokens' ? 'token' : 'step', level.granularity)) counts[holder] = (counts[holder] as number) + 1;
  return (one) => counts[one] as number;
}
