/** What must be true of a job whose environments play the same episodes in groups. */
import { FIXED_LENGTH } from './environments.js';
import { environmentsPerGroup, type Job } from './job.js';
import { comparesEpisodes } from './learning.js';
import type { Say } from './reward-types.js';

export function checkEpisodeGroups(job: Job, say: Say): void {
  const { environment, learn, policy, rollout } = job;
  if (learn.kind !== 'actor-critic' || environment.kind === 'text') return;
  const group = environmentsPerGroup(job);
  if (rollout.environmentsPerShard % group !== 0) say('learn.groupSize', `expected a divisor of rollout.environmentsPerShard (${rollout.environmentsPerShard}), got ${group}: a group is in one shard`);
  if (!comparesEpisodes(learn)) return;
  if (group < 2) say('rollout.environmentsPerShard', `expected at least 2: ${learn.correction} compares episodes of a group, got ${group}`);
  if (!FIXED_LENGTH.has(environment.kind)) return say('learn.correction', `expected v-trace or gae: ${learn.correction} compares episodes that begin and end together (${[...FIXED_LENGTH].join(', ')}), and those of ${environment.kind} end when they will`);
  const turns = environment.episodeStepsMax as number;
  if (rollout.segmentSteps % turns !== 0) say('rollout.segmentSteps', `expected a multiple of environment.episodeStepsMax (${turns}): ${learn.correction} looks at whole episodes, got ${rollout.segmentSteps}`);
  if (policy.kind !== 'transformer' && policy.valueHeads !== null) say('policy.valueHeads', `expected null: ${learn.correction} has no value function`);
}
