/** What can be said of the values of a source from the job alone. A new kind of source has its line here. */
import type { Granularity } from './granularity.js';
import { isTrained } from './reward-fits.js';
import { embeddingRange } from './reward-embedding.js';
import { bonusRange } from './reward-novelty.js';
import { ruleRange } from './reward-rules.js';
import { objectiveRange } from './reward-specifications.js';
import type { SourceSpec } from './reward-sources.js';

/** Lower and upper bound of all values; null: not known. */
export type Range = readonly [number, number];

export interface SourceType {
  /** Undefined: that of the learner. */
  readonly granularity: Granularity | undefined;
  /** Names of the elements of a vector, addressed as `source.element`; null: one number. */
  readonly elements: readonly string[] | null;
  readonly range: Range | null;
  /** Whether the same unit may get another value later in the run. */
  readonly moves: boolean;
  /** Whether the value depends on a state that the policy does not see. */
  readonly hiddenState: boolean;
}

export function sourceTypeOf(spec: SourceSpec): SourceType {
  const type = { granularity: spec.granularity, elements: null, range: null, moves: false, hiddenState: false, ...ofKind(spec) };
  return spec.range ? { ...type, range: spec.range } : type;
}

function ofKind(spec: SourceSpec): Partial<SourceType> {
  switch (spec.kind) {
    case 'env':
      return { elements: spec.components ?? null, range: spec.clip === null ? null : [-spec.clip, spec.clip] };
    case 'rule':
      return { elements: spec.rule.kind === 'javascript' ? spec.rule.elements : null, range: ruleRange(spec.rule) };
    case 'novelty':
      return { range: bonusRange(spec.bonus), hiddenState: true };
    case 'embedding':
      return { range: embeddingRange(spec) };
    case 'judge':
      return { range: [0, 1] };
    case 'implicit':
      return {};
    case 'onnx':
      return { elements: spec.elements };
    case 'spec':
      return { range: objectiveRange(spec.objective), hiddenState: !spec.show };
    case 'model': {
      const { kind } = spec.fit;
      const bounded = kind === 'retrieval' || kind === 'classification' || (kind === 'offline' && spec.fit.model === 'classification');
      return { range: bounded ? [0, 1] : kind === 'bag-of-words' ? [-1, 1] : null, moves: kind === 'retrieval' || (isTrained(spec.fit) && kind !== 'offline') };
    }
    default: {
      const never: never = spec;
      throw new TypeError(`unknown source ${JSON.stringify(never)}`);
    }
  }
}
