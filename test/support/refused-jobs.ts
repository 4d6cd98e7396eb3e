/** Job files under test/fixtures/refused, each of which breaks one rule, and the code with which it is refused. */
import type { ErrorCode } from '../../proto/errors.js';

export const REFUSED: Readonly<Record<string, ErrorCode>> = {
  'a-granularity.json': 'LAUREL_REWARD_GRANULARITY',
  'a-not-causal.json': 'LAUREL_REWARD_NOT_CAUSAL',
  'b-request.json': 'LAUREL_REWARD_CONTEXT',
  'b-width.json': 'LAUREL_REWARD_WIDTH',
  'c-threshold.json': 'LAUREL_REWARD_THRESHOLD',
  'd-relation.json': 'LAUREL_RELATION_MISSING',
  'e-offline.json': 'LAUREL_LEARNER_OFFLINE',
  'g-cached.json': 'LAUREL_REWARD_CACHED',
  'h-overlap.json': 'LAUREL_EVALUATION_OVERLAP',
  'h-seed.json': 'LAUREL_EVALUATION_OVERLAP',
  'i-list.json': 'LAUREL_JUDGE_UNSUITED',
};
