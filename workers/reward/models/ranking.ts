/**
 * Fit `ranking`: r = z where the standardised score z of the message is above the threshold, else 0 (ONI-Ranking,
 * arXiv 2410.23022; Motif, arXiv 2310.00166). Standardisation and threshold are those of the version, and applied.
 */
import type { ModelBody } from './model-file.js';
import { logistic } from './calibration.js';
import { standardised } from '../../../proto/moments.js';
import type { TextValue } from './text-values.js';

/** `confidence`: the probability, as the model sees it, that the message beats one of mean score, or loses to it. */
export function rankingValue({ head, position }: ModelBody, score: number): TextValue {
  if (head.kind !== 'ranking') throw new TypeError(`expected the head of a ranking, got ${head.kind}`);
  const z = head.standardise ? standardised(head.moments, score) : score;
  return { value: z > head.threshold ? z : 0, confidence: logistic(Math.abs(score - head.moments.mean)), version: position };
}
