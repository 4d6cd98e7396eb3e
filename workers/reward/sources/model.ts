/**
 * Source `model`, fit `retrieval`: the label of exactly this message (ONI-Retrieval, arXiv 2410.23022). A message without
 * a label is unknown, and masked: it is not a verdict of 0.
 */
import { LaurelError } from '../../../proto/errors.js';
import type { ModelSourceSpec } from '../../../proto/reward-sources.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { knownColumn } from '../reward-column.js';
import type { CompiledSource } from './source.js';

/** A transition without a message has nothing to judge: a known 0. */
export function compileModelSource(name: string, spec: ModelSourceSpec): CompiledSource {
  const { answer, threshold } = spec.annotator;
  return {
    masked: true,
    evaluate({ units, textIndex, texts }, { labels }) {
      if (!labels) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected a label-log position for the source ${name}, got none`);
      const probabilities = texts.map((text) => labels.get(text)?.probability);
      const column = knownColumn(units, labels.position);
      for (let unit = 0; unit < units; unit++) {
        const index = textIndex[unit] as number;
        if (index < 0) continue;
        const probability = probabilities[index];
        if (probability === undefined) {
          column.mask[unit] = 0;
          column.confidence[unit] = 0;
          column.status[unit] = REWARD_STATUS.pending;
          continue;
        }
        column.value[unit] = answer === 'probability' ? probability : probability > threshold ? 1 : 0;
        column.confidence[unit] = Math.max(probability, 1 - probability);
      }
      return column;
    },
  };
}
