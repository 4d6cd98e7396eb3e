/** All fits. A new one is a file beside this one, its schema in proto/reward-fits.ts, and a line here and in `fitOf`. */
import type { ModelSourceSpec } from '../../../proto/reward-sources.js';
import { fitKindSchema, type ClassificationSpec, type RankingSpec, type TrainedFitSpec } from '../../../proto/reward-fits.js';
import { bagOfWordsValues } from './bag-of-words.js';
import { classificationValue } from './classification.js';
import { fitClassification } from './classification-fit.js';
import type { FitContext, FitOutcome } from './fit-kind.js';
import type { ModelBody } from './model-file.js';
import { rankingValue } from './ranking.js';
import { fitRanking } from './ranking-fit.js';
import { retrievalValues } from './retrieval.js';
import type { TextValue, TextValues } from './text-values.js';

/** What a source says of a message. */
export function textValues(name: string, spec: ModelSourceSpec): TextValues {
  const { fit, annotator } = spec;
  const modelled =
    (valueOf: (body: ModelBody, score: number) => TextValue): TextValues =>
    (text, { model }) =>
      model === undefined ? undefined : valueOf(model.body, model.score(text));
  if (fit.kind === 'bag-of-words') return bagOfWordsValues(fit, annotator.goal);
  const kind = fit.kind === 'offline' ? fit.model : fit.kind;
  switch (kind) {
    case 'retrieval':
      return retrievalValues(name, spec);
    case 'classification':
      return modelled((body, score) => classificationValue(body, score, annotator.answer));
    case 'ranking':
      return modelled(rankingValue);
    default: {
      const never: never = kind;
      throw new TypeError(`unknown fit ${String(never)}`);
    }
  }
}

/** Makes one version. */
export function fitOf(spec: TrainedFitSpec, context: FitContext): Promise<FitOutcome> {
  switch (spec.kind) {
    case 'classification':
      return fitClassification(spec, context);
    case 'ranking':
      return fitRanking(spec, context);
    case 'offline': {
      const { kind: _kind, model, labels: _labels, thresholdQuantile, threshold, standardise, window, ...training } = spec;
      if (model === 'ranking') return fitRanking(fitKindSchema.parse({ kind: model, thresholdQuantile, threshold, standardise, window, ...training }) as RankingSpec, context);
      return fitClassification(fitKindSchema.parse({ kind: model, ...training }) as ClassificationSpec, context);
    }
    default: {
      const never: never = spec;
      throw new TypeError(`unknown fit ${JSON.stringify(never)}`);
    }
  }
}

/** When versions of a fit are due. */
export function milestonesOf(spec: TrainedFitSpec): { labelsMin: number; labelsEvery: number; growth: number; once?: boolean } {
  return spec.kind === 'offline' ? { labelsMin: spec.labels, labelsEvery: 1, growth: 0, once: true } : spec;
}
