/** Workloads of runs without rollouts, by kind. */
import type { DataSpec } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { makeAttributes } from './attributes.js';
import { makeBehaviours } from './behaviours.js';
import { makeBandit } from './bandit.js';
import { makeComparisons } from './comparisons.js';
import { makeCriteria } from './criteria.js';
import { makeExpert } from './expert.js';
import { makeInline } from './inline.js';
import { makeLists } from './lists.js';
import { makePictures } from './pictures.js';
import { makePolicies } from './policies.js';
import { makeProxies } from './proxies.js';
import { makeReplies } from './replies.js';
import { makeTraces } from './traces.js';
import { makeUsers } from './users.js';

/** Tables by name; a pure function of the specification and the seed. */
export function makeTables(spec: DataSpec, seed: number): Record<string, Dataset> {
  switch (spec.kind) {
    case 'users':
      return makeUsers(spec, seed);
    case 'attributes':
      return makeAttributes(spec, seed);
    case 'bandit':
      return makeBandit(spec, seed);
    case 'lists':
      return makeLists(spec, seed);
    case 'policies':
      return makePolicies(spec, seed);
    case 'comparisons':
      return makeComparisons(spec, seed);
    case 'traces':
      return makeTraces(spec, seed);
    case 'behaviours':
      return makeBehaviours(spec, seed);
    case 'expert':
      return makeExpert(spec, seed);
    case 'proxies':
      return makeProxies(spec);
    case 'criteria':
      return makeCriteria(spec, seed);
    case 'replies':
      return makeReplies(spec, seed);
    case 'pictures':
      return makePictures(spec, seed);
    case 'inline':
      return makeInline(spec);
    default: {
      const never: never = spec;
      throw new TypeError(`unknown workload ${JSON.stringify(never)}`);
    }
  }
}
