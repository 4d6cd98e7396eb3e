/**
 * Fit `classification`: what a network learned from the labels says of a message, also of one that nobody labelled
 * (ONI-Classification, arXiv 2410.23022): 1 where its calibrated probability is above eta, else 0, or the probability.
 */
import type { AnnotatorSpec } from '../../../proto/judges.js';
import { calibrated } from './calibration.js';
import type { ModelBody } from './model-file.js';
import type { TextValue } from './text-values.js';

export function classificationValue({ head, position }: ModelBody, score: number, answer: AnnotatorSpec['answer']): TextValue {
  if (head.kind !== 'classification') throw new TypeError(`expected the head of a classifier, got ${head.kind}`);
  const probability = calibrated(head.calibration, score);
  const value = answer === 'probability' ? probability : probability > head.threshold ? 1 : 0;
  return { value, confidence: Math.max(probability, 1 - probability), version: position };
}
