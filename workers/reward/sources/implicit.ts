/** Source `implicit`: what the policy itself thought of its tokens or actions, alone or beside version 0. */
import type { ImplicitSource } from '../../../proto/reward-implicit.js';
import { needsReference } from '../../../proto/reward-implicit.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import { holders, type UnitLevel } from '../units.js';
import type { CompiledSource } from './source.js';

/** Log-probabilities under version 0, of each token (scorer.ts). */
export const REFERENCE = 'logprob-reference';

export function compileImplicitSource(spec: ImplicitSource): CompiledSource {
  return {
    masked: true,
    // Of tokens they are always there; of actions they are read from the segment.
    numbers: ['logprob'],
    evaluate(level, { units }) {
      const token = units?.levels.token;
      if (!units || !token || level.granularity === 'token') return perUnit(spec, level);
      const own = perUnit(spec, token);
      const column = knownColumn(level.units);
      const counts = new Uint32Array(level.units);
      const sums = new Float64Array(level.units);
      const unknown = new Uint8Array(level.units);
      holders(units, 'token', level.granularity).forEach((holder, unit) => {
        counts[holder] = (counts[holder] as number) + 1;
        sums[holder] = (sums[holder] as number) + (own.value[unit] as number);
        if (own.mask[unit] === 0) unknown[holder] = 1;
      });
      for (let unit = 0; unit < level.units; unit++) {
        // A completion without a token has no probability that could be told.
        if (unknown[unit] === 1 || counts[unit] === 0) mask(column, unit);
        else column.value[unit] = spec.over === 'sum' ? (sums[unit] as number) : (sums[unit] as number) / (counts[unit] as number);
      }
      return column;
    },
  };
}

function perUnit(spec: ImplicitSource, level: UnitLevel): RewardColumn {
  const column = knownColumn(level.units);
  const [policy, reference] = [level.numbers['logprob'], level.numbers[REFERENCE]];
  for (let unit = 0; unit < level.units; unit++) {
    const [own, other] = [policy?.values[unit], needsReference(spec) ? reference?.values[unit] : 0];
    const value = own === undefined || other === undefined ? Number.NaN : valueOf(spec, own, other);
    if (Number.isFinite(value)) column.value[unit] = value;
    else mask(column, unit);
  }
  return column;
}

/** @param own log p @param other log p0 */
function valueOf({ form, beta, estimator }: ImplicitSource, own: number, other: number): number {
  switch (form) {
    case 'confidence':
      return own;
    case 'log-ratio':
      return beta * (own - other);
    case 'divergence':
      return -beta * (estimator === 'k1' ? own - other : Math.exp(other - own) - (other - own) - 1);
    default: {
      const never: never = form;
      throw new TypeError(`unknown form ${String(never)}`);
    }
  }
}

function mask(column: RewardColumn, unit: number): void {
  column.value[unit] = 0;
  column.mask[unit] = 0;
  column.confidence[unit] = 0;
  column.status[unit] = REWARD_STATUS.error;
}
