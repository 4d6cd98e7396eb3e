/** Fits and policy learners by kind. */
import type { FitSpec, PolicyLearnSpec } from '../../../proto/preference-sources.js';
import { adversarialFit } from './adversarial.js';
import { bradleyTerryFit } from './bradley-terry.js';
import { constrainedPolicyFit } from './constrained-policy.js';
import type { Fit, FitContext } from './fit.js';
import { gateFit } from './gate.js';
import { idealPointFit } from './ideal-point.js';
import { mixtureFit } from './mixture.js';
import { preferencePolicyFit } from './preference-policy.js';
import { referenceConditionedFit } from './reference-conditioned.js';
import { regressionFit } from './regression.js';
import { tripletFit } from './triplet.js';
import { variationalFit } from './variational.js';
import { weightedPolicyFit } from './weighted-policy.js';

export async function openFit(spec: FitSpec | PolicyLearnSpec, context: FitContext): Promise<Fit> {
  switch (spec.kind) {
    case 'bradley-terry':
      return bradleyTerryFit(spec, context);
    case 'regression':
      return regressionFit(spec, context);
    case 'gate':
      return gateFit(spec, context);
    case 'mixture':
      return mixtureFit(spec, context);
    case 'ideal-point':
      return idealPointFit(spec, context);
    case 'variational':
      return variationalFit(spec, context);
    case 'adversarial':
      return adversarialFit(spec, context);
    case 'triplet':
      return tripletFit(spec, context);
    case 'reference-conditioned':
      return referenceConditionedFit(spec, context);
    case 'preference':
      return preferencePolicyFit(spec, context);
    case 'weighted-mle':
      return weightedPolicyFit(spec, context);
    case 'constrained':
      return constrainedPolicyFit(spec, context);
    default: {
      const never: never = spec;
      throw new TypeError(`unknown fit ${JSON.stringify(never)}`);
    }
  }
}
