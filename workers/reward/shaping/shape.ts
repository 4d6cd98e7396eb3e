/** What an operation of shaping gets and gives. One file for each beside this one, and a line in registry.ts. */
import type { Moments } from '../../../proto/moments.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { maskUnit } from '../combinators/combinator.js';
import type { RewardColumn } from '../reward-column.js';
import type { UnitLevel, Units } from '../units.js';

export interface ShapeContext {
  /** The units that the values are of. */
  readonly level: UnitLevel;
  readonly units: Units;
  /** gamma of the learner; 1 where it has none. */
  readonly discount: number;
  /** Running moments that the run keeps for this operation; undefined: none yet. */
  readonly running?: Moments | undefined;
}

/** Pure. What is unknown stays unknown; confidences and versions stay. */
export type Shape<Spec> = (spec: Spec, column: RewardColumn, context: ShapeContext) => RewardColumn;

/** Changes every known value; what is then no finite number is an error, and masked. */
export function mapKnown(column: RewardColumn, change: (value: number, unit: number) => number): RewardColumn {
  const changed = { value: new Float32Array(column.value.length), mask: column.mask.slice(), confidence: column.confidence.slice(), status: column.status.slice(), version: column.version };
  for (let unit = 0; unit < changed.value.length; unit++) {
    if (changed.mask[unit] === 0) continue;
    const value = Math.fround(change(column.value[unit] as number, unit));
    if (Number.isFinite(value)) changed.value[unit] = value;
    else maskUnit(changed, unit, REWARD_STATUS.error);
  }
  return changed;
}
