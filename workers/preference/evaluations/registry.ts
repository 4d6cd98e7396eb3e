/** Evaluations of runs without rollouts, by kind. */
import type { ModelEvaluationSpec } from '../../../proto/preference-evaluate.js';
import type { Evaluated, EvaluationContext } from './evaluation.js';
import { bestOfList, bestOfN, tiesScore } from './lists.js';
import { occupancyFigures } from './occupancy.js';
import { policyFigures } from './policy.js';
import { preferenceAccuracy } from './preference-accuracy.js';
import { rubricFigures } from './rubrics.js';
import { comparisonGraph, correlation, curation, probes, readout } from './structure.js';

export async function evaluateWith(spec: ModelEvaluationSpec, context: EvaluationContext): Promise<Evaluated> {
  switch (spec.kind) {
    case 'preference-accuracy':
      return preferenceAccuracy(spec, context);
    case 'best-of-list':
      return bestOfList(spec, context);
    case 'ties':
      return tiesScore(spec, context);
    case 'best-of-n':
      return bestOfN(spec, context);
    case 'correlation':
      return correlation(spec, context);
    case 'probe':
      return probes(spec, context);
    case 'readout':
      return readout(spec, context);
    case 'occupancy':
      return occupancyFigures(spec, context);
    case 'policy':
      return policyFigures(spec, context);
    case 'curation':
      return curation(spec, context);
    case 'rubrics':
      return rubricFigures(spec, context);
    case 'comparison-graph':
      return comparisonGraph(spec, context);
    default: {
      const never: never = spec;
      throw new TypeError(`unknown evaluation ${JSON.stringify(never)}`);
    }
  }
}
