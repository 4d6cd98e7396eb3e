/** All shaping operations. A new one is a file beside this one, its schema in proto/job.ts, and a line here. */
import type { ShapeSpec } from '../../../proto/reward-shapes.js';
import type { RewardColumn } from '../reward-column.js';
import type { RewardInput } from '../reward-input.js';
import { episodicCountDecay } from './episodic-count-decay.js';

export function applyShape(spec: ShapeSpec, column: RewardColumn, input: RewardInput): RewardColumn {
  switch (spec.op) {
    case 'episodic-count-decay':
      return episodicCountDecay(column, input, spec.exponent);
    default: {
      const never: never = spec.op;
      throw new TypeError(`unknown shaping ${String(never)}`);
    }
  }
}
