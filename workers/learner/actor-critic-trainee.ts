/** A policy and value network that is trained on steps of environments. */
import { LaurelError } from '../../proto/errors.js';
import { environmentsPerGroup, type Job } from '../../proto/job.js';
import { actorCriticOf, comparesEpisodes, networkPolicyOf } from '../../proto/learning.js';
import { shownMachines } from '../../proto/shown-machines.js';
import { assembleBatch } from './batch.js';
import { exportPolicy } from './checkpoint.js';
import { comparedEpisodes } from './compared-episodes.js';
import { Network } from './networks/network.js';
import { initialTrainerState, TrainStepper } from './stepper.js';
import type { Trainee, TraineeContext } from './trainee.js';

export async function createActorCritic({ job, spacesOf }: TraineeContext): Promise<Trainee> {
  const spaces = await spacesOf(job.environment, shownMachines(job));
  const learn = actorCriticOf(job.learn);
  const { segmentSteps, environmentsPerShard } = job.rollout;
  const network = new Network(spaces, networkPolicyOf(job.policy));
  // A session of seconds' making, which version 0 does not need.
  let stepper: Promise<TrainStepper> | undefined;
  return {
    parameters: network.parameters,
    rewardNames: spaces.rewards,
    statisticNames: spaces.episodeStatistics,
    files: [],
    begin: async () => initialTrainerState(network, job.seed),
    async train(state, parts) {
      stepper ??= TrainStepper.create(network, learn, segmentSteps, learn.batchSegments * environmentsPerShard);
      const session = await stepper;
      const assembled = assembleBatch(parts, network, segmentSteps, environmentsPerShard);
      const groups = comparesEpisodes(learn) ? comparedEpisodes(learn, assembled, { steps: segmentSteps, episodeSteps: episodeStepsOf(job), groupSize: environmentsPerGroup(job) }) : null;
      const arrays = groups === null ? assembled : { ...assembled, advantage: groups.advantage, weight: groups.weight };
      let trained = await session.step(state, arrays);
      for (let epoch = 1; epoch < learn.epochs; epoch++) trained = await session.step(trained.state, arrays);
      return groups === null ? trained : { ...trained, metrics: { ...trained.metrics, ...groups.metrics } };
    },
    exportPolicy: (state, version) => exportPolicy(network, state, job, version),
    release: async () => (await stepper)?.release(),
  };
}

/** @throws LaurelError LAUREL_JOB_INVALID */
function episodeStepsOf({ environment }: Job): number {
  if (environment.kind === 'text' || environment.episodeStepsMax === undefined) throw new LaurelError('LAUREL_JOB_INVALID', `expected an environment whose episodes have a fixed length, got ${environment.kind}`);
  return environment.episodeStepsMax;
}
