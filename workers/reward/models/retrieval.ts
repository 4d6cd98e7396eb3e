/**
 * Fit `retrieval`: the label of exactly this message (ONI-Retrieval, arXiv 2410.23022). A message without a label is
 * unknown: it is not a verdict of 0.
 */
import { LaurelError } from '../../../proto/errors.js';
import type { ModelSourceSpec } from '../../../proto/reward-sources.js';
import type { TextValues } from './text-values.js';

export function retrievalValues(name: string, { annotator: { answer, threshold } }: ModelSourceSpec): TextValues {
  return (text, { labels }) => {
    if (!labels) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected a label-log position for the source ${name}, got none`);
    const label = labels.get(text);
    if (label === undefined) return undefined;
    const { probability } = label;
    const value = answer === 'probability' ? probability : probability > threshold ? 1 : 0;
    return { value, confidence: Math.max(probability, 1 - probability), version: label.entry + 1 };
  };
}
