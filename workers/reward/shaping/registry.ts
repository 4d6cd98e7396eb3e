/** All shaping operations. A new one is a file beside this one, its schema in proto/reward-shapes.ts, and a line here. */
import type { ShapeSpec } from '../../../proto/reward-shapes.js';
import type { RewardColumn } from '../reward-column.js';
import type { History } from '../sources/source.js';
import { clip } from './clip.js';
import { difficulty } from './difficulty.js';
import { episodicCountDecay } from './episodic-count-decay.js';
import { filter } from './filter.js';
import { length } from './length.js';
import { potential } from './potential.js';
import { progressiveThreshold } from './progressive-threshold.js';
import { scale } from './scale.js';
import type { ShapeContext } from './shape.js';
import { standardise } from './standardise.js';

export function applyShape(spec: ShapeSpec, column: RewardColumn, context: ShapeContext): RewardColumn {
  switch (spec.op) {
    case 'episodic-count-decay':
      return episodicCountDecay(spec, column, context);
    case 'potential':
      return potential(spec, column, context);
    case 'standardise':
      return standardise(spec, column, context);
    case 'scale':
      return scale(spec, column, context);
    case 'progressive-threshold':
      return progressiveThreshold(spec, column, context);
    case 'difficulty':
      return difficulty(spec, column, context);
    case 'clip':
      return clip(spec, column);
    case 'filter':
      return filter(spec, column);
    case 'length':
      return length(spec, column, context);
    default: {
      const never: never = spec;
      throw new TypeError(`unknown shaping ${JSON.stringify(never)}`);
    }
  }
}

/** How much of an episode before the batch an operation looks at. */
export function historyOfShape({ op }: ShapeSpec): History {
  return op === 'potential' ? 'previous' : 'none';
}
