/** Jobs of texts that a test runs through the real machinery. */
import type { JobInput } from '../../proto/job.js';

export const TEXT_JOB = {
  name: 'small',
  environment: { kind: 'text', task: { name: 'json-recipe' }, completionTokensMax: 40 },
  policy: { kind: 'transformer', preset: 'tiny' },
  sources: { valid: { kind: 'env', component: 'valid' }, correct: { kind: 'env', component: 'correct' } },
  combine: { op: 'linear', weights: { valid: 1, correct: 1 } },
  learn: { kind: 'group-policy-gradient', groupSize: 4, batchSegments: 2, warmStart: { steps: 20 } },
  rollout: { shards: 2, environmentsPerShard: 4 },
  evaluate: { episodes: 8 },
  stop: { versions: 4 },
  seed: 5,
} as const satisfies JobInput;
